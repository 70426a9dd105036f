"""The last touches on a picture: reduction to its size, lamplight, rain, vignette and grain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    import random

    import numpy.typing as npt

    from sample.street.canvas import Canvas, Glow
    from sample.street.stage import Stage


def finished(stage: Stage, rng: random.Random) -> Image.Image:
    """The picture at its size, RGB."""
    canvas, mood = stage.canvas, stage.mood
    small = canvas.image.resize((canvas.width, canvas.height), Image.Resampling.BOX)
    light = np.asarray(small, np.float32) / np.float32(255)
    for glow in canvas.visible_glows():
        _add(light, glow)
    if mood.rain:
        light += (0.86 - light) * _rain(canvas, rng)[..., None] * 0.42
    ys, xs = np.mgrid[-1 : 1 : canvas.height * 1j, -1 : 1 : canvas.width * 1j].astype(np.float32)
    light *= (1 - 0.13 * (xs**2 + ys**2) / 2)[..., None]
    light = light + 0.08 * (light - 0.5) * (1 - np.abs(2 * light - 1))
    grain = np.random.default_rng(rng.randrange(1 << 30)).normal(0, 0.011, light.shape[:2]).astype(np.float32)
    light += grain[..., None]
    return Image.fromarray((np.clip(light, 0, 1) * 255).astype(np.uint8))


def _add(light: npt.NDArray[np.float32], glow: Glow) -> None:
    """Screen a soft disc onto the picture, and its mirror image on a wet road."""
    _add_blob(light, glow, (glow.x, glow.y), (glow.radius, glow.radius), glow.strength)
    if glow.streak:
        down = (glow.x, glow.y + glow.radius * glow.streak)
        _add_blob(light, glow, down, (glow.radius * 0.45, glow.radius * glow.streak * 0.8), glow.strength * 0.5)


def _add_blob(
    light: npt.NDArray[np.float32], glow: Glow, centre: tuple[float, float], radii: tuple[float, float], strength: float
) -> None:
    height, width = light.shape[:2]
    left, right = max(0, int(centre[0] - 2.6 * radii[0])), min(width, int(centre[0] + 2.6 * radii[0]) + 1)
    top, bottom = max(0, int(centre[1] - 2.6 * radii[1])), min(height, int(centre[1] + 2.6 * radii[1]) + 1)
    if left >= right or top >= bottom:
        return
    ys, xs = np.mgrid[top:bottom, left:right].astype(np.float32)
    away = ((xs - centre[0]) / radii[0]) ** 2 + ((ys - centre[1]) / radii[1]) ** 2
    added = np.exp(-away * 0.9)[..., None] * strength * (np.array(glow.colour, np.float32) / 255)
    patch = light[top:bottom, left:right]
    patch += (1 - patch) * added


def _rain(canvas: Canvas, rng: random.Random) -> npt.NDArray[np.float32]:
    streaks = Image.new("L", (canvas.width * 2, canvas.height * 2))
    pen = ImageDraw.Draw(streaks)
    for _ in range(520):
        x, y, long = rng.uniform(0, canvas.width * 2), rng.uniform(-40, canvas.height * 2), rng.uniform(14, 44)
        pen.line([x, y, x - long * 0.16, y + long], fill=rng.randint(60, 190), width=1)
    soft = streaks.filter(ImageFilter.GaussianBlur(0.6)).resize((canvas.width, canvas.height), Image.Resampling.BOX)
    return np.asarray(soft, np.float32) / np.float32(255)
