"""The shapes of vehicles: a side profile, how wide it is, and what each stretch of it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What a stretch of a vehicle's profile is made of."""

    PAINT = "paint"
    GLASS = "glass"
    BUMPER = "bumper"
    TAIL = "tail"
    NOSE = "nose"
    BOX = "box"


Profile = tuple[tuple[float, float, Part], ...]
"""Over the top from the lowest point of the rear to that of the front: metres ahead, metres up, what comes next."""

Window = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Body:
    """One shape. Metres; lengths count forward from the middle."""

    profile: Profile
    half_width: float
    belt: float
    """The height from which it narrows toward the roof."""
    roof_ratio: float
    """The roof's width as a share of the body's."""
    windows: tuple[Window, ...]
    wheels: tuple[float, ...]
    wheel_radius: float
    doors: tuple[float, ...] = ()
    """Where lines between doors are."""
    lamps_up: tuple[float, float] = (0.55, 0.78)
    """From where to where head and tail lamps reach, metres up."""

    @property
    def top(self) -> float:
        """The roof's height."""
        return max(y for _, y, _ in self.profile)

    @property
    def half_length(self) -> float:
        """Half of the length."""
        return max(abs(a) for a, _, _ in self.profile)

    def half_width_at(self, y: float) -> float:
        """Half the width at a height."""
        if y <= self.belt:
            return self.half_width
        share = (y - self.belt) / (self.top - self.belt)
        return self.half_width * (1 - share * (1 - self.roof_ratio))


P, G, B, T, N, X = Part.PAINT, Part.GLASS, Part.BUMPER, Part.TAIL, Part.NOSE, Part.BOX

SEDAN = Body(
    (
        (-2.2, 0.28, B),
        (-2.28, 0.5, T),
        (-2.2, 0.98, P),
        (-1.6, 1.03, G),
        (-0.95, 1.4, P),
        (-0.3, 1.46, P),
        (0.35, 1.43, G),
        (1.1, 1.0, P),
        (1.75, 0.9, P),
        (2.15, 0.76, N),
        (2.28, 0.48, B),
        (2.2, 0.26, B),
    ),
    0.9,
    0.98,
    0.76,
    (
        ((-1.38, 1.04), (-0.9, 1.35), (-0.33, 1.39), (-0.33, 1.02)),
        ((-0.23, 1.02), (-0.23, 1.39), (0.32, 1.36), (0.88, 1.0)),
    ),
    (-1.38, 1.38),
    0.33,
    (-1.02, -0.28, 0.82),
)
HATCHBACK = Body(
    (
        (-1.85, 0.28, B),
        (-1.92, 0.52, T),
        (-1.86, 1.0, G),
        (-1.5, 1.44, P),
        (-0.8, 1.52, P),
        (0.25, 1.49, G),
        (1.05, 1.03, P),
        (1.6, 0.92, P),
        (1.86, 0.76, N),
        (1.95, 0.48, B),
        (1.88, 0.26, B),
    ),
    0.86,
    1.0,
    0.78,
    (
        ((-1.58, 1.08), (-1.38, 1.38), (-0.48, 1.45), (-0.48, 1.05)),
        ((-0.38, 1.05), (-0.38, 1.45), (0.22, 1.42), (0.82, 1.03)),
    ),
    (-1.2, 1.2),
    0.31,
    (-0.43, 0.74),
)
SUV = Body(
    (
        (-2.2, 0.36, B),
        (-2.28, 0.62, T),
        (-2.24, 1.14, G),
        (-1.95, 1.66, P),
        (-1.0, 1.76, P),
        (0.25, 1.72, G),
        (0.95, 1.2, P),
        (1.75, 1.1, P),
        (2.1, 0.98, N),
        (2.25, 0.58, B),
        (2.18, 0.34, B),
    ),
    0.96,
    1.12,
    0.8,
    (
        ((-2.0, 1.22), (-1.82, 1.58), (-1.3, 1.65), (-1.3, 1.2)),
        ((-1.2, 1.2), (-1.2, 1.66), (-0.32, 1.67), (-0.32, 1.18)),
        ((-0.22, 1.18), (-0.22, 1.67), (0.22, 1.64), (0.76, 1.16)),
    ),
    (-1.36, 1.38),
    0.38,
    (-1.25, -0.27, 0.7),
    (0.72, 1.0),
)
WAGON = Body(
    (
        (-2.3, 0.28, B),
        (-2.36, 0.52, T),
        (-2.32, 1.0, G),
        (-2.0, 1.4, P),
        (-0.9, 1.48, P),
        (0.25, 1.45, G),
        (1.05, 1.0, P),
        (1.75, 0.9, P),
        (2.15, 0.76, N),
        (2.28, 0.48, B),
        (2.2, 0.26, B),
    ),
    0.9,
    0.98,
    0.77,
    (
        ((-2.04, 1.06), (-1.88, 1.34), (-1.3, 1.39), (-1.3, 1.04)),
        ((-1.2, 1.04), (-1.2, 1.4), (-0.35, 1.42), (-0.35, 1.02)),
        ((-0.25, 1.02), (-0.25, 1.42), (0.22, 1.38), (0.84, 1.0)),
    ),
    (-1.42, 1.38),
    0.33,
    (-1.25, -0.3, 0.78),
)
COUPE = Body(
    (
        (-2.05, 0.26, B),
        (-2.12, 0.48, T),
        (-2.02, 0.9, P),
        (-1.75, 0.95, G),
        (-0.75, 1.26, P),
        (-0.2, 1.3, P),
        (0.15, 1.27, G),
        (0.95, 0.9, P),
        (1.7, 0.78, P),
        (2.08, 0.62, N),
        (2.16, 0.42, B),
        (2.1, 0.24, B),
    ),
    0.92,
    0.9,
    0.72,
    (((-1.2, 0.98), (-0.68, 1.2), (-0.15, 1.23), (0.12, 1.2), (0.7, 0.92), (-0.3, 0.93)),),
    (-1.3, 1.32),
    0.34,
    (-0.55, 0.62),
    (0.5, 0.68),
)
MINIVAN = Body(
    (
        (-2.35, 0.3, B),
        (-2.42, 0.6, T),
        (-2.38, 1.15, G),
        (-2.2, 1.78, P),
        (-1.0, 1.88, P),
        (0.7, 1.84, G),
        (1.6, 1.15, P),
        (2.05, 0.98, P),
        (2.28, 0.84, N),
        (2.38, 0.5, B),
        (2.3, 0.28, B),
    ),
    0.96,
    1.12,
    0.84,
    (
        ((-2.12, 1.22), (-2.02, 1.7), (-1.1, 1.77), (-1.1, 1.2)),
        ((-1.0, 1.2), (-1.0, 1.78), (0.1, 1.78), (0.1, 1.18)),
        ((0.22, 1.18), (0.22, 1.77), (0.66, 1.74), (1.34, 1.14)),
    ),
    (-1.5, 1.5),
    0.35,
    (-1.05, 0.16, 1.1),
    (0.6, 0.86),
)
BUS = Body(
    (
        (-5.4, 0.35, B),
        (-5.5, 0.7, T),
        (-5.5, 1.5, G),
        (-5.42, 2.75, P),
        (-5.2, 3.02, P),
        (0.0, 3.08, P),
        (5.2, 3.02, P),
        (5.45, 2.75, G),
        (5.55, 1.15, N),
        (5.52, 0.62, B),
        (5.45, 0.32, B),
    ),
    1.26,
    1.5,
    0.95,
    (
        *(
            ((-5.15 + 1.5 * i, 1.35), (-5.13 + 1.5 * i, 2.55), (-3.75 + 1.5 * i, 2.55), (-3.75 + 1.5 * i, 1.35))
            for i in range(6)
        ),
        ((3.95, 0.5), (3.95, 2.55), (4.5, 2.55), (4.5, 0.5)),
        ((4.55, 0.5), (4.55, 2.55), (5.1, 2.55), (5.1, 0.5)),
    ),
    (-3.3, 2.9),
    0.48,
    (),
    (0.68, 1.0),
)
TRUCK_CAB = Body(
    (
        (0.95, 0.45, P),
        (0.95, 1.2, P),
        (0.98, 2.25, P),
        (1.2, 2.35, P),
        (2.35, 2.3, G),
        (2.85, 1.35, P),
        (3.1, 1.2, N),
        (3.18, 0.6, B),
        (3.12, 0.4, B),
    ),
    1.02,
    1.3,
    0.88,
    (((1.35, 1.38), (1.35, 2.15), (2.25, 2.12), (2.62, 1.36)),),
    (2.1,),
    0.42,
    (1.2, 2.75),
    (0.68, 0.98),
)
TRUCK_BOX = Body(
    ((-3.1, 0.75, X), (-3.1, 3.0, X), (0.85, 3.0, X), (0.85, 0.75, X)),
    1.12,
    3.0,
    1.0,
    (),
    (-1.8,),
    0.42,
)

CARS: tuple[Body, ...] = (SEDAN, HATCHBACK, SUV, WAGON, COUPE, MINIVAN)
