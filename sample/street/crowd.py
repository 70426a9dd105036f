"""Decides who is in the street: pedestrians, cyclists and dogs."""

from __future__ import annotations

import math

from sample.street import small
from sample.street.people import draw_person, draw_rider, draw_umbrella, random_look
from sample.street.plan import Item, Label, Plan, later


def place_cyclists(plan: Plan) -> None:
    """Put up to three bicycles at the kerbs, most of them ridden."""
    rng = plan.rng
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3))):
        for _attempt in range(14):
            parked = rng.random() < 0.3
            side = rng.choice((-1, 1))
            x = side * (plan.layout.road_half + (rng.uniform(0.8, 1.4) if parked else rng.uniform(-1.0, -0.5)))
            z = rng.uniform(-14, 26)
            if plan.in_sight(x, z, margin=0.9, nearest=5) and plan.free(x, z, 1.0) and plan.tall_enough(x, z, 1.0, 20):
                board = plan.board(x, z, turn=rng.choice((-1.0, 1.0)))
                pedal, frame = rng.uniform(0, math.tau), rng.choice(small.FRAMES)
                depth = plan.depth(x, z)
                plan.items.append(
                    Item(
                        depth,
                        Label.BICYCLE,
                        later(small.draw_bicycle, board, frame, pedal=pedal),
                        later(board.shadow, 0.6, 0.8),
                    )
                )
                if not parked:
                    look = random_look(rng, rain=False)
                    plan.items.append(Item(depth - 0.02, Label.PERSON, later(draw_rider, board, look, pedal=pedal)))
                plan.take(x, z, 1.0)
                break


def place_people(plan: Plan, crossing: float | None) -> None:
    """Put people on the pavements and the crossing, some with company or a dog."""
    layout, rng = plan.layout, plan.rng
    for _ in range(rng.randint(*layout.people)):
        for _attempt in range(16):
            inner, outer = layout.road_half + 0.7, layout.road_half + layout.walk - 0.5
            x, z = rng.choice((-1, 1)) * rng.uniform(inner, outer), rng.uniform(-16, 34)
            if crossing is not None and rng.random() < 0.35:
                x, z = rng.uniform(-inner, inner), crossing + rng.uniform(-1.2, 1.2)
            if _add_person(plan, x, z):
                if rng.random() < 0.25:
                    _add_person(plan, x + rng.uniform(-0.3, 0.3), z + rng.choice((-0.8, 0.8)))
                if rng.random() < 0.16:
                    _add_dog(plan, x + rng.uniform(-0.2, 0.2), z + rng.choice((-1.0, 1.0)))
                break


def _add_person(plan: Plan, x: float, z: float) -> bool:
    if (
        not plan.in_sight(x, z, margin=0.35, nearest=3.8)
        or not plan.free(x, z, 0.36)
        or not plan.tall_enough(x, z, 1.6, 27)
    ):
        return False
    look = random_look(plan.rng, rain=bool(plan.stage.mood.rain))
    board = plan.board(x, z, turn=plan.rng.choice((-1.0, 1.0)))
    plan.items.append(
        Item(plan.depth(x, z), Label.PERSON, later(draw_person, board, look), later(board.shadow, 0.26, look.height))
    )
    if look.umbrella:
        plan.items.append(Item(plan.depth(x, z) - 0.02, None, later(draw_umbrella, board, look)))
    plan.take(x, z, 0.36)
    return True


def _add_dog(plan: Plan, x: float, z: float) -> None:
    size = plan.rng.uniform(0.4, 0.62)
    if plan.in_sight(x, z, margin=0.6, nearest=4) and plan.free(x, z, 0.3) and plan.tall_enough(x, z, size * 1.3, 15):
        board = plan.board(x, z, turn=plan.rng.choice((-1.0, 1.0)))
        dog = later(
            small.draw_dog, board, plan.rng.choice(small.COATS), size=size, stride=plan.rng.uniform(0, math.tau)
        )
        plan.items.append(Item(plan.depth(x, z), Label.DOG, dog, later(board.shadow, size * 0.7, size)))
        plan.take(x, z, 0.4)
