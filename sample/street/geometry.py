"""The camera, and the few plane geometry functions that the drawing needs.

The world is in metres: x to the right across the road, y up, z along the road. The picture is in pixels, origin
top-left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Point2 = tuple[float, float]
Point3 = tuple[float, float, float]

NEAR = 0.6
"""Metres before the camera at which everything is cut off."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera that never tilts, so that what is upright stays so. Yaw in radians, positive to the right."""

    x: float
    z: float
    height: float
    yaw: float
    focal: float
    centre_x: float
    horizon: float

    def view(self, point: Point3) -> Point3:
        """The point seen from the camera: metres to the right, metres above the ground, metres ahead."""
        dx, dz = point[0] - self.x, point[2] - self.z
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return dx * cos - dz * sin, point[1], dx * sin + dz * cos

    def depth(self, x: float, z: float) -> float:
        """Metres ahead of the camera; negative when behind it."""
        return (x - self.x) * math.sin(self.yaw) + (z - self.z) * math.cos(self.yaw)

    def project(self, point: Point3) -> Point2:
        """Where a point ahead of the camera is in the picture, pixels."""
        return self._screen(self.view(point))

    def polygon(self, points: Sequence[Point3]) -> list[Point2]:
        """A polygon of the world in the picture, cut at the near plane; empty when all of it is behind."""
        seen = [self.view(point) for point in points]
        if min(point[2] for point in seen) < NEAR:
            seen = _cut_near(seen)
        return [self._screen(point) for point in seen]

    def _screen(self, seen: Point3) -> Point2:
        factor = self.focal / max(seen[2], 0.05)
        return self.centre_x + seen[0] * factor, self.horizon + (self.height - seen[1]) * factor


def _cut_near(points: list[Point3]) -> list[Point3]:
    kept: list[Point3] = []
    for a, b in zip(points, points[1:] + points[:1], strict=True):
        if a[2] >= NEAR:
            kept.append(a)
        if (a[2] >= NEAR) != (b[2] >= NEAR):
            t = (NEAR - a[2]) / (b[2] - a[2])
            kept.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), NEAR))
    return kept if len(kept) > 2 else []


def signed_area(points: Sequence[Point2]) -> float:
    """Twice the area; its sign tells the turning direction in the picture."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True))


def below(points: Sequence[Point2], level: float) -> list[Point2]:
    """The part of a polygon whose second coordinate is at most `level`."""
    kept: list[Point2] = []
    for a, b in zip(points, [*points[1:], points[0]], strict=True):
        if a[1] <= level:
            kept.append(a)
        if (a[1] <= level) != (b[1] <= level):
            t = (level - a[1]) / (b[1] - a[1])
            kept.append((a[0] + t * (b[0] - a[0]), level))
    return kept


def rounded(points: Sequence[Point2], *, times: int = 2) -> list[Point2]:
    """A closed polygon with its corners cut (Chaikin), which makes it look smooth."""
    smooth = list(points)
    for _ in range(times):
        corners: list[Point2] = []
        for a, b in zip(smooth, smooth[1:] + smooth[:1], strict=True):
            corners.append((0.75 * a[0] + 0.25 * b[0], 0.75 * a[1] + 0.25 * b[1]))
            corners.append((0.25 * a[0] + 0.75 * b[0], 0.25 * a[1] + 0.75 * b[1]))
        smooth = corners
    return smooth


def hull(points: Sequence[Point2]) -> list[Point2]:
    """The convex hull, in turning order."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return ordered
    lower: list[Point2] = []
    upper: list[Point2] = []
    for chain, run in ((lower, ordered), (upper, ordered[::-1])):
        for point in run:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
    return lower[:-1] + upper[:-1]


def _turn(a: Point2, b: Point2, c: Point2) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
