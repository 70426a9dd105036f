"""Draws what stands in a street and has no label: trees, lamps, benches, bins, hedges and planters."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sample.street.moods import Colour, blend

if TYPE_CHECKING:
    import random

    from sample.street.stage import Billboard

BARK: Colour = (98, 74, 56)
LEAVES: tuple[tuple[Colour, Colour], ...] = (
    ((70, 118, 62), (132, 172, 84)),
    ((56, 104, 74), (112, 160, 98)),
    ((92, 128, 56), (166, 186, 84)),
    ((190, 110, 44), (238, 176, 74)),
    ((206, 148, 168), (250, 214, 222)),
    ((160, 64, 44), (222, 120, 66)),
)


class Kind(StrEnum):
    """What a tree is."""

    ROUND = "round"
    POPLAR = "poplar"
    PINE = "pine"
    PALM = "palm"


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree. Metres; colours of its shaded and its sunny leaves."""

    kind: Kind
    height: float
    leaves: tuple[Colour, Colour]
    seed: int


def draw_tree(board: Billboard, tree: Tree, rng: random.Random) -> None:
    """Draw a tree; `rng` places its leaves."""
    h = tree.height
    if tree.kind is Kind.PALM:
        _draw_palm(board, tree, rng)
        return
    board.polygon([(-0.045 * h, 0.0), (0.045 * h, 0.0), (0.025 * h, 0.5 * h), (-0.025 * h, 0.5 * h)], BARK, 0.9)
    board.polygon([(0.0, 0.0), (0.045 * h, 0.0), (0.025 * h, 0.5 * h), (0.0, 0.5 * h)], BARK, 0.7)
    if tree.kind is Kind.PINE:
        for layer in range(6):
            low, wide = (0.16 + 0.13 * layer) * h, (0.26 - 0.038 * layer) * h
            board.polygon([(-wide, low), (wide, low), (0.0, low + 0.24 * h)], tree.leaves[0], 0.85 + 0.05 * layer)
            board.polygon([(-wide, low), (-wide * 0.1, low), (0.0, low + 0.24 * h)], tree.leaves[1], 0.8 + 0.03 * layer)
        return
    for side in (-1, 1):
        board.stroke([(0.0, 0.36 * h), (side * 0.12 * h, 0.55 * h)], 0.03 * h, BARK, 0.8)
    wide, tall, middle = (0.36, 0.3, 0.66) if tree.kind is Kind.ROUND else (0.15, 0.4, 0.57)
    _draw_crown(board, tree, rng, (wide * h, tall * h, middle * h))


def _draw_crown(board: Billboard, tree: Tree, rng: random.Random, crown: tuple[float, float, float]) -> None:
    wide, tall, middle = crown
    sunny = -1 if board.stage.sun[0] < 0 else 1
    blobs = []
    for _ in range(46):
        angle, reach = rng.uniform(0, math.tau), math.sqrt(rng.random()) * 0.82
        blobs.append(
            (wide * reach * math.cos(angle), middle + tall * reach * math.sin(angle), rng.uniform(0.2, 0.34) * wide)
        )
    for share, lift, shade in ((0.0, -0.06, 0.82), (0.35, 0.0, 0.95), (0.7, 0.08, 1.03), (1.0, 0.16, 1.08)):
        colour = blend(tree.leaves[0], tree.leaves[1], share)
        for x, y, radius in blobs:
            light = (y - middle) / tall * 0.7 + sunny * x / wide * 0.5
            if light > share * 1.15 - 0.62 or share == 0:
                shrink = 1.08 - 0.42 * share
                board.ellipse(
                    (x + sunny * lift * wide * 0.5, y + lift * tall * 0.5),
                    (radius * shrink, radius * shrink * 0.94),
                    colour,
                    shade,
                )


def _draw_palm(board: Billboard, tree: Tree, rng: random.Random) -> None:
    h = tree.height
    lean = rng.uniform(-0.08, 0.08) * h
    trunk = [(lean * (i / 6) ** 2, 0.82 * h * i / 6) for i in range(7)]
    board.stroke(trunk, 0.045 * h, (134, 108, 80))
    for frond in range(11):
        angle = math.pi * (-0.12 + 1.24 * frond / 10) + rng.uniform(-0.08, 0.08)
        tip = [
            (lean + 0.34 * h * t * math.cos(angle), 0.82 * h + 0.2 * h * t * math.sin(angle) - 0.2 * h * t * t)
            for t in (0.0, 0.3, 0.6, 0.85, 1.0)
        ]
        colour = blend(tree.leaves[0], tree.leaves[1], (frond % 3) / 2)
        for (a, b), width in zip(itertools.pairwise(tip), (0.03, 0.045, 0.035, 0.018), strict=True):
            board.stroke([a, b], width * h, colour)


def draw_lamp(board: Billboard, reach: float) -> None:
    """Draw a street lamp whose arm reaches that many metres to the right."""
    dark: Colour = (60, 64, 68)
    board.stroke([(0.0, 0.0), (0.0, 5.2)], 0.1, dark)
    board.stroke([(0.0, 0.0), (0.0, 0.9)], 0.18, dark)
    arc = [(reach * (1 - math.cos(a)), 5.2 + 0.5 * math.sin(a)) for a in (0.0, 0.4, 0.8, 1.2, math.pi / 2)]
    board.stroke(arc, 0.08, dark)
    head = arc[-1]
    board.stroke([head, (head[0] + math.copysign(0.5, reach), head[1] - 0.02)], 0.15, dark)
    mood = board.stage.mood
    if mood.lamps_on:
        bulb = (head[0] + math.copysign(0.3, reach), head[1] - 0.1)
        board.stage.canvas.ellipse(
            board.at(*bulb), 0.24 * board.scale, 0.08 * board.scale, mood.shine((255, 238, 190), board.depth)
        )


def draw_bench(board: Billboard) -> None:
    """Draw a bench."""
    wood: Colour = (158, 112, 70)
    for x in (-0.7, 0.7):
        board.stroke([(x, 0.0), (x, 0.45), (x - 0.02, 0.85)], 0.07, (58, 60, 64))
    for up, shade in ((0.44, 1.1), (0.6, 0.95), (0.72, 0.95), (0.84, 0.95)):
        board.stroke([(-0.85, up), (0.85, up)], 0.075, wood, shade)


def draw_bin(board: Billboard) -> None:
    """Draw a litter bin."""
    board.polygon([(-0.2, 0.0), (0.2, 0.0), (0.25, 0.8), (-0.25, 0.8)], (70, 96, 84))
    board.polygon([(0.03, 0.0), (0.2, 0.0), (0.25, 0.8), (0.03, 0.8)], (70, 96, 84), 0.8)
    board.stroke([(-0.26, 0.82), (0.26, 0.82)], 0.09, (46, 52, 52))


def draw_planter(board: Billboard, rng: random.Random) -> None:
    """Draw a box with flowers."""
    board.polygon([(-0.5, 0.0), (0.5, 0.0), (0.56, 0.5), (-0.56, 0.5)], (150, 112, 88))
    for _ in range(16):
        spot = (rng.uniform(-0.5, 0.5), 0.5 + rng.uniform(0.0, 0.28))
        board.ellipse(spot, (0.13, 0.12), blend((72, 122, 66), (132, 172, 84), rng.random()))
    bloom = rng.choice(((232, 96, 110), (246, 206, 84), (240, 236, 240), (170, 110, 196)))
    for _ in range(9):
        spot = (rng.uniform(-0.46, 0.46), 0.58 + rng.uniform(0.0, 0.26))
        board.ellipse(spot, (0.055, 0.055), bloom)


def draw_bush(board: Billboard, leaves: tuple[Colour, Colour], rng: random.Random, size: float) -> None:
    """Draw a bush, `size` metres high."""
    for share in (0.0, 0.4, 0.9):
        for _ in range(9):
            spot = (rng.uniform(-0.7, 0.7) * size, (rng.uniform(0.18, 0.6) + share * 0.22) * size)
            radius = rng.uniform(0.18, 0.3) * size * (1 - share * 0.35)
            board.ellipse(spot, (radius, radius * 0.9), blend(*leaves, share), 0.85 + 0.2 * share)
