"""The plan of a scene: what is to be drawn, and which ground is taken."""

from __future__ import annotations

import functools
import math
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from sample.street.layout import Layout
from sample.street.stage import Billboard, Stage

if TYPE_CHECKING:
    from collections.abc import Callable


class Label(StrEnum):
    """What is annotated, in the order of the detector's classes."""

    PERSON = "person"
    CAR = "car"
    BUS = "bus"
    TRUCK = "truck"
    BICYCLE = "bicycle"
    TRAFFIC_LIGHT = "traffic light"
    TRAFFIC_SIGN = "traffic sign"
    DOG = "dog"


def _nothing() -> None:
    """The shadow of a thing that has none."""


@dataclass(frozen=True, slots=True)
class Item:
    """A thing to draw. Those far away are drawn first; `shade` puts its shadow or its light on the ground."""

    depth: float
    label: Label | None
    """None for what hides others but is not annotated."""
    draw: Callable[[], None]
    shade: Callable[[], None] = _nothing


@dataclass(slots=True)
class Plan:
    """A scene in the making."""

    stage: Stage
    layout: Layout
    rng: random.Random
    items: list[Item] = field(default_factory=list)
    taken: list[tuple[float, float, float]] = field(default_factory=list)
    """Discs on the ground that are in use: x, z, radius."""

    def free(self, x: float, z: float, radius: float) -> bool:
        """Whether a disc on the ground is not in use."""
        return all(math.hypot(x - a, z - b) > radius + r for a, b, r in self.taken)

    def take(self, x: float, z: float, radius: float) -> None:
        self.taken.append((x, z, radius))

    def depth(self, x: float, z: float) -> float:
        return self.stage.camera.depth(x, z)

    def in_sight(self, x: float, z: float, *, margin: float = 0.0, nearest: float = 3.0) -> bool:
        """Whether a spot is ahead and at least `margin` metres inside the picture's sides."""
        depth = self.depth(x, z)
        if depth < nearest:
            return False
        at, _ = self.stage.camera.project((x, 0.0, z))
        inside = margin * self.stage.camera.focal / depth
        return inside < at < self.stage.canvas.width - inside

    def board(self, x: float, z: float, *, turn: float = 1.0) -> Billboard:
        return Billboard(self.stage, x, z, turn)

    def tall_enough(self, x: float, z: float, metres: float, pixels: float) -> bool:
        """Whether something of a height is large enough in the picture to be told."""
        return metres * self.stage.camera.focal / max(self.depth(x, z), 0.1) >= pixels


def later(draw: Callable[..., None], *details: object, **options: object) -> Callable[[], None]:
    """The same stroke, once everything behind it is drawn."""
    return functools.partial(draw, *details, **options)
