"""Class-wise suppression of boxes that overlap a better one of their own class. Pure numpy."""

import numpy as np
from numpy.typing import NDArray

_MANY = 200
"""Classes with more boxes than this go one box after the other, which is then faster than all pairs at once."""

Rows = NDArray[np.int64]


def suppress(
    boxes: NDArray[np.float64], scores: NDArray[np.float32], classes: NDArray[np.int64], *, iou: float
) -> Rows:
    """Rows of the boxes that stay, best score first (then lower row).

    Within a class, a box goes whose intersection over union with a better one that stays is above `iou`. Classes do not
    see each other: what stays of one class does not depend on which others are there. `boxes` are (n, 4) corners,
    each of some area.
    """
    if not len(boxes):
        return np.zeros(0, dtype=np.int64)
    # By class, best first; lexsort is stable, so that equal scores keep their order.
    order = np.lexsort((-scores, classes))
    sizes = np.diff(np.flatnonzero(np.diff(classes[order], prepend=-1, append=-1)))
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    is_small = np.repeat(sizes <= _MANY, sizes)
    kept = [_by_pairs(boxes, areas, order[is_small], sizes[sizes <= _MANY], iou)]
    for first, size in zip(np.cumsum(sizes) - sizes, sizes, strict=True):
        if size > _MANY:
            kept.append(_one_by_one(boxes, areas, order[first : first + size], iou))
    stays = np.sort(np.concatenate(kept))
    return stays[np.argsort(-scores[stays], kind="stable")]


def _by_pairs(boxes: NDArray[np.float64], areas: NDArray[np.float64], rows: Rows, sizes: Rows, iou: float) -> Rows:
    """Of every class at once: `rows` class after class, best first, `sizes` how many there are of each."""
    # Every pair of a class: a box, and each of the worse ones after it.
    worse_ones = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(rows)) - 1
    better = np.repeat(np.arange(len(rows)), worse_ones)
    worse = better + 1 + np.arange(len(better)) - np.repeat(np.cumsum(worse_ones) - worse_ones, worse_ones)
    overlapping = _overlaps(boxes, areas, rows[better], rows[worse]) > iou
    stays = [True] * len(rows)
    for one, other in zip(better[overlapping].tolist(), worse[overlapping].tolist(), strict=True):
        if stays[one]:
            stays[other] = False
    return rows[np.array(stays, dtype=np.bool_)]


def _one_by_one(boxes: NDArray[np.float64], areas: NDArray[np.float64], rows: Rows, iou: float) -> Rows:
    """Of one class, best first."""
    boxes, areas = boxes[rows], areas[rows]
    left = np.arange(len(rows))
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[1:][_overlaps(boxes, areas, left[:1], left[1:]) <= iou]
    return rows[kept]


def _overlaps(boxes: NDArray[np.float64], areas: NDArray[np.float64], some: Rows, others: Rows) -> NDArray[np.float64]:
    """Intersection over union of each pair; `some` may be a single row."""
    first, second = boxes[some], boxes[others]
    widths = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
    heights = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
    shared = np.maximum(widths, 0.0) * np.maximum(heights, 0.0)
    # Boxes have an area, so that the union has one.
    shares: NDArray[np.float64] = shared / (areas[some] + areas[others] - shared)
    return shares
