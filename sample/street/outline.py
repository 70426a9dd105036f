"""Turns the pixels that an object shows into a box and polygons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sample.street.geometry import Point2, signed_area

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


def box_of(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The smallest box around what is set: left, top, right, bottom in mask pixels, right and bottom excluded."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def polygons_of(mask: npt.NDArray[np.bool_], *, tolerance: float, least_area: float) -> list[list[Point2]]:
    """The outer outlines of what is set, mask pixels; simplified by `tolerance`, pieces under `least_area` left out."""
    left, top, right, bottom = box_of(mask)
    cut = np.pad(mask[top:bottom, left:right], 1)
    outlines = []
    for loop in _loops(cut):
        # Outlines run with the set pixels on their right, so only holes have a negative area.
        if signed_area(loop) / 2 >= least_area:
            simple = _simplify(loop, tolerance)
            if len(simple) > 2:
                outlines.append([(x + left - 1, y + top - 1) for x, y in simple])
    return sorted(outlines, key=lambda points: -abs(signed_area(points)))


def _loops(mask: npt.NDArray[np.bool_]) -> list[list[Point2]]:
    """The edges between set and unset pixels, chained."""
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def add(ys: npt.NDArray[np.intp], xs: npt.NDArray[np.intp], start: tuple[int, int], stop: tuple[int, int]) -> None:
        for y, x in zip(ys.tolist(), xs.tolist(), strict=True):
            edges.setdefault((x + start[0], y + start[1]), []).append((x + stop[0], y + stop[1]))

    inner = mask[1:-1, 1:-1]
    for other, start, stop in (
        (mask[:-2, 1:-1], (1, 1), (2, 1)),
        (mask[1:-1, 2:], (2, 1), (2, 2)),
        (mask[2:, 1:-1], (2, 2), (1, 2)),
        (mask[1:-1, :-2], (1, 2), (1, 1)),
    ):
        ys, xs = np.nonzero(inner & ~other)
        add(ys, xs, start, stop)
    loops: list[list[Point2]] = []
    while edges:
        first = next(iter(edges))
        loop: list[Point2] = []
        here = first
        while here in edges:
            loop.append(here)
            onward = edges[here].pop()
            if not edges[here]:
                del edges[here]
            here = onward
        loops.append(loop)
    return loops


def _simplify(loop: Sequence[Point2], tolerance: float) -> list[Point2]:
    """Leave out points that are within `tolerance` of the line without them (Douglas and Peucker)."""
    points = np.asarray(loop, np.float64)
    bends = (np.roll(points, -1, 0) - points) != (points - np.roll(points, 1, 0))
    points = points[bends.any(1)]
    far = int(np.argmax(((points - points[0]) ** 2).sum(1)))
    if far == 0:
        return []
    keep = np.zeros(len(points) + 1, bool)
    closed = np.vstack([points, points[:1]])
    keep[[0, far]] = True
    pending = [(0, far), (far, len(points))]
    while pending:
        start, stop = pending.pop()
        if stop - start < 2:
            continue
        a, b = closed[start], closed[stop]
        between = closed[start + 1 : stop] - a
        length = math.hypot(*(b - a)) or 1.0
        away = np.abs(between[:, 0] * (b - a)[1] - between[:, 1] * (b - a)[0]) / length
        worst = int(np.argmax(away))
        if away[worst] > tolerance:
            middle = start + 1 + worst
            keep[middle] = True
            pending += [(start, middle), (middle, stop)]
    return [(float(x), float(y)) for x, y in closed[:-1][keep[:-1]]]
