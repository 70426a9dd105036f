"""The eight ways to lay a rectangle onto itself or its transpose: mirrored or not, turned by quarters. Exact.

An image is moved as a whole, without a new pixel value, and every shape on it with it.
"""

from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from pixmill.annotations.images import RgbImage
from pixmill.annotations.rle import compress, decompress
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
    Visibility,
)

_QUARTER = 90
_HALF = 180
_WHOLE = 360


@dataclass(frozen=True, slots=True)
class Symmetry:
    """First mirrored (left becomes right), then turned clockwise by so many quarters, 0 to 3."""

    mirrored: bool = False
    quarter_turns: int = 0

    def image(self, image: RgbImage) -> RgbImage:
        """The moved image: (height, width, 3), or (width, height, 3) after an odd number of quarters."""
        return np.ascontiguousarray(np.rot90(image[:, ::-1] if self.mirrored else image, -self.quarter_turns))

    def shape(self, shape: Shape, *, width: int, height: int) -> Shape:
        """The moved shape; `width` and `height` are those of the image before, in pixels.

        Keypoints keep their order: what was a left hand is still called so, and is on the other side.
        """
        move = _Move(self, width, height)
        match shape:
            case Classification():
                return shape
            case BoundingBox():
                return move.box(shape)
            case RotatedBox():
                center_x, center_y = move.point(shape.center_x, shape.center_y)
                return replace(shape, center_x=center_x, center_y=center_y, angle=self._angle(shape.angle))
            case Polygon(rings):
                return Polygon(tuple(Ring(move.points(ring.points), hole=ring.hole) for ring in rings))
            case Mask():
                return self._mask(shape)
            case Line(points):
                return Line(move.points(points))
            case Point(x, y):
                return Point(*move.point(x, y))
            case Keypoints(points, box):
                return Keypoints(tuple(map(move.keypoint, points)), None if box is None else move.box(box))
            case _:
                assert_never(shape)

    def _angle(self, angle: float) -> float:
        """Degrees, clockwise, from -180 up to 180."""
        turned = (-angle if self.mirrored else angle) + _QUARTER * self.quarter_turns
        return (turned + _HALF) % _WHOLE - _HALF

    def _mask(self, mask: Mask) -> Mask:
        runs = decompress(mask.counts)
        ones = np.repeat(np.arange(len(runs)) % 2, runs).astype(np.uint8).reshape(mask.width, mask.height).T
        moved = np.rot90(ones[:, ::-1] if self.mirrored else ones, -self.quarter_turns)
        flat = moved.T.ravel()
        ends = np.flatnonzero(np.diff(flat)) + 1
        lengths = np.diff(np.concatenate(([0], ends, [len(flat)])))
        counts = [0, *lengths.tolist()] if flat[0] else lengths.tolist()
        return Mask(moved.shape[0], moved.shape[1], compress(counts))


@dataclass(frozen=True, slots=True)
class _Move:
    """A symmetry on an image of a known size."""

    symmetry: Symmetry
    width: int
    height: int

    def point(self, x: float, y: float) -> tuple[float, float]:
        width, height = self.width, self.height
        if self.symmetry.mirrored:
            x = width - x
        for _ in range(self.symmetry.quarter_turns):
            x, y = height - y, x
            width, height = height, width
        return x, y

    def points(self, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        return tuple(self.point(x, y) for x, y in points)

    def box(self, box: BoundingBox) -> BoundingBox:
        (x1, y1), (x2, y2) = self.point(box.x, box.y), self.point(box.x + box.width, box.y + box.height)
        width, height = (box.height, box.width) if self.symmetry.quarter_turns % 2 else (box.width, box.height)
        return BoundingBox(min(x1, x2), min(y1, y2), width, height)

    def keypoint(self, point: Keypoint) -> Keypoint:
        if point.visibility is Visibility.NOT_LABELED:
            return point
        return Keypoint(*self.point(point.x, point.y), point.visibility)
