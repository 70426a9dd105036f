"""Turns shapes from the pixels of a stored photograph into those of its display. Values in, values out.

A camera stores a photograph as its sensor lay and notes an EXIF orientation. Annotations that were drawn on the stored
pixels (their file then has width and height swapped) are turned with the same rule that turns the picture.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pixmill.annotations import KINDS, AnnotationColumns, ShapeKind
from pixmill.annotations.rle import compress, decompress

_ANGLES = {5: 90.0, 6: 90.0, 7: 270.0, 8: 270.0}
_MIRRORED = frozenset({5, 7})
_PAIRS = frozenset({ShapeKind.POLYGON, ShapeKind.LINE, ShapeKind.POINT})


def turn(columns: AnnotationColumns, asset: str, orientation: int, width: int, height: int) -> AnnotationColumns:
    """The shapes of one asset turned by EXIF orientation 5 to 8; `width` and `height` are those of the display."""
    rows = np.flatnonzero(columns.asset == columns.assets.index(asset))
    bbox, coordinates = columns.bbox.copy(), columns.coordinates.copy()
    masks: dict[int, bytes] = {}
    for row in rows.tolist():
        start, end = columns.coordinate_offsets[row : row + 2].tolist()
        kind = KINDS[columns.kind[row]]
        if kind is not ShapeKind.CLASS:
            bbox[row] = _turn_box(bbox[row], orientation, width, height)
        if kind is ShapeKind.MASK:
            packed = columns.masks[columns.mask_offsets[row] : columns.mask_offsets[row + 1]].tobytes()
            stored_height, stored_width = (int(side) for side in coordinates[start:end])
            masks[row] = _turn_mask(packed, stored_width, stored_height, orientation)
            coordinates[start:end] = (stored_width, stored_height)
        else:
            coordinates[start:end] = _turn_coordinates(kind, coordinates[start:end], orientation, width, height)
    turned = replace(columns, bbox=bbox, coordinates=coordinates)
    return _with_masks(turned, masks) if masks else turned


def turn_points(points: NDArray[np.float64], orientation: int, width: int, height: int) -> NDArray[np.float64]:
    """(n, 2) points x, y of the stored pixels in those of the display, which is `width` x `height`."""
    x, y = points[:, 0], points[:, 1]
    turned = {
        5: (y, x),
        6: (width - y, x),
        7: (width - y, height - x),
        8: (y, height - x),
    }
    return np.stack(turned[orientation], axis=1)


def _turn_box(box: NDArray[np.float64], orientation: int, width: int, height: int) -> NDArray[np.float64]:
    x, y, box_width, box_height = box
    corners = turn_points(np.array([[x, y], [x + box_width, y + box_height]]), orientation, width, height)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return np.concatenate([low, high - low])


def _turn_coordinates(
    kind: ShapeKind, values: NDArray[np.float64], orientation: int, width: int, height: int
) -> NDArray[np.float64]:
    if kind in _PAIRS:
        return turn_points(values.reshape(-1, 2), orientation, width, height).reshape(-1)
    if kind is ShapeKind.KEYPOINTS:
        triples = values.reshape(-1, 3).copy()
        labeled = triples[:, 2] > 0
        triples[labeled, :2] = turn_points(triples[labeled, :2], orientation, width, height)
        return triples.reshape(-1)
    if kind is ShapeKind.ROTATED_BOX:
        center = turn_points(values[None, :2], orientation, width, height)[0]
        # A mirror turns clockwise into its opposite, and lays the sides over the diagonal.
        angle = _ANGLES[orientation] + (-values[4] if orientation in _MIRRORED else values[4])
        return np.array([center[0], center[1], values[2], values[3], angle % 360.0])
    return values


def _turn_mask(packed: bytes, width: int, height: int, orientation: int) -> bytes:
    """A mask of the stored size, `width` x `height`, turned as the picture is."""
    runs = decompress(packed)
    values = np.arange(len(runs)) % 2
    bitmap = np.repeat(values, runs).reshape(width, height).T
    turned = {5: bitmap.T, 6: np.rot90(bitmap, -1), 7: np.rot90(bitmap, 2).T, 8: np.rot90(bitmap, 1)}[orientation]
    flat = turned.T.reshape(-1)
    ends = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], ends, [len(flat)]]))
    return compress(np.concatenate([[0], lengths]) if flat[0] else lengths)


def _with_masks(columns: AnnotationColumns, masks: dict[int, bytes]) -> AnnotationColumns:
    parts = [
        masks.get(row, columns.masks[columns.mask_offsets[row] : columns.mask_offsets[row + 1]].tobytes())
        for row in range(len(columns))
    ]
    offsets = np.cumsum([0, *(len(part) for part in parts)]).astype(np.int64)
    return replace(columns, masks=np.frombuffer(b"".join(parts), dtype=np.uint8), mask_offsets=offsets)
