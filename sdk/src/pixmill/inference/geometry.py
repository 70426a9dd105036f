"""Boxes and cells of a network's input, in numpy. Pure."""

import numpy as np
from numpy.typing import NDArray

from pixmill.inference.contract import Candidates, Floats

STRIDE_SETS = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))
"""The pyramids of cells that detectors without anchors use, in pixels per cell."""

_NORMALIZED_MAX = 2.0


def cell_counts(height: int, width: int) -> dict[int, tuple[int, ...]]:
    """For every known pyramid, how many cells it has at this input size, and its strides."""
    counts: dict[int, tuple[int, ...]] = {}
    for strides in STRIDE_SETS:
        if height % strides[-1] == 0 and width % strides[-1] == 0:
            counts[sum((height // stride) * (width // stride) for stride in strides)] = strides
    return counts


def is_grid_count(count: int, *, height: int, width: int) -> bool:
    """Whether so many rows are the cells of a pyramid, or three anchors for each, rather than a chosen few boxes."""
    counts = cell_counts(height, width)
    return count in counts or (count % 3 == 0 and count // 3 in counts)


def cells(height: int, width: int, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column and row of every cell (n, 2), and its stride (n, 1), row by row, finest level first."""
    places, steps = [], []
    for stride in strides:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        places.append(np.stack([columns, rows], axis=-1).reshape(-1, 2))
        steps.append(np.full((places[-1].shape[0], 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(steps).astype(np.float32)


def corners(centers_and_sizes: Floats) -> Floats:
    """From (n, 4) center x, center y, width, height to (n, 4) left, top, right, bottom."""
    centers, halves = centers_and_sizes[:, :2], centers_and_sizes[:, 2:4] / 2
    return np.concatenate([centers - halves, centers + halves], axis=1)


def pixel_scale(boxes: Floats, *, height: int, width: int) -> Floats:
    """(4,) factors from the unit of the boxes to pixels of the input: 1 where they already are pixels.

    `boxes` (n, 4) is everything that a network says of one image, before any choice by score; boxes of all cells
    reach far beyond 2 in pixels, and never do where the unit is the whole image.
    """
    if boxes.size and float(np.abs(boxes).max()) <= _NORMALIZED_MAX:
        return np.array([width, height, width, height], dtype=np.float32)
    return np.ones(4, dtype=np.float32)


def best_classes(scores: Floats, confidence: float) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Of (n, classes) scores: the rows whose best class reaches the confidence, its score, and its index."""
    rows = np.flatnonzero(scores.max(axis=1, initial=-np.inf) >= confidence)
    chosen = scores[rows]
    classes = chosen.argmax(axis=1) if len(rows) else np.zeros(0, dtype=np.int64)
    return rows, chosen[np.arange(len(rows)), classes], classes


def finite(candidates: Candidates) -> Candidates:
    """Without the boxes that are no boxes: a number that is not finite, or no area."""
    is_finite = np.isfinite(candidates.boxes).all(axis=1)
    has_area = (candidates.boxes[:, 2:] > candidates.boxes[:, :2]).all(axis=1)
    sound = np.flatnonzero(is_finite & has_area)
    return candidates if len(sound) == len(candidates.boxes) else candidates.take(sound)
