"""Decides what stands where in a scene: buildings, signals, trees and furniture, nothing inside anything else."""

from __future__ import annotations

import math
import random

from sample.street import furniture, small
from sample.street.buildings import Building, random_building
from sample.street.canvas import Glow
from sample.street.crowd import place_cyclists, place_people
from sample.street.layout import Layout, Side
from sample.street.moods import Colour
from sample.street.plan import Item, Label, Plan, later
from sample.street.stage import Billboard, Stage
from sample.street.traffic import place_parked, place_traffic


def place_buildings(stage: Stage, layout: Layout, rng: random.Random) -> list[Building]:
    """Both rows of buildings, from the farthest."""
    buildings = []
    for side, sign in ((layout.left, -1), (layout.right, 1)):
        if side is not Side.BUILDINGS:
            continue
        z = -50.0 + rng.uniform(0, 8)
        front = layout.road_half + layout.walk + (2.5 if layout.style.gap > 4 else 0.0)
        while z < 120:
            wide = rng.uniform(7, 13)
            near, far = sign * front, sign * (front + rng.uniform(8, 11))
            buildings.append(random_building(rng, layout.style, (min(near, far), z, max(near, far), z + wide)))
            z += wide + layout.style.gap * rng.uniform(0.6, 1.3)
    ahead = [b for b in buildings if max(stage.camera.depth(x, z) for x in (b.x0, b.x1) for z in (b.z0, b.z1)) > 1]
    for b in ahead:
        if stage.mood.shadow > 0.2:
            stage.ground_shadow([(b.x0, b.z0), (b.x1, b.z0), (b.x1, b.z1), (b.x0, b.z1)], b.height * 0.8)
    return sorted(ahead, key=lambda b: -stage.camera.depth((b.x0 + b.x1) / 2, (b.z0 + b.z1) / 2))


def place_items(stage: Stage, layout: Layout, crossing: float | None, rng: random.Random) -> list[Item]:
    """Everything on the ground, from the farthest."""
    plan = Plan(stage, layout, rng)
    if crossing is not None:
        _place_lights(plan, crossing)
    _place_signs(plan)
    _place_lamps(plan)
    place_traffic(plan, crossing)
    place_parked(plan, crossing)
    _place_trees(plan, crossing)
    place_cyclists(plan)
    place_people(plan, crossing)
    _place_dressing(plan)
    return sorted(plan.items, key=lambda item: -item.depth)


def _place_lights(plan: Plan, crossing: float) -> None:
    for sign, z in ((1, crossing - 2.2), (-1, crossing + 2.2), (-1, crossing - 2.2), (1, crossing + 2.2)):
        x = sign * (plan.layout.road_half + 0.55)
        if not plan.in_sight(x, z, nearest=4.5) or plan.rng.random() < 0.25:
            continue
        height, lit = plan.rng.uniform(2.9, 3.5), plan.rng.choice((0, 0, 1, 2, 2))
        board = plan.board(x, z)
        # An arm over the road when there is enough sky for it, else a lamp on the pole itself.
        over = plan.rng.random() < 0.35 and plan.depth(x, z) > 12
        reach = -sign * plan.rng.uniform(1.6, 2.4) if over else 0.0
        if over:
            height += 1.5
        centre = (reach, height - 0.35 if over else height + 0.1)
        plan.items.append(
            Item(
                plan.depth(x, z),
                None,
                later(small.draw_light_pole, board, height, reach),
                later(board.shadow, 0.15, 3.0),
            )
        )
        plan.items.append(
            Item(plan.depth(x, z) - 0.02, Label.TRAFFIC_LIGHT, later(_draw_glowing_head, board, centre, lit))
        )
        plan.take(x, z, 0.4)


def _draw_glowing_head(board: Billboard, centre: tuple[float, float], lit: int) -> None:
    small.draw_light_head(board, centre, lit)
    x, y = board.at(centre[0], centre[1] + 0.37 - 0.37 * lit)
    strength = 0.6 if board.stage.mood.lamps_on else 0.22
    board.stage.canvas.glow(Glow(x, y, 0.42 * board.scale, small.LAMPS[lit], strength))


def _place_signs(plan: Plan) -> None:
    rng = plan.rng
    for _ in range(rng.choice((1, 2, 3))):
        for _attempt in range(12):
            sign = rng.choice((-1, 1, 1))
            x, z = sign * (plan.layout.road_half + rng.uniform(0.45, 0.8)), rng.uniform(-12, 26)
            if (
                plan.in_sight(x, z, margin=0.3, nearest=5.5)
                and plan.free(x, z, 1.2)
                and plan.tall_enough(x, z, 0.84, 15)
            ):
                height = rng.uniform(2.2, 2.7)
                board = plan.board(x, z)
                plan.items.append(
                    Item(
                        plan.depth(x, z),
                        None,
                        later(small.draw_sign_pole, board, height),
                        later(board.shadow, 0.1, 2.5),
                    )
                )
                plate = later(small.draw_sign, board, rng.choice(list(small.Sign)), height)
                plan.items.append(Item(plan.depth(x, z) - 0.02, Label.TRAFFIC_SIGN, plate))
                plan.take(x, z, 0.4)
                break


def _place_lamps(plan: Plan) -> None:
    first = plan.rng.uniform(-20, -8)
    for sign in (-1, 1):
        x = sign * (plan.layout.road_half + 0.7)
        for step in range(8):
            z = first + step * 13.0 + (6.0 if sign > 0 else 0.0)
            if not plan.in_sight(x, z, margin=-2.0, nearest=5.0) or not plan.free(x, z, 0.8) or plan.depth(x, z) > 80:
                continue
            board = plan.board(x, z)
            facing = -sign if abs(math.sin(plan.stage.camera.yaw)) < 0.7 else 1.0
            plan.items.append(
                Item(plan.depth(x, z), None, later(_draw_lit_lamp, board, facing * 1.3), later(_shade_lamp, board))
            )
            plan.take(x, z, 0.4)


def _draw_lit_lamp(board: Billboard, reach: float) -> None:
    furniture.draw_lamp(board, reach)
    if board.stage.mood.lamps_on:
        x, y = board.at(reach + math.copysign(0.3, reach), 5.6)
        board.stage.canvas.glow(Glow(x, y, 0.9 * board.scale, (255, 222, 160), 0.6))


def _shade_lamp(board: Billboard) -> None:
    board.shadow(0.12, 5.0)
    ring = [(board.x + 3.4 * math.cos(a * 0.4), board.z + 3.4 * math.sin(a * 0.4)) for a in range(16)]
    board.stage.light_pool(ring, 150)


def _place_trees(plan: Plan, crossing: float | None) -> None:
    layout, rng = plan.layout, plan.rng
    if not layout.trees:
        return
    leaves = rng.choice(furniture.LEAVES)
    for side, sign in ((layout.left, -1), (layout.right, 1)):
        if side is Side.OPEN and plan.stage.camera.x < -layout.road_half:
            continue
        z = -34.0 + rng.uniform(0, 6)
        while z < 90:
            z += layout.tree_gap * rng.uniform(0.8, 1.2)
            if crossing is None or abs(z - crossing) > 3:
                _add_tree(plan, sign * (layout.road_half + 0.95), z, leaves)
        for _ in range(34 if side in (Side.PARK, Side.FIELD) else 0):
            edge = layout.road_half + layout.walk + 2
            _add_tree(
                plan, sign * (edge + 50 * rng.random() ** 1.6), rng.uniform(-50, 95), rng.choice(furniture.LEAVES[:3])
            )


def _add_tree(plan: Plan, x: float, z: float, leaves: tuple[Colour, Colour]) -> None:
    depth = plan.depth(x, z)
    if depth < 9 or not plan.in_sight(x, z, margin=-4) or not plan.free(x, z, 0.9):
        return
    kind = plan.rng.choice(plan.layout.trees)
    if kind in (furniture.Kind.PINE, furniture.Kind.PALM):
        leaves = furniture.LEAVES[1]
    tree = furniture.Tree(kind, plan.rng.uniform(5.5, 8.0), leaves, 0)
    board = plan.board(x, z)
    growth = random.Random(plan.rng.randrange(1 << 30))
    plan.items.append(
        Item(
            depth,
            None,
            later(furniture.draw_tree, board, tree, growth),
            later(board.shadow, tree.height * 0.22, tree.height * 0.5),
        )
    )
    plan.take(x, z, 0.5)


def _place_dressing(plan: Plan) -> None:
    layout, rng = plan.layout, plan.rng
    for _ in range(rng.randint(3, 7)):
        x = rng.choice((-1, 1)) * (layout.road_half + layout.walk - rng.uniform(0.4, 0.7))
        z = rng.uniform(-14, 34)
        if not plan.in_sight(x, z, margin=-1, nearest=5) or not plan.free(x, z, 1.0):
            continue
        board, growth = plan.board(x, z), random.Random(rng.randrange(1 << 30))
        draw = rng.choice(
            (
                later(furniture.draw_bench, board),
                later(furniture.draw_bin, board),
                later(furniture.draw_planter, board, growth),
                later(furniture.draw_bush, board, furniture.LEAVES[1], growth, rng.uniform(0.8, 1.2)),
            )
        )
        plan.items.append(Item(plan.depth(x, z), None, draw, later(board.shadow, 0.5, 0.6)))
        plan.take(x, z, 0.9)
