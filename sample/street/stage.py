"""The stage: where the world of a scene meets its picture. Everything that draws takes it first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample.street.canvas import Canvas, Glow
from sample.street.geometry import NEAR, Camera, Point2, Point3, hull

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sample.street.moods import Colour, Mood

MOST_GLOW = 24.0
"""Pixels, the radius beyond which light does not spill."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A camera that looks at the world in one mood. `sun` points from the ground to the sun (x, y, z), length 1."""

    camera: Camera
    canvas: Canvas
    mood: Mood
    sun: Point3

    def face(self, points: Sequence[Point3], colour: Colour, *, shade: float = 1.0, alpha: int = 255) -> None:
        """Fill a flat polygon of the world."""
        self.canvas.polygon(self.camera.polygon(points), self.mood.tint(colour, self.far(points), shade), alpha)

    def shining(self, points: Sequence[Point3], colour: Colour) -> None:
        """Fill a flat polygon that gives light itself."""
        self.canvas.polygon(self.camera.polygon(points), self.mood.shine(colour, self.far(points)))

    def far(self, points: Sequence[Point3]) -> float:
        """Metres to the middle of some points, at least the near plane."""
        x = z = 0.0
        for point in points:
            x += point[0]
            z += point[2]
        return max(self.camera.depth(x / len(points), z / len(points)), NEAR)

    def light_on(self, normal: Point3) -> float:
        """How bright a face is that looks along `normal` (length 1): 0.62 in the shade to 1.1 in the sun."""
        facing = sum(a * b for a, b in zip(normal, self.sun, strict=True))
        contrast = 0.4 if self.mood.shadow > 0.2 else 0.25
        return 0.84 + contrast * facing * (0.65 if facing < 0 else 0.8)

    def glow(self, point: Point3, metres: float, colour: Colour, strength: float) -> None:
        """Let light spill around a point of the world."""
        depth = self.camera.view(point)[2]
        if depth > NEAR:
            x, y = self.camera.project(point)
            streak = 5.0 if self.mood.rain else 0.0
            radius = min(metres * self.camera.focal / depth, MOST_GLOW)
            self.canvas.glow(Glow(x, y, radius, colour, strength, streak))

    def ground_shadow(self, footprint: Sequence[Point2], height: float) -> None:
        """Darken the ground under a thing: `footprint` in (x, z), and where its top casts its shadow."""
        base = [(x, 0.0, z) for x, z in footprint]
        self.canvas.contact.polygon(self.camera.polygon(base), 150)
        if self.mood.shadow > 0.04:
            reach = min(height / max(self.sun[1], 0.1), 2.6 * height)
            dx, dz = -self.sun[0] * reach, -self.sun[2] * reach
            outline = hull([*footprint, *((x + dx, z + dz) for x, z in footprint)])
            self.canvas.cast.polygon(self.camera.polygon([(x, 0.0, z) for x, z in outline]), 255)

    def light_pool(self, outline: Sequence[Point2], strength: int) -> None:
        """Light the ground within `outline` in (x, z); strength 0 to 255."""
        self.canvas.pools.polygon(self.camera.polygon([(x, 0.0, z) for x, z in outline]), strength)


@dataclass(frozen=True, slots=True)
class Billboard:
    """A flat thing that stands upright and faces the camera. Its own coordinates: metres right and up from its foot."""

    stage: Stage
    x: float
    z: float
    turn: float = 1.0
    """-1 mirrors it."""

    @property
    def depth(self) -> float:
        """Metres ahead of the camera."""
        return max(self.stage.camera.depth(self.x, self.z), NEAR)

    @property
    def scale(self) -> float:
        """Pixels per metre."""
        return self.stage.camera.focal / self.depth

    def at(self, right: float, up: float) -> Point2:
        """A point of the thing in the picture."""
        x, y = self.stage.camera.project((self.x, 0.0, self.z))
        return x + right * self.turn * self.scale, y - up * self.scale

    def tint(self, colour: Colour, shade: float = 1.0) -> Colour:
        """The colour as seen from the camera."""
        return self.stage.mood.tint(colour, self.depth, shade)

    def polygon(self, points: Sequence[Point2], colour: Colour, shade: float = 1.0) -> None:
        """Fill a polygon of the thing."""
        self.stage.canvas.polygon([self.at(*point) for point in points], self.tint(colour, shade))

    def stroke(self, points: Sequence[Point2], width: float, colour: Colour, shade: float = 1.0) -> None:
        """Draw a line of the thing, `width` in metres."""
        tinted = self.tint(colour, shade)
        self.stage.canvas.stroke([self.at(*point) for point in points], width * self.scale, tinted)

    def ellipse(self, centre: Point2, radii: Point2, colour: Colour, shade: float = 1.0) -> None:
        """Fill an ellipse of the thing, radii in metres."""
        rx, ry = radii[0] * self.scale, radii[1] * self.scale
        self.stage.canvas.ellipse(self.at(*centre), rx, ry, self.tint(colour, shade))

    def shadow(self, radius: float, height: float) -> None:
        """Darken the ground where it stands."""
        steps = [i * math.tau / 12 for i in range(12)]
        ring = [(self.x + radius * math.cos(a), self.z + radius * 0.6 * math.sin(a)) for a in steps]
        self.stage.ground_shadow(ring, height)
