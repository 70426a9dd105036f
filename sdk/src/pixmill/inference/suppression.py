"""Class-wise suppression of boxes that overlap a better one of their own class. Pure numpy."""

import numpy as np
from numpy.typing import NDArray

_SMALL = 400
"""Up to so many boxes of a class, all overlaps at once are faster than one row after the other."""


def suppress(
    boxes: NDArray[np.float64], scores: NDArray[np.float32], classes: NDArray[np.int64], *, iou: float
) -> NDArray[np.int64]:
    """Rows of the boxes that stay, best score first (then lower row).

    Within a class, a box goes whose intersection over union with a better one that stays is above `iou`. Classes do not
    see each other: what stays of one class does not depend on which others are there. `boxes` are (n, 4) corners.
    """
    if not len(boxes):
        return np.zeros(0, dtype=np.int64)
    # By class, best first; lexsort is stable, so that equal scores keep their order.
    order = np.lexsort((-scores, classes))
    starts = np.flatnonzero(np.diff(classes[order], prepend=-1))
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = [_one_class(boxes, areas, rows, iou) for rows in np.split(order, starts[1:])]
    stays = np.sort(np.concatenate(kept))
    return stays[np.argsort(-scores[stays], kind="stable")]


def _one_class(
    boxes: NDArray[np.float64], areas: NDArray[np.float64], rows: NDArray[np.int64], iou: float
) -> NDArray[np.int64]:
    """`rows` are the boxes of one class, best first."""
    if len(rows) == 1:
        return rows
    kept = []
    while len(rows) > _SMALL:
        best, rest = rows[:1], rows[1:]
        kept.append(best)
        rows = rest[_overlaps(boxes, areas, best, rest)[0] <= iou]
    overlapping = _overlaps(boxes, areas, rows, rows) > iou
    alive = np.ones(len(rows), dtype=np.bool_)
    for index in np.flatnonzero(overlapping.sum(axis=1) > 1):
        if alive[index]:
            alive[index + 1 :] &= ~overlapping[index, index + 1 :]
    kept.append(rows[alive])
    return np.concatenate(kept)


def _overlaps(
    boxes: NDArray[np.float64], areas: NDArray[np.float64], some: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(some, others) intersection over union."""
    first, second = boxes[some][:, None, :], boxes[others][None, :, :]
    sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
    np.maximum(sides, 0.0, out=sides)
    intersection = sides[..., 0] * sides[..., 1]
    union = areas[some][:, None] + areas[others][None, :] - intersection
    shares: NDArray[np.float64] = np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
    return shares
