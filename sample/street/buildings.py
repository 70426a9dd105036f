"""Draws buildings as boxes in the world: walls, windows, shops and roofs."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample.street.geometry import NEAR, Point3
from sample.street.moods import Colour, blend

if TYPE_CHECKING:
    from sample.street.stage import Stage

FLOOR = 3.1
"""Metres from one floor to the next."""
SMALL = 36.0
"""Pixels of a floor below which windows are drawn without detail."""
LIT: tuple[Colour, ...] = ((255, 216, 140), (255, 232, 178), (250, 198, 116), (226, 228, 214))
AWNINGS: tuple[Colour, ...] = (
    (196, 62, 54),
    (52, 116, 104),
    (226, 178, 72),
    (62, 92, 148),
    (168, 88, 118),
    (222, 216, 200),
)


@dataclass(frozen=True, slots=True)
class Style:
    """How the buildings of a street look. Floors: fewest and most; `bay` metres per window."""

    walls: tuple[Colour, ...]
    floors: tuple[int, int]
    bay: float
    window: tuple[float, float]
    """The share of a bay and of a floor that a window takes."""
    gables: float = 0.0
    """The share of buildings with a pitched roof."""
    shops: float = 0.5
    balconies: float = 0.0
    shutters: bool = False
    gap: float = 0.0
    """Metres between buildings."""
    roof: Colour = (150, 82, 62)


@dataclass(frozen=True, slots=True)
class Building:
    """A box on the ground: (x0, z0) to (x1, z1), metres."""

    x0: float
    z0: float
    x1: float
    z1: float
    floors: int
    wall: Colour
    style: Style
    pitched: bool
    shop: Colour | None
    """The colour of the awnings; None for a building without shops."""
    seed: int

    @property
    def height(self) -> float:
        """Up to the eaves, metres."""
        return self.floors * FLOOR + 0.7


def draw_building(stage: Stage, building: Building) -> None:
    """Draw the sides that the camera sees, and the roof."""
    b = building
    corners = [(b.x0, b.z0), (b.x1, b.z0), (b.x1, b.z1), (b.x0, b.z1)]
    walls = []
    for (ax, az), (bx, bz) in zip(corners, corners[1:] + corners[:1], strict=True):
        # Seen from outside, each wall runs from its left end to its right end.
        long = abs(bx - ax) + abs(bz - az)
        wall = _Wall(stage, b, (ax, az), (bx, bz), long, ((bz - az) / long, (ax - bx) / long))
        if wall.faces_camera:
            walls.append(wall)
    for wall in sorted(walls, key=lambda wall: -wall.depth):
        wall.draw()
    if b.pitched:
        _draw_pitched_roof(stage, b)


@dataclass(frozen=True, slots=True)
class _Wall:
    stage: Stage
    building: Building
    start: tuple[float, float]
    end: tuple[float, float]
    length: float
    normal: tuple[float, float]

    @property
    def depth(self) -> float:
        return self.stage.camera.depth((self.start[0] + self.end[0]) / 2, (self.start[1] + self.end[1]) / 2)

    @property
    def faces_camera(self) -> bool:
        camera, (nx, nz) = self.stage.camera, self.normal
        return (camera.x - self.start[0]) * nx + (camera.z - self.start[1]) * nz > 0.05

    def at(self, along: float, up: float, out: float = 0.0) -> Point3:
        """A point of the wall: metres from its left end, up, and before it."""
        share = along / self.length
        nx, nz = self.normal
        x = self.start[0] + (self.end[0] - self.start[0]) * share + nx * out
        return x, up, self.start[1] + (self.end[1] - self.start[1]) * share + nz * out

    def block(self, u: tuple[float, float], v: tuple[float, float], out: float = 0.0) -> list[Point3]:
        """A rectangle of the wall, metres."""
        return [self.at(u[0], v[0], out), self.at(u[1], v[0], out), self.at(u[1], v[1], out), self.at(u[0], v[1], out)]

    def paint(self, u: tuple[float, float], v: tuple[float, float], colour: Colour, shade: float) -> None:
        """Fill a rectangle; long ones in pieces, so that haze grows along them."""
        self.stage.face(self.block(u, v), colour, shade=shade)

    def draw(self) -> None:
        b, rng = self.building, random.Random(self.building.seed)
        shade = self.stage.light_on((self.normal[0], 0.0, self.normal[1]))
        pieces = max(1, round(self.length / 5))
        for i in range(pieces):
            u = (self.length * i / pieces, self.length * (i + 1) / pieces + (0.02 if i < pieces - 1 else 0.0))
            for low, high, tone in ((0.0, 0.34, 0.95), (0.33, 0.67, 1.0), (0.66, 1.0, 1.05)):
                self.paint(u, (b.height * low, b.height * high), b.wall, shade * tone)
        self.paint((0.0, self.length), (0.0, 0.5), blend(b.wall, (70, 66, 66), 0.45), shade)
        self.stage.face(
            self.block((0.0, self.length), (b.height - 0.4, b.height), 0.12),
            blend(b.wall, (255, 250, 240), 0.3),
            shade=shade,
        )
        self.stage.face(
            self.block((0.0, self.length), (b.height - 0.52, b.height - 0.4), 0.06), b.wall, shade=shade * 0.7
        )
        bays = max(1, int(self.length / b.style.bay))
        for floor in range(b.floors):
            for bay in range(bays):
                self._draw_bay(rng, floor, (self.length / bays * bay, self.length / bays * (bay + 1)), shade)
        if b.shop is not None:
            self._draw_shop_front(rng, bays, shade)

    def _draw_bay(self, rng: random.Random, floor: int, u: tuple[float, float], shade: float) -> None:
        b, style = self.building, self.building.style
        lit, colour, tall = rng.random() < self.stage.mood.windows_lit, rng.choice(LIT), rng.random()
        if floor == 0 and b.shop is not None:
            return
        wide = (u[1] - u[0]) * (1 - style.window[0]) / 2
        low = floor * FLOOR + 0.55 + FLOOR * (1 - style.window[1]) / 2
        w, v = (u[0] + wide, u[1] - wide), (low, low + FLOOR * style.window[1])
        if not self._in_sight(w):
            return
        if self.stage.camera.focal * FLOOR / self.depth < SMALL:
            self._draw_far_window(w, v, colour if lit else None, shade)
            return
        trim = blend(b.wall, (255, 252, 246), 0.45) if sum(b.wall) < 560 else blend(b.wall, (120, 112, 110), 0.3)
        frame = ((w[0] - 0.1, w[1] + 0.1), (v[0] - 0.1, v[1] + 0.1))
        self.paint(*frame, trim, shade)
        glass: Colour = (84, 110, 134)
        if lit:
            self.stage.shining(self.block(w, v), colour)
            if tall > 0.6:
                self.stage.face(self.block((w[0], w[0] + (w[1] - w[0]) * 0.28), v), (186, 130, 84), alpha=150)
        else:
            self.paint(w, v, glass, shade * 0.82)
            split = v[0] + (v[1] - v[0]) * (0.35 + 0.4 * tall)
            self.paint(w, (split, v[1]), blend(glass, self.stage.mood.sky[1], 0.38), shade)
        middle = (w[0] + w[1]) / 2
        self.paint((middle - 0.035, middle + 0.035), v, trim, shade)
        self.paint((w[0] - 0.16, w[1] + 0.16), (v[0] - 0.2, v[0] - 0.06), trim, shade * 0.86)
        if style.shutters:
            for side in ((w[0] - 0.5, w[0] - 0.08), (w[1] + 0.08, w[1] + 0.5)):
                self.paint(side, v, blend(style.roof, (60, 96, 92), 0.75), shade)
        if style.balconies and floor and (b.seed + floor) % 10 < style.balconies * 10:
            self._draw_balcony(w, v[0] - 0.15, shade)

    def _draw_far_window(
        self, u: tuple[float, float], v: tuple[float, float], lit: Colour | None, shade: float
    ) -> None:
        if lit is None:
            self.paint(u, v, blend((84, 110, 134), self.stage.mood.sky[1], 0.15), shade * 0.85)
        else:
            self.stage.shining(self.block(u, v), lit)

    def _draw_balcony(self, u: tuple[float, float], up: float, shade: float) -> None:
        wide = (u[0] - 0.3, u[1] + 0.3)
        self.stage.face(self.block(wide, (up - 0.12, up + 0.05), 0.7), (196, 190, 184), shade=shade * 0.85)
        self.stage.face(self.block(wide, (up + 0.05, up + 0.95), 0.7), (70, 74, 80), shade=shade, alpha=96)
        self.stage.face(self.block(wide, (up + 0.9, up + 1.0), 0.7), (60, 62, 68), shade=shade)

    def _draw_shop_front(self, rng: random.Random, bays: int, shade: float) -> None:
        b = self.building
        assert b.shop is not None  # noqa: S101 (for the type checker: the caller has looked)
        open_late = self.stage.mood.windows_lit > 0.15
        count = max(1, bays // 2)
        for i in range(count):
            u = (self.length / count * i + 0.3, self.length / count * (i + 1) - 0.3)
            door = rng.random() < 0.5
            if not self._in_sight(u):
                continue
            self.paint(u, (0.0, 2.9), blend(b.shop, (40, 38, 40), 0.55), shade)
            panes = (
                [(u[0] + 0.15, u[1] - 1.5), (u[1] - 1.3, u[1] - 0.2)]
                if door and u[1] - u[0] > 3
                else [(u[0] + 0.15, u[1] - 0.15)]
            )
            for n, pane in enumerate(panes):
                v = (0.12 if n else 0.5, 2.35)
                if open_late:
                    self.stage.shining(self.block(pane, v), rng.choice(LIT[:3]))
                    self.stage.face(self.block(pane, (v[0], 1.0)), (150, 100, 70), alpha=110)
                else:
                    self.paint(pane, v, (70, 92, 110), shade * 0.85)
                    self.stage.face(
                        self.block(pane, (1.3, 2.35)), blend((70, 92, 110), self.stage.mood.sky[1], 0.4), shade=shade
                    )
            self.stage.face(self.block(u, (2.62, 3.1), 0.08), b.shop, shade=shade)
            bar = ((u[0] * 0.72 + u[1] * 0.28, u[0] * 0.28 + u[1] * 0.72), (2.78, 2.94))
            self.stage.face(self.block(*bar, 0.09), (250, 246, 236), shade=shade)
            self._draw_awning(u, b.shop, shade)

    def _draw_awning(self, u: tuple[float, float], colour: Colour, shade: float) -> None:
        stripes = max(4, round((u[1] - u[0]) / 0.45)) if self.depth < 45 else 1
        for i in range(stripes):
            a, c = (u[0] + (u[1] - u[0]) * (i + k) / stripes for k in (0, 1))
            tone = colour if i % 2 else (248, 244, 234)
            self.stage.face(
                [self.at(a, 2.2, 1.1), self.at(c, 2.2, 1.1), self.at(c, 2.66, 0.05), self.at(a, 2.66, 0.05)],
                tone,
                shade=shade,
            )
            self.stage.face(self.block((a, c), (2.02, 2.2), 1.1), tone, shade=shade * 0.86)

    def _in_sight(self, u: tuple[float, float]) -> bool:
        camera = self.stage.camera
        depths = [camera.view(self.at(along, 0.0))[2] for along in u]
        if min(depths) < NEAR:
            return False
        left, right = (camera.project(self.at(along, 0.0))[0] for along in u)
        canvas = self.stage.canvas
        return abs(right - left) > 0.8 and min(left, right) < canvas.width + 60 and max(left, right) > -60


def _draw_pitched_roof(stage: Stage, b: Building) -> None:
    eave, ridge = b.height, b.height + min(abs(b.x1 - b.x0), abs(b.z1 - b.z0)) * 0.42
    over, middle = 0.35, (b.x0 + b.x1) / 2
    x0, x1, z0, z1 = b.x0 - over, b.x1 + over, b.z0 - over, b.z1 + over
    tone = blend(b.style.roof, (90, 92, 104), (b.seed % 7) / 10)
    rise, wide = ridge - eave, (x1 - x0) / 2
    sides: list[tuple[list[Point3], Point3, Colour]] = [
        ([(x0, eave, z0), (x0, eave, z1), (middle, ridge, z1), (middle, ridge, z0)], (-rise, wide, 0.0), tone),
        ([(x1, eave, z1), (x1, eave, z0), (middle, ridge, z0), (middle, ridge, z1)], (rise, wide, 0.0), tone),
        ([(b.x1, eave, b.z0), (b.x0, eave, b.z0), (middle, ridge, b.z0)], (0.0, 0.0, -1.0), b.wall),
        ([(b.x0, eave, b.z1), (b.x1, eave, b.z1), (middle, ridge, b.z1)], (0.0, 0.0, 1.0), b.wall),
    ]
    camera = stage.camera
    for points, (nx, ny, nz), colour in sides:
        x, y, z = points[0]
        if (camera.x - x) * nx + (camera.height - y) * ny + (camera.z - z) * nz > 0:
            long = math.hypot(nx, ny, nz)
            stage.face(points, colour, shade=stage.light_on((nx / long, ny / long, nz / long)))


def random_building(rng: random.Random, style: Style, box: tuple[float, float, float, float]) -> Building:
    """One building of a style on the ground `box`: x0, z0, x1, z1."""
    return Building(
        *box,
        floors=rng.randint(*style.floors),
        wall=rng.choice(style.walls),
        style=style,
        pitched=rng.random() < style.gables,
        shop=rng.choice(AWNINGS) if rng.random() < style.shops else None,
        seed=rng.randrange(1 << 30),
    )
