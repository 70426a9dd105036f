"""From one shape to a row of the columns and back."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self, TypeVar, assert_never

import msgspec
import numpy as np
from numpy.typing import NDArray

from pixmill.annotations.columns import KINDS, NO_EXTERNAL_ID, AnnotationColumns
from pixmill.annotations.shapes import (
    BoundingBox,
    Classification,
    Keypoint,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Ring,
    RotatedBox,
    Shape,
    ShapeKind,
    Visibility,
    kind_of,
)

NAN = float("nan")
_Number = TypeVar("_Number", bound=np.generic)
_KIND_INDEX = {kind: index for index, kind in enumerate(KINDS)}
Bounds = tuple[float, float, float, float]


@dataclass(slots=True)
class ColumnsBuilder:
    """Collects annotations one by one; `build` gives the columns."""

    _assets: dict[str, int] = field(default_factory=dict)
    _labels: dict[str, int] = field(default_factory=dict)
    _rows: list[tuple[int, int, int, Bounds, float, float, int]] = field(default_factory=list)
    _coordinates: list[float] = field(default_factory=list)
    _coordinate_ends: list[int] = field(default_factory=lambda: [0])
    _rings: list[int] = field(default_factory=list)
    _ring_ends: list[int] = field(default_factory=lambda: [0])
    _masks: bytearray = field(default_factory=bytearray)
    _mask_ends: list[int] = field(default_factory=lambda: [0])
    _attributes: bytearray = field(default_factory=bytearray)
    _attribute_ends: list[int] = field(default_factory=lambda: [0])

    def __len__(self) -> int:
        return len(self._rows)

    def append(
        self,
        asset: str,
        label: str,
        shape: Shape,
        *,
        score: float | None = None,
        bbox: BoundingBox | None = None,
        area: float | None = None,
        external_id: int = NO_EXTERNAL_ID,
        attributes: dict[str, object] | None = None,
    ) -> Self:
        """Add one; `bbox` (None: the shape's own bounds) is kept as given beside a polygon, a mask or keypoints."""
        bounds, coordinates, rings, mask = _encode(shape)
        if bbox is not None:
            bounds = (bbox.x, bbox.y, bbox.width, bbox.height)
        asset_index = self._assets.setdefault(asset, len(self._assets))
        label_index = self._labels.setdefault(label, len(self._labels))
        numbers = (NAN if score is None else score, NAN if area is None else area, external_id)
        self._rows.append((asset_index, _KIND_INDEX[kind_of(shape)], label_index, bounds, *numbers))
        self._coordinates += coordinates
        self._coordinate_ends.append(len(self._coordinates))
        self._rings += rings
        self._ring_ends.append(len(self._rings))
        self._masks += mask
        self._mask_ends.append(len(self._masks))
        if attributes:
            self._attributes += msgspec.json.encode(attributes)
        self._attribute_ends.append(len(self._attributes))
        return self

    def build(self) -> AnnotationColumns:
        """Everything appended so far, in that order."""
        rows = self._rows
        return AnnotationColumns(
            assets=tuple(self._assets),
            labels=tuple(self._labels),
            asset=np.array([row[0] for row in rows], dtype=np.int32),
            kind=np.array([row[1] for row in rows], dtype=np.uint8),
            label=np.array([row[2] for row in rows], dtype=np.int32),
            bbox=np.array([row[3] for row in rows], dtype=np.float64).reshape(-1, 4),
            score=np.array([row[4] for row in rows], dtype=np.float64),
            area=np.array([row[5] for row in rows], dtype=np.float64),
            external_id=np.array([row[6] for row in rows], dtype=np.int64),
            coordinates=np.array(self._coordinates, dtype=np.float64),
            coordinate_offsets=np.array(self._coordinate_ends, dtype=np.int64),
            rings=np.array(self._rings, dtype=np.int32),
            ring_offsets=np.array(self._ring_ends, dtype=np.int64),
            masks=np.frombuffer(bytes(self._masks), dtype=np.uint8),
            mask_offsets=np.array(self._mask_ends, dtype=np.int64),
            attributes=np.frombuffer(bytes(self._attributes), dtype=np.uint8),
            attribute_offsets=np.array(self._attribute_ends, dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class AnnotationRow:
    """One row of the columns, read back; `bbox` is None for a class, `external_id` -1 where there was none."""

    asset: str
    label: str
    shape: Shape
    bbox: BoundingBox | None
    score: float | None
    area: float | None
    external_id: int
    attributes: dict[str, object]


def rows_of(columns: AnnotationColumns) -> Iterator[AnnotationRow]:
    """Every row, in order."""
    # Lists of Python's own numbers, made at once: asking an array for one number at a time takes five times as long.
    kinds, boxes = columns.kind.tolist(), columns.bbox.tolist()
    assets, labels = columns.asset.tolist(), columns.label.tolist()
    scores, areas, external_ids = columns.score.tolist(), columns.area.tolist(), columns.external_id.tolist()
    attribute_ends = columns.attribute_offsets.tolist()
    for row, kind in enumerate(kinds):
        box = None if KINDS[kind] is ShapeKind.CLASS else BoundingBox(*boxes[row])
        start, end = attribute_ends[row : row + 2]
        yield AnnotationRow(
            asset=columns.assets[assets[row]],
            label=columns.labels[labels[row]],
            shape=_decode(columns, row, box),
            bbox=box,
            score=_optional(scores[row]),
            area=_optional(areas[row]),
            external_id=external_ids[row],
            attributes=msgspec.json.decode(columns.attributes[start:end].tobytes()) if end > start else {},
        )


def _encode(shape: Shape) -> tuple[Bounds, Sequence[float], Sequence[int], bytes]:
    match shape:
        case Classification():
            return (NAN, NAN, NAN, NAN), (), (), b""
        case BoundingBox(x, y, width, height):
            return (x, y, width, height), (), (), b""
        case RotatedBox():
            return (
                _rotated_bounds(shape),
                (shape.center_x, shape.center_y, shape.width, shape.height, shape.angle),
                (),
                b"",
            )
        case Polygon(rings):
            points = [point for ring in rings for point in ring.points]
            sizes = [-len(ring.points) if ring.hole else len(ring.points) for ring in rings]
            return _bounds(points), [value for point in points for value in point], sizes, b""
        case Mask(height, width, counts):
            return (0.0, 0.0, float(width), float(height)), (height, width), (), counts
        case Line(points):
            return _bounds(points), [value for point in points for value in point], (), b""
        case Point(x, y):
            return (x, y, 0.0, 0.0), (x, y), (), b""
        case Keypoints(points, box):
            labeled = [(p.x, p.y) for p in points if p.visibility is not Visibility.NOT_LABELED]
            bounds = (box.x, box.y, box.width, box.height) if box else _bounds(labeled or [(0.0, 0.0)])
            return bounds, [value for p in points for value in (p.x, p.y, float(p.visibility))], (), b""


def _decode(columns: AnnotationColumns, row: int, box: BoundingBox | None) -> Shape:
    match KINDS[columns.kind[row]]:
        case ShapeKind.BOX if box:
            return box
        case ShapeKind.CLASS:
            return Classification()
        case kind:
            return _outlined(columns, row, kind, box)


def _outlined(columns: AnnotationColumns, row: int, kind: ShapeKind, box: BoundingBox | None) -> Shape:
    """A shape that is more than its box."""
    numbers = _slice(columns.coordinates, columns.coordinate_offsets, row).tolist()
    points = tuple(zip(numbers[0::2], numbers[1::2], strict=False))
    match kind:
        case ShapeKind.CLASS | ShapeKind.BOX:
            message = f"A {kind} has no outline."
            raise ValueError(message)
        case ShapeKind.ROTATED_BOX:
            return RotatedBox(*numbers)
        case ShapeKind.POLYGON:
            return Polygon(_rings(points, _slice(columns.rings, columns.ring_offsets, row).tolist()))
        case ShapeKind.MASK:
            return Mask(int(numbers[0]), int(numbers[1]), _slice(columns.masks, columns.mask_offsets, row).tobytes())
        case ShapeKind.LINE:
            return Line(points)
        case ShapeKind.POINT:
            return Point(*numbers)
        case ShapeKind.KEYPOINTS:
            triples = zip(numbers[0::3], numbers[1::3], numbers[2::3], strict=True)
            return Keypoints(tuple(Keypoint(x, y, Visibility(int(v))) for x, y, v in triples), box)
        case _:
            assert_never(kind)


def _rings(points: tuple[tuple[float, float], ...], sizes: Sequence[int]) -> tuple[Ring, ...]:
    rings, start = [], 0
    for size in sizes:
        rings.append(Ring(points[start : start + abs(size)], hole=size < 0))
        start += abs(size)
    return tuple(rings)


def _bounds(points: Sequence[tuple[float, float]]) -> Bounds:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _rotated_bounds(shape: RotatedBox) -> Bounds:
    angle = np.deg2rad(shape.angle)
    cos, sin = abs(float(np.cos(angle))), abs(float(np.sin(angle)))
    width, height = shape.width * cos + shape.height * sin, shape.width * sin + shape.height * cos
    return shape.center_x - width / 2, shape.center_y - height / 2, width, height


def _slice(flat: NDArray[_Number], offsets: NDArray[np.int64], row: int) -> NDArray[_Number]:
    return flat[offsets[row] : offsets[row + 1]]


def _optional(value: float) -> float | None:
    return None if math.isnan(value) else value
