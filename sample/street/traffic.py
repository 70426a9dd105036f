"""Decides which vehicles drive and stand on the road."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sample.street import vehicles
from sample.street.bodies import CARS, SEDAN
from sample.street.plan import Item, Label, Plan, later

if TYPE_CHECKING:
    from collections.abc import Callable

    from sample.street.stage import Stage


def place_traffic(plan: Plan, crossing: float | None) -> None:
    """Let vehicles drive in every lane; none stands on the crossing."""
    for lane in plan.layout.lanes:
        heading = 0.0 if lane > 0 else math.pi
        z = plan.rng.uniform(-34, -22)
        while z < 62:
            z += plan.rng.uniform(6.5, 12.0)
            if plan.rng.random() > plan.layout.traffic:
                continue
            before = crossing is not None and abs(z - crossing) < 5.2
            if not before:
                z += _add_vehicle(plan, lane + plan.rng.uniform(-0.2, 0.2), z, heading + plan.rng.uniform(-0.03, 0.03))


def place_parked(plan: Plan, crossing: float | None) -> None:
    """Park cars at the kerbs."""
    for sign, full in zip((-1, 1), plan.layout.parked, strict=True):
        x = sign * (plan.layout.road_half - 1.05)
        z = plan.rng.uniform(-32, -26)
        while z < 60 and full:
            z += plan.rng.uniform(5.2, 6.4)
            clear = crossing is None or abs(z - crossing) > 6
            if clear and plan.rng.random() < full:
                _add_car(plan, x, z, 0.0 if sign > 0 else math.pi, lamps_on=False)


def _add_vehicle(plan: Plan, x: float, z: float, heading: float) -> float:
    """Add a bus, a truck or a car where there is room; gives the metres that it takes beyond a car's."""
    rng, dark = plan.rng, plan.stage.mood.lamps_on
    kind, livery = rng.random(), rng.choice(vehicles.LIVERIES)
    if kind < 0.12:
        long = vehicles.bus(x, z, heading, livery, lamps_on=dark)
        return 4.0 if _add_long(plan, long, Label.BUS, vehicles.draw_bus, 5.5) else 0.0
    if kind < 0.26:
        long = vehicles.truck(x, z, heading, livery, lamps_on=dark)
        return 1.0 if _add_long(plan, long, Label.TRUCK, vehicles.draw_truck, 3.15) else 0.0
    _add_car(plan, x, z, heading, lamps_on=dark)
    return 0.0


def _add_car(plan: Plan, x: float, z: float, heading: float, *, lamps_on: bool) -> None:
    rng = plan.rng
    taxi = rng.random() < 0.08
    body = SEDAN if taxi else rng.choice(CARS)
    paint = (238, 190, 44) if taxi else rng.choice(vehicles.PAINTS)
    vehicle = vehicles.Vehicle(body, x, z, heading, paint, lamps_on=lamps_on, taxi=taxi)
    _add_long(plan, vehicle, Label.CAR, vehicles.draw_vehicle, body.half_length)


def _add_long(
    plan: Plan,
    vehicle: vehicles.Vehicle,
    label: Label,
    draw: Callable[[Stage, vehicles.Vehicle], None],
    half_length: float,
) -> bool:
    ends = [vehicle.world(along * half_length, 0, 0) for along in (-1, -0.5, 0, 0.5, 1)]
    if min(plan.depth(x, z) for x, _, z in ends) < 4.2 or not plan.in_sight(vehicle.x, vehicle.z, margin=-1.0):
        return False
    if not plan.tall_enough(vehicle.x, vehicle.z, vehicle.body.top, 17) or not all(
        plan.free(x, z, 1.0) for x, _, z in ends
    ):
        return False
    for x, _, z in ends:
        plan.take(x, z, 1.0)
    shade = later(_shade_vehicle, plan.stage, vehicle, half_length)
    plan.items.append(Item(plan.depth(vehicle.x, vehicle.z), label, later(draw, plan.stage, vehicle), shade))
    return True


def _shade_vehicle(stage: Stage, vehicle: vehicles.Vehicle, half_length: float) -> None:
    vehicles.draw_shadow(stage, vehicle, half_length * 0.96)
    if vehicle.lamps_on:
        near, far = half_length, half_length + 6.0
        cone = [vehicle.world(a, 0, s) for a, s in ((near, -0.7), (near, 0.7), (far, 2.2), (far, -2.2))]
        stage.light_pool([(x, z) for x, _, z in cone], 120)
