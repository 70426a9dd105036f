"""The weather and the hour of a scene: what they do to every colour. To add a mood, add it to `MOODS`."""

from __future__ import annotations

import math
from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""


@dataclass(frozen=True, slots=True)
class Mood:
    """Light of a scene. `light` multiplies colours, `haze` is what they fade to with `thickness` per metre."""

    name: str
    sky: tuple[Colour, Colour, Colour]
    """From the zenith to the horizon."""
    light: tuple[float, float, float]
    haze: Colour
    thickness: float
    shadow: float
    """How dark cast shadows are, 0 to 1; 0 where there is no sun."""
    clouds: float
    cloud_colour: Colour
    windows_lit: float
    """The share of windows with light behind them."""
    lamps_on: bool = False
    rain: float = 0.0
    stars: bool = False
    disc: Colour | None = None
    """The sun or the moon; None where it is not in sight."""

    def tint(self, colour: Colour, depth: float, shade: float = 1.0) -> Colour:
        """The colour of a lit thing `depth` metres away; `shade` darkens or lightens its side."""
        keep = math.exp(-max(depth, 0.0) * self.thickness)
        (red, green, blue), haze, fade, lit = self.light, self.haze, 1 - keep, shade * keep
        return _bytes(
            colour[0] * red * lit + haze[0] * fade,
            colour[1] * green * lit + haze[1] * fade,
            colour[2] * blue * lit + haze[2] * fade,
        )

    def shine(self, colour: Colour, depth: float) -> Colour:
        """The colour of a thing that gives light itself."""
        keep = math.exp(-max(depth, 0.0) * self.thickness * 0.5)
        return _bytes(*(c * keep + haze * (1 - keep) for c, haze in zip(colour, self.haze, strict=True)))


def blend(a: Colour, b: Colour, share: float) -> Colour:
    """From `a` (share 0) to `b` (share 1)."""
    return _bytes(*(x + (y - x) * share for x, y in zip(a, b, strict=True)))


def _bytes(red: float, green: float, blue: float) -> Colour:
    return min(255, max(0, round(red))), min(255, max(0, round(green))), min(255, max(0, round(blue)))


MOODS: tuple[Mood, ...] = (
    Mood(
        "clear day",
        ((74, 141, 214), (134, 190, 236), (214, 234, 246)),
        (1.0, 0.99, 0.96),
        (204, 224, 238),
        0.0045,
        0.42,
        0.35,
        (255, 255, 255),
        0.04,
        disc=(255, 252, 236),
    ),
    Mood(
        "spring morning",
        ((122, 174, 224), (184, 213, 232), (252, 232, 208)),
        (1.04, 0.99, 0.92),
        (236, 224, 208),
        0.006,
        0.36,
        0.5,
        (255, 246, 236),
        0.06,
        disc=(255, 246, 214),
    ),
    Mood(
        "golden hour",
        ((92, 122, 178), (232, 178, 138), (255, 214, 142)),
        (1.08, 0.92, 0.76),
        (250, 206, 152),
        0.0065,
        0.4,
        0.45,
        (255, 208, 170),
        0.18,
        disc=(255, 240, 190),
    ),
    Mood(
        "overcast",
        ((166, 178, 190), (192, 201, 208), (218, 222, 224)),
        (0.92, 0.94, 0.96),
        (206, 212, 216),
        0.007,
        0.12,
        0.85,
        (232, 236, 238),
        0.12,
    ),
    Mood(
        "rain",
        ((98, 112, 128), (128, 140, 152), (164, 172, 178)),
        (0.72, 0.77, 0.83),
        (148, 158, 168),
        0.011,
        0.0,
        0.9,
        (142, 152, 164),
        0.38,
        lamps_on=True,
        rain=1.0,
    ),
    Mood(
        "dusk",
        ((40, 52, 104), (136, 96, 142), (246, 158, 122)),
        (0.66, 0.58, 0.72),
        (176, 122, 136),
        0.007,
        0.08,
        0.4,
        (222, 132, 136),
        0.42,
        lamps_on=True,
    ),
    Mood(
        "night",
        ((10, 16, 40), (22, 32, 68), (52, 62, 100)),
        (0.46, 0.48, 0.62),
        (44, 52, 88),
        0.008,
        0.05,
        0.3,
        (40, 48, 80),
        0.4,
        lamps_on=True,
        stars=True,
        disc=(244, 240, 220),
    ),
    Mood(
        "mist",
        ((186, 198, 206), (210, 217, 220), (232, 232, 226)),
        (0.95, 0.95, 0.93),
        (224, 226, 222),
        0.019,
        0.1,
        0.6,
        (238, 240, 238),
        0.16,
    ),
)
