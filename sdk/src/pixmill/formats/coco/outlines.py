"""Rows of the columns as COCO sees them: segmentation, area, and the exact form of what COCO has no word for."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from pixmill.annotations import KINDS, AnnotationColumns, ShapeKind
from pixmill.annotations.rle import decompress

_Number = TypeVar("_Number", bound=np.generic)
_EXACT = frozenset({ShapeKind.CLASS, ShapeKind.ROTATED_BOX, ShapeKind.LINE, ShapeKind.POINT})


@dataclass(frozen=True, slots=True)
class Row:
    """One annotation as plain Python numbers."""

    asset: str
    label: str
    kind: ShapeKind
    bbox: list[float]
    score: float | None
    area: float
    """NaN where nobody gave one."""
    external_id: int
    coordinates: list[float]
    rings: list[int]
    mask: bytes
    attributes: dict[str, object]


def rows_of_columns(columns: AnnotationColumns) -> Iterator[Row]:
    """Every row, in order; faster than shapes one by one, for they are not checked again."""
    coordinates = _slices(columns.coordinates, columns.coordinate_offsets)
    rings = _slices(columns.rings, columns.ring_offsets)
    masks, attributes = columns.masks.tobytes(), columns.attributes.tobytes()
    mask_ends, attribute_ends = columns.mask_offsets.tolist(), columns.attribute_offsets.tolist()
    scores = columns.score.tolist()
    for row, (asset, label, kind, bbox, area, external_id) in enumerate(
        zip(
            columns.asset.tolist(),
            columns.label.tolist(),
            columns.kind.tolist(),
            columns.bbox.tolist(),
            columns.area.tolist(),
            columns.external_id.tolist(),
            strict=True,
        )
    ):
        packed = attributes[attribute_ends[row] : attribute_ends[row + 1]]
        yield Row(
            asset=columns.assets[asset],
            label=columns.labels[label],
            kind=KINDS[kind],
            bbox=bbox,
            score=None if math.isnan(scores[row]) else scores[row],
            area=area,
            external_id=external_id,
            coordinates=next(coordinates),
            rings=next(rings),
            mask=masks[mask_ends[row] : mask_ends[row + 1]],
            attributes=msgspec.json.decode(packed) if packed else {},
        )


def segmentation_of(row: Row) -> object | None:
    """What COCO calls the segmentation; None where the shape has none."""
    match row.kind:
        case ShapeKind.POLYGON:
            return [ring for ring, hole in rings_of(row) if not hole]
        case ShapeKind.MASK:
            height, width = row.coordinates
            return {"size": [int(height), int(width)], "counts": row.mask.decode("ascii")}
        case ShapeKind.ROTATED_BOX:
            return [corners_of(row.coordinates)]
        case _:
            return None


def area_of(row: Row) -> float:
    """As given, or as the shape covers, in square pixels."""
    if not math.isnan(row.area):
        return row.area
    match row.kind:
        case ShapeKind.POLYGON:
            return sum(-_ring_area(ring) if hole else _ring_area(ring) for ring, hole in rings_of(row))
        case ShapeKind.MASK:
            return float(decompress(row.mask)[1::2].sum())
        case ShapeKind.ROTATED_BOX:
            return row.coordinates[2] * row.coordinates[3]
        case ShapeKind.BOX | ShapeKind.KEYPOINTS:
            return row.bbox[2] * row.bbox[3]
        case _:
            return 0.0


def exact_of(row: Row) -> dict[str, object] | None:
    """What `shapes.py` reads back exactly; None where COCO's own words say it all."""
    if row.kind in _EXACT:
        return {"kind": str(row.kind), "coordinates": row.coordinates}
    if row.kind is ShapeKind.POLYGON and any(size < 0 for size in row.rings):
        return {"kind": str(row.kind), "coordinates": row.coordinates, "rings": row.rings}
    return None


def rings_of(row: Row) -> Iterator[tuple[list[float], bool]]:
    """Each ring of a polygon as x, y, x, y, ..., and whether it is a hole."""
    start = 0
    for size in row.rings:
        end = start + 2 * abs(size)
        yield row.coordinates[start:end], size < 0
        start = end


def corners_of(rotated: Sequence[float]) -> list[float]:
    """The four corners of cx, cy, w, h, degrees clockwise, from the top left of the upright box, clockwise."""
    center_x, center_y, width, height, angle = rotated
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners: list[float] = []
    for x, y in ((-width, -height), (width, -height), (width, height), (-width, height)):
        corners += [center_x + (x * cos - y * sin) / 2, center_y + (x * sin + y * cos) / 2]
    return corners


def _ring_area(ring: list[float]) -> float:
    points = np.array(ring, dtype=np.float64).reshape(-1, 2)
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def _slices(flat: NDArray[_Number], offsets: NDArray[np.int64]) -> Iterator[list[Any]]:
    values = flat.tolist()
    return (values[start:end] for start, end in pairwise(offsets.tolist()))
