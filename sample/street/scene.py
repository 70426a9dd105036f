"""Makes one scene: a seed and a layout in, a picture and the truth about it out."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sample.street import backdrop
from sample.street.buildings import draw_building
from sample.street.canvas import MASK_SCALE, Canvas
from sample.street.finish import finished
from sample.street.geometry import Camera
from sample.street.moods import MOODS, Mood
from sample.street.outline import box_of, polygons_of
from sample.street.placing import place_buildings, place_items
from sample.street.plan import Item, Label
from sample.street.stage import Stage

if TYPE_CHECKING:
    from PIL import Image

    from sample.street.geometry import Point2
    from sample.street.layout import Layout

SIZES: tuple[tuple[int, int], ...] = (
    (640, 480),
    (640, 480),
    (640, 448),
    (672, 480),
    (640, 416),
    (720, 480),
    (480, 640),
    (512, 640),
)
LEAST_SHOWN = 0.28
"""The share of an object that must be visible for it to be annotated."""
LEAST_SIDE = 7.0
"""Pixels, the shorter side of the smallest box."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One annotated object. The box is that of its visible part: left, top, width, height in pixels."""

    label: Label
    box: tuple[float, float, float, float]
    polygons: tuple[tuple[Point2, ...], ...]
    area: float
    """Of its visible part, square pixels."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, RGB, and what it shows."""

    image: Image.Image
    truths: tuple[Truth, ...]
    layout: str
    mood: str


def draw_scene(seed: int, layout: Layout) -> Scene:
    """The same seed and layout give the same scene, pixel for pixel."""
    rng = random.Random(f"{layout.name}/{seed}")
    mood = rng.choice(MOODS)
    stage = _stage(rng, layout, mood)
    crossing = None if layout.crossing is None else rng.uniform(*layout.crossing)
    backdrop.draw_sky(stage, rng)
    backdrop.draw_horizon(stage, layout.horizon, rng)
    backdrop.draw_ground(stage, layout, crossing, rng)
    buildings = place_buildings(stage, layout, rng)
    items = place_items(stage, layout, crossing, rng)
    _draw_ground_light(stage, items)
    for building in buildings:
        draw_building(stage, building)
    wholes: dict[int, int] = {}
    labels: dict[int, Label] = {}
    for number, item in enumerate(items, start=1):
        with stage.canvas.tracing(number) as area:
            item.draw()
        if item.label is not None:
            wholes[number], labels[number] = area[0], item.label
    truths = tuple(
        truth for number in labels if (truth := _truth(stage.canvas, number, labels[number], wholes[number]))
    )
    return Scene(finished(stage, rng), truths, layout.name, mood.name)


def _stage(rng: random.Random, layout: Layout, mood: Mood) -> Stage:
    width, height = rng.choice(SIZES)
    view = math.radians(rng.uniform(*layout.field_of_view))
    long = max(width, height)
    camera = Camera(
        x=rng.uniform(*layout.camera_x),
        z=0.0,
        height=rng.uniform(*layout.camera_height),
        yaw=math.radians(rng.uniform(*layout.yaw)),
        focal=long / 2 / math.tan(view / 2),
        centre_x=width * rng.uniform(0.46, 0.54),
        horizon=height * rng.uniform(*layout.horizon_at),
    )
    bearing = camera.yaw + rng.uniform(-math.pi, math.pi)
    up = math.radians(rng.uniform(14, 24) if mood.name in ("golden hour", "dusk", "night") else rng.uniform(30, 55))
    sun = (math.cos(up) * math.sin(bearing), math.sin(up), math.cos(up) * math.cos(bearing))
    return Stage(camera, Canvas(width, height), mood, sun)


def _draw_ground_light(stage: Stage, items: list[Item]) -> None:
    for item in items:
        item.shade()
    mood, canvas = stage.mood, stage.canvas
    canvas.cast.scale(mood.shadow)
    canvas.cast.join(canvas.contact)
    canvas.cast.paste_on(canvas, (11, 14, 30), share=0.9, softness=1.4)
    if mood.lamps_on:
        canvas.pools.paste_on(canvas, (255, 218, 150), share=0.55, softness=9.0)


def _truth(canvas: Canvas, number: int, label: Label, whole: int) -> Truth | None:
    """None for an object that is mostly hidden, mostly outside the picture, or too small."""
    shown = canvas.shown == number
    visible = int(np.count_nonzero(shown))
    if visible == 0 or visible < LEAST_SHOWN * whole:
        return None
    left, top, right, bottom = (edge / MASK_SCALE for edge in box_of(shown))
    if min(right - left, bottom - top) < LEAST_SIDE:
        return None
    outlines = polygons_of(shown, tolerance=0.8, least_area=max(24.0, visible * 0.02))
    polygons = tuple(tuple((x / MASK_SCALE, y / MASK_SCALE) for x, y in outline) for outline in outlines)
    return Truth(label, (left, top, right - left, bottom - top), polygons, visible / MASK_SCALE**2)
