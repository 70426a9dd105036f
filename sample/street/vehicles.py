"""Draws cars, buses and trucks as bodies in the world, so that each shows the sides that the camera sees."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sample.street.bodies import BUS, TRUCK_BOX, TRUCK_CAB, Body, Part
from sample.street.geometry import Point2, Point3, below, rounded, signed_area
from sample.street.moods import Colour, blend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sample.street.stage import Stage

GLASS: Colour = (52, 70, 88)
GLASS_SKY: Colour = (136, 166, 186)
RUBBER: Colour = (30, 30, 34)
TRIM: Colour = (44, 46, 52)
TAIL_RED: Colour = (196, 34, 34)
HEADLAMP: Colour = (240, 242, 232)
LAMP_LIGHT: Colour = (255, 236, 190)
PAINTS: tuple[Colour, ...] = (
    (188, 38, 40),
    (32, 82, 148),
    (226, 228, 226),
    (66, 72, 80),
    (38, 42, 48),
    (164, 170, 176),
    (44, 104, 84),
    (214, 142, 44),
    (122, 168, 196),
    (118, 34, 52),
    (226, 204, 158),
    (92, 128, 72),
    (70, 62, 118),
    (234, 192, 66),
)
LIVERIES: tuple[tuple[Colour, Colour], ...] = (
    ((204, 48, 44), (242, 240, 232)),
    ((40, 104, 170), (238, 240, 240)),
    ((72, 142, 84), (244, 240, 222)),
    ((240, 188, 52), (60, 62, 70)),
    ((232, 234, 234), (38, 130, 140)),
    ((128, 60, 120), (240, 236, 240)),
)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """Where a vehicle stands and how it looks. Heading in radians: 0 is along the road (z), pi/2 to the right (x)."""

    body: Body
    x: float
    z: float
    heading: float
    paint: Colour
    trim: Colour = TRIM
    lamps_on: bool = False
    taxi: bool = False

    def world(self, ahead: float, up: float, side: float) -> Point3:
        """A point of the vehicle in the world; `side` counts to its right."""
        sin, cos = math.sin(self.heading), math.cos(self.heading)
        return self.x + ahead * sin + side * cos, up, self.z + ahead * cos - side * sin

    def camera_side(self, stage: Stage) -> float:
        """How far to its right the camera is, metres."""
        dx, dz = stage.camera.x - self.x, stage.camera.z - self.z
        return dx * math.cos(self.heading) - dz * math.sin(self.heading)

    def normal(self, ahead: float, up: float, side: float) -> Point3:
        """A direction of the vehicle in the world."""
        x, y, z = self.world(ahead, up, side)
        return x - self.x, y, z - self.z


def draw_shadow(stage: Stage, vehicle: Vehicle, length: float | None = None) -> None:
    """Darken the ground beneath. `length` replaces half the body's length."""
    long = length or vehicle.body.half_length * 0.97
    wide = vehicle.body.half_width * 0.98
    corners = [vehicle.world(a * long, 0.0, b * wide) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    stage.ground_shadow([(x, z) for x, _, z in corners], vehicle.body.top * 0.8)


def draw_vehicle(stage: Stage, vehicle: Vehicle) -> None:
    """Draw a vehicle of one body."""
    side = math.copysign(1.0, vehicle.camera_side(stage))
    _draw_far_wheels(stage, vehicle, -side)
    for panel in _visible_panels(stage, vehicle):
        _draw_panel(stage, vehicle, panel)
    if abs(vehicle.camera_side(stage)) > vehicle.body.half_width:
        _draw_side(stage, vehicle, side)
    if vehicle.taxi:
        _draw_taxi_sign(stage, vehicle)


def draw_bus(stage: Stage, vehicle: Vehicle) -> None:
    """Draw a bus with its stripe and its lit sign."""
    draw_vehicle(stage, vehicle)
    ahead = [vehicle.world(5.5, y, s) for y, s in ((2.72, -0.85), (2.72, 0.85), (2.98, 0.85), (2.98, -0.85))]
    outline = stage.camera.polygon(ahead)
    if outline and signed_area(outline) > 0:
        stage.shining(ahead, (36, 34, 30))
        text = [vehicle.world(5.52, y, s) for y, s in ((2.79, -0.6), (2.79, 0.6), (2.91, 0.6), (2.91, -0.6))]
        stage.shining(text, (255, 176, 48))


def draw_truck(stage: Stage, vehicle: Vehicle) -> None:
    """Draw a truck: a cab, and a box behind it."""
    box = Vehicle(TRUCK_BOX, vehicle.x, vehicle.z, vehicle.heading, vehicle.trim, vehicle.paint, vehicle.lamps_on)
    cab_first = stage.far([vehicle.world(2.0, 0, 0)]) > stage.far([vehicle.world(-1.1, 0, 0)])
    for part in (vehicle, box) if cab_first else (box, vehicle):
        draw_vehicle(stage, part)


def truck(x: float, z: float, heading: float, livery: tuple[Colour, Colour], *, lamps_on: bool) -> Vehicle:
    """The cab of a truck; `draw_truck` adds the box."""
    return Vehicle(TRUCK_CAB, x, z, heading, livery[0], livery[1], lamps_on)


def bus(x: float, z: float, heading: float, livery: tuple[Colour, Colour], *, lamps_on: bool) -> Vehicle:
    """A bus."""
    return Vehicle(BUS, x, z, heading, livery[0], livery[1], lamps_on)


@dataclass(frozen=True, slots=True)
class _Panel:
    part: Part
    rear: tuple[float, float]
    front: tuple[float, float]
    corners: tuple[Point3, Point3, Point3, Point3]

    def within(self, vehicle: Vehicle, u: tuple[float, float], v: tuple[float, float]) -> list[Point3]:
        """A part of the panel: `u` across, -1 to 1; `v` from its first edge to its second, 0 to 1."""
        points = []
        for across, along in ((u[0], v[0]), (u[1], v[0]), (u[1], v[1]), (u[0], v[1])):
            a = self.rear[0] + (self.front[0] - self.rear[0]) * along
            y = self.rear[1] + (self.front[1] - self.rear[1]) * along
            points.append(vehicle.world(a, y, vehicle.body.half_width_at(y) * across))
        return points


def _visible_panels(stage: Stage, vehicle: Vehicle) -> list[_Panel]:
    panels = []
    profile = vehicle.body.profile
    for (a0, y0, part), (a1, y1, _) in itertools.pairwise(profile):
        w0, w1 = vehicle.body.half_width_at(y0), vehicle.body.half_width_at(y1)
        corners = (
            vehicle.world(a0, y0, -w0),
            vehicle.world(a1, y1, -w1),
            vehicle.world(a1, y1, w1),
            vehicle.world(a0, y0, w0),
        )
        outline = stage.camera.polygon(corners)
        if outline and signed_area(outline) > 0:
            panels.append(_Panel(part, (a0, y0), (a1, y1), corners))
    return sorted(panels, key=lambda panel: -stage.far(panel.corners))


def _draw_panel(stage: Stage, vehicle: Vehicle, panel: _Panel) -> None:
    rise, run = panel.front[1] - panel.rear[1], panel.front[0] - panel.rear[0]
    length = math.hypot(rise, run) or 1.0
    shade = stage.light_on(vehicle.normal(-rise / length, run / length, 0.0))
    colour = TRIM if panel.part is Part.BUMPER and vehicle.body.half_width > 1 else vehicle.paint
    stage.face(panel.corners, colour, shade=shade * (0.8 if panel.part is Part.BUMPER else 1.0))
    if panel.part is Part.GLASS:
        stage.face(panel.within(vehicle, (-0.9, 0.9), (0.08, 0.94)), GLASS, shade=shade)
        sky = blend(GLASS, GLASS_SKY, 0.55)
        stage.face(panel.within(vehicle, (-0.86, 0.1), (0.4, 0.9))[:3], sky, shade=shade)
    elif panel.part is Part.TAIL:
        _draw_tail(stage, vehicle, panel)
    elif panel.part is Part.NOSE:
        _draw_nose(stage, vehicle, panel)
    elif panel.part is Part.BOX and abs(rise) > 1:
        stage.face(panel.within(vehicle, (-0.88, 0.88), (0.06, 0.94)), vehicle.paint, shade=shade * 0.94)
        stage.face(panel.within(vehicle, (-0.02, 0.02), (0.06, 0.94)), TRIM)
        for across in ((-0.95, -0.8), (0.8, 0.95)):
            low = (0.0, 0.05) if rise > 0 else (0.95, 1.0)
            stage.shining(panel.within(vehicle, across, low), TAIL_RED)


def _draw_tail(stage: Stage, vehicle: Vehicle, panel: _Panel) -> None:
    for sign in (-1.0, 1.0):
        lamp = panel.within(vehicle, (sign * 0.96, sign * 0.62), (0.48, 0.86))
        stage.shining(lamp, blend(TAIL_RED, (255, 70, 50), 0.5)) if vehicle.lamps_on else stage.face(lamp, TAIL_RED)
        stage.face(panel.within(vehicle, (sign * 0.9, sign * 0.78), (0.54, 0.64)), (240, 190, 150))
        if vehicle.lamps_on:
            stage.glow(_middle(lamp), 0.55, (255, 50, 36), 0.45)
    stage.face(panel.within(vehicle, (-0.28, 0.28), (0.34, 0.58)), (236, 236, 226))
    stage.face(panel.within(vehicle, (-0.22, 0.22), (0.42, 0.5)), (70, 74, 84))
    stage.face(panel.within(vehicle, (-0.98, 0.98), (0.0, 0.1)), TRIM)


def _draw_nose(stage: Stage, vehicle: Vehicle, panel: _Panel) -> None:
    stage.face(panel.within(vehicle, (-0.52, 0.52), (0.28, 0.86)), (34, 36, 40))
    for step in range(3):
        v = 0.36 + 0.17 * step
        stage.face(panel.within(vehicle, (-0.48, 0.48), (v, v + 0.05)), (120, 124, 130))
    for sign in (-1.0, 1.0):
        lamp = panel.within(vehicle, (sign * 0.97, sign * 0.58), (0.1, 0.72))
        if vehicle.lamps_on:
            stage.shining(lamp, (255, 250, 226))
            stage.glow(_middle(lamp), 0.7, LAMP_LIGHT, 0.6)
        else:
            stage.face(lamp, HEADLAMP)
            stage.face(panel.within(vehicle, (sign * 0.88, sign * 0.68), (0.25, 0.6)), (178, 190, 198))
    stage.face(panel.within(vehicle, (-0.26, 0.26), (0.8, 1.1)), (236, 236, 226))


def _draw_far_wheels(stage: Stage, vehicle: Vehicle, side: float) -> None:
    for ahead in vehicle.body.wheels:
        stage.face(_wheel(vehicle, ahead, side * (vehicle.body.half_width - 0.14), 1.0), RUBBER, shade=0.7)


def _wheel(vehicle: Vehicle, ahead: float, side: float, size: float) -> list[Point3]:
    radius = vehicle.body.wheel_radius
    angles = [i * math.tau / 24 for i in range(24)]
    return [
        vehicle.world(ahead + radius * size * math.cos(a), radius + radius * size * math.sin(a), side) for a in angles
    ]


def _draw_side(stage: Stage, vehicle: Vehicle, side: float) -> None:
    body = vehicle.body
    shade = stage.light_on(vehicle.normal(0.0, 0.0, side))

    def on_side(points: Sequence[Point2], out: float = 0.0) -> list[Point3]:
        return [vehicle.world(a, y, side * (body.half_width_at(y) + out)) for a, y in points]

    outline: list[Point2] = [(a, y) for a, y, _ in body.profile]
    stage.face(on_side(outline), vehicle.paint, shade=shade * 1.06)
    waist = body.belt if body.belt < body.top else body.top * 0.55
    stage.face(on_side(below(outline, waist * 0.9)), vehicle.paint, shade=shade * 0.95)
    stage.face(on_side(below(outline, waist * 0.62)), vehicle.paint, shade=shade * 0.84)
    if body is BUS:
        stage.face(on_side(_band(outline, 0.75, 1.15)), vehicle.trim, shade=shade)
    if body is TRUCK_BOX:
        stage.face(on_side(((-2.9, 1.5), (0.65, 1.5), (0.65, 2.1), (-2.9, 1.8))), vehicle.trim, shade=shade)
    stage.face(on_side(below(outline, min(y for _, y in outline) + 0.1)), TRIM, shade=shade)
    _draw_windows(stage, vehicle, side, shade)
    for ahead in body.doors:
        line = ((ahead, 0.42), (ahead + 0.025, 0.42), (ahead + 0.025, waist), (ahead, waist))
        stage.face(on_side(line), blend(vehicle.paint, (0, 0, 0), 0.4), shade=shade)
    for ahead in body.doors[:-1]:
        handle = (
            (ahead + 0.1, waist - 0.14),
            (ahead + 0.3, waist - 0.14),
            (ahead + 0.3, waist - 0.1),
            (ahead + 0.1, waist - 0.1),
        )
        stage.face(on_side(handle), (210, 212, 214), shade=shade)
    _draw_lamp_corners(stage, vehicle, side)
    _draw_near_wheels(stage, vehicle, side)


def _band(outline: Sequence[Point2], low: float, high: float) -> list[Point2]:
    flipped = [(a, -y) for a, y in below(outline, high)]
    return [(a, -y) for a, y in below(flipped, -low)]


def _draw_windows(stage: Stage, vehicle: Vehicle, side: float, shade: float) -> None:
    lit = vehicle.lamps_on and vehicle.body is BUS
    for window in vehicle.body.windows:
        smooth = rounded(window, times=1) if vehicle.body is not BUS else list(window)
        pane = [vehicle.world(a, y, side * (vehicle.body.half_width_at(y) + 0.005)) for a, y in smooth]
        if lit:
            stage.shining(pane, (246, 226, 168))
            continue
        stage.face(pane, GLASS, shade=shade)
        low, high = min(y for _, y in window), max(y for _, y in window)
        sky = below([(a, -y) for a, y in smooth], -(low + (high - low) * 0.52))
        upper = [vehicle.world(a, -y, side * (vehicle.body.half_width_at(-y) + 0.006)) for a, y in sky]
        if len(upper) > 2:
            stage.face(upper, blend(GLASS, GLASS_SKY, 0.6), shade=shade)


def _draw_lamp_corners(stage: Stage, vehicle: Vehicle, side: float) -> None:
    low, high = vehicle.body.lamps_up
    if vehicle.body in (TRUCK_BOX, TRUCK_CAB):
        return
    end = vehicle.body.half_length
    for a0, a1, colour in ((end - 0.3, end - 0.09, HEADLAMP), (-end + 0.06, -end + 0.26, TAIL_RED)):
        lamp = [
            vehicle.world(a, y, side * vehicle.body.half_width)
            for a, y in ((a0, low + 0.12), (a1, low), (a1, high - 0.06), (a0, high))
        ]
        if vehicle.lamps_on:
            stage.shining(lamp, colour)
            stage.glow(_middle(lamp), 0.45, LAMP_LIGHT if colour == HEADLAMP else (255, 60, 40), 0.3)
        else:
            stage.face(lamp, colour)


def _draw_near_wheels(stage: Stage, vehicle: Vehicle, side: float) -> None:
    wide = vehicle.body.half_width * side
    for ahead in vehicle.body.wheels:
        stage.face(_wheel(vehicle, ahead, wide * 1.002, 1.2), (22, 22, 26))
        stage.face(_wheel(vehicle, ahead, wide * 1.005, 1.0), RUBBER)
        stage.face(_wheel(vehicle, ahead, wide * 1.006, 0.66), (176, 180, 186), shade=0.94)
        stage.face(_wheel(vehicle, ahead, wide * 1.007, 0.54), (92, 96, 104))
        radius = vehicle.body.wheel_radius
        for spoke in range(5):
            angle = spoke * math.tau / 5 + ahead
            tips = []
            for turn in (-0.16, 0.16):
                reach = radius * 0.6
                tips.append((ahead + reach * math.cos(angle + turn), radius + reach * math.sin(angle + turn)))
            spoke_points = [
                vehicle.world(ahead, radius, wide * 1.008),
                *(vehicle.world(a, y, wide * 1.008) for a, y in tips),
            ]
            stage.face(spoke_points, (186, 190, 196))
        stage.face(_wheel(vehicle, ahead, wide * 1.009, 0.16), (60, 62, 68))


def _draw_taxi_sign(stage: Stage, vehicle: Vehicle) -> None:
    top = vehicle.body.top
    for ahead in (-0.42, -0.18):
        sign = [
            vehicle.world(ahead, y, s)
            for y, s in ((top - 0.02, -0.3), (top - 0.02, 0.3), (top + 0.16, 0.26), (top + 0.16, -0.26))
        ]
        stage.shining(sign, (255, 232, 140))
    for side in (-0.28, 0.28):
        sign = [
            vehicle.world(a, y, side)
            for a, y in ((-0.42, top - 0.02), (-0.18, top - 0.02), (-0.18, top + 0.16), (-0.42, top + 0.16))
        ]
        stage.shining(sign, (244, 214, 120))


def _middle(points: Sequence[Point3]) -> Point3:
    count = len(points)
    x, y, z = (sum(point[i] for point in points) / count for i in range(3))
    return x, y, z
