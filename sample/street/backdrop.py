"""Draws what is behind and beneath everything: the sky, the horizon and the ground."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sample.street.canvas import OVERSAMPLING, Glow
from sample.street.layout import Horizon, Layout, Side
from sample.street.moods import Colour, blend

if TYPE_CHECKING:
    import random

    import numpy.typing as npt

    from sample.street.geometry import Point2
    from sample.street.stage import Stage

COARSE = 2
"""The sky is soft: it is painted this many times smaller than the picture."""
FAR = 240.0
"""Metres to where the ground ends."""
WHITE: Colour = (226, 226, 218)


def draw_sky(stage: Stage, rng: random.Random) -> None:
    """Paint the sky with its clouds, stars, and the sun or the moon when it is ahead."""
    canvas, mood = stage.canvas, stage.mood
    height, width = canvas.height // COARSE, canvas.width // COARSE
    horizon = stage.camera.horizon / COARSE
    rows = np.clip(np.arange(height) / (horizon + 1), 0, 1).astype(np.float32)
    stops = np.array(mood.sky, np.float32)
    gradient = np.stack([np.interp(rows, (0.0, 0.6, 1.0), stops[:, c]) for c in range(3)], -1)
    sky = np.repeat(gradient[:, None, :], width, 1).astype(np.float32)
    sun = _sun_in_picture(stage)
    if mood.disc is not None and sun is not None and not mood.stars:
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        halo = np.exp(-np.hypot(xs - sun[0] / COARSE, ys - sun[1] / COARSE) / (0.16 * width))[..., None]
        sky += (np.array(mood.disc, np.float32) - sky) * halo * 0.75
    grain = np.random.default_rng(rng.randrange(1 << 30))
    cover = _clouds(grain, (height, width), horizon, mood.clouds)
    sky += (np.array(mood.cloud_colour, np.float32) - sky) * cover[..., None]
    image = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))
    canvas.replace(image.resize(canvas.image.size, Image.Resampling.BICUBIC))
    if mood.stars:
        for _ in range(70):
            spot = (rng.uniform(0, canvas.width), rng.uniform(0, stage.camera.horizon * 0.85))
            canvas.ellipse(spot, rng.uniform(0.4, 0.9), rng.uniform(0.4, 0.9), (236, 238, 250), rng.randint(60, 220))
    if mood.disc is not None and sun is not None:
        radius = canvas.width * (0.026 if mood.stars else 0.03)
        canvas.ellipse(sun, radius, radius, mood.disc)
        canvas.glow(Glow(*sun, radius * 5, mood.disc, 0.3))


def _sun_in_picture(stage: Stage) -> Point2 | None:
    camera, (x, y, z) = stage.camera, stage.sun
    ahead = x * math.sin(camera.yaw) + z * math.cos(camera.yaw)
    right = x * math.cos(camera.yaw) - z * math.sin(camera.yaw)
    if ahead < 0.3:
        return None
    return camera.centre_x + camera.focal * right / ahead, camera.horizon - camera.focal * 0.6 * y / ahead


def _clouds(rng: np.random.Generator, size: tuple[int, int], horizon: float, cover: float) -> npt.NDArray[np.float32]:
    """How much of each pixel is cloud: layers of smooth noise, flattened toward the horizon."""
    height, width = size
    total = np.zeros(size, np.float32)
    for octave in range(5):
        cells = (4 * 2**octave, 3 * 2**octave)
        noise = Image.fromarray(rng.random(cells, np.float32).astype(np.float32))
        total += np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC)) * 0.5**octave
    total = (total - total.min()) / (total.max() - total.min() + 1e-6)
    thickness = np.clip((total - (0.86 - 0.6 * cover)) * 3.2, 0, 1)
    fade = np.clip(1.15 - np.arange(height) / (horizon + 1), 0, 1).astype(np.float32)[:, None]
    cloudy: npt.NDArray[np.float32] = (thickness * fade * 0.9).astype(np.float32)
    return cloudy


def draw_horizon(stage: Stage, kind: Horizon, rng: random.Random) -> None:
    """Draw silhouettes far away, each layer paler than the one before it."""
    mood, width = stage.mood, stage.canvas.width
    tall = stage.canvas.height * (0.16 if kind is Horizon.SKYLINE else 0.1)
    for layer, share in enumerate((0.28, 0.5, 0.72)):
        colour = blend(mood.tint((92, 112, 128), 0), mood.sky[2], 1 - share)
        if kind is Horizon.SKYLINE:
            points = _skyline(rng, width, tall * (1 - 0.25 * layer))
        else:
            points = _ridge(rng, width, tall * (1 - 0.3 * layer), bumpy=kind is Horizon.TREES)
            colour = blend(mood.tint((70, 102, 84), 0), mood.sky[2], 1 - share)
        base = stage.camera.horizon + 2
        stage.canvas.polygon([(0, base), *((x, base - y) for x, y in points), (width, base)], colour)


def _skyline(rng: random.Random, width: int, tall: float) -> list[Point2]:
    points, x = [], -5.0
    while x < width + 5:
        wide, high = rng.uniform(0.02, 0.06) * width, rng.uniform(0.25, 1.0) * tall
        points += [(x, high), (x + wide, high)]
        x += wide
    return points


def _ridge(rng: random.Random, width: int, tall: float, *, bumpy: bool) -> list[Point2]:
    waves = [(rng.uniform(0.4, 1.0), rng.uniform(1.2, 3.0) * (k + 1), rng.uniform(0, 6.3)) for k in range(3)]
    points = []
    for i in range(161):
        x = i / 160
        high = sum(a / (k + 1) * (1 + math.sin(f * x * math.pi + p)) for k, (a, f, p) in enumerate(waves)) / 3.6
        rough = rng.uniform(0.0, 0.22) if bumpy else 0.0
        points.append((x * width, tall * (high + rough + 0.1)))
    return points


def draw_ground(stage: Stage, layout: Layout, crossing: float | None, rng: random.Random) -> None:
    """Draw the ground beside the road, the road, its marks and the texture of all of it."""
    mood, canvas = stage.mood, stage.canvas
    grass: Colour = rng.choice(((104, 138, 78), (118, 146, 84), (96, 126, 72)))
    base = grass if Side.FIELD in (layout.left, layout.right) else layout.paving
    canvas.polygon(
        [
            (0, stage.camera.horizon),
            (canvas.width, stage.camera.horizon),
            (canvas.width, canvas.height),
            (0, canvas.height),
        ],
        mood.tint(base, 12),
    )
    edge = layout.road_half + layout.walk
    for side, sign in ((layout.left, -1), (layout.right, 1)):
        if side in (Side.PARK, Side.FIELD):
            _strip(stage, (sign * edge, sign * FAR), grass)
        elif side is Side.WATER:
            _draw_water(stage, sign, edge, rng)
    for sign in (-1, 1):
        _strip(stage, (sign * layout.road_half, sign * edge), layout.paving)
        _draw_slabs(stage, layout, sign)
    _strip(stage, (-layout.road_half - 0.22, layout.road_half + 0.22), blend(layout.paving, (255, 255, 255), 0.28))
    _strip(stage, (-layout.road_half - 0.06, layout.road_half + 0.06), blend(layout.asphalt, (20, 20, 24), 0.3))
    road = (164, 152, 138) if layout.cobbles else layout.asphalt
    _strip(stage, (-layout.road_half, layout.road_half), road)
    _draw_marks(stage, layout, crossing)
    _draw_texture(stage, layout, rng)
    _draw_ground_haze(stage)


def _strip(stage: Stage, x: tuple[float, float], colour: Colour) -> None:
    """A band along the road, in pieces so that haze grows with distance."""
    edges = (-60.0, -30.0, -15.0, -6.0, 0.0, 6.0, 12.0, 20.0, 34.0, 60.0, 110.0, FAR)
    for near, far in itertools.pairwise(edges):
        quad = ((x[0], 0.0, near), (x[1], 0.0, near), (x[1], 0.0, far + 0.05), (x[0], 0.0, far + 0.05))
        stage.canvas.polygon(stage.camera.polygon(quad), stage.mood.tint(colour, 4))


def _draw_water(stage: Stage, sign: int, edge: float, rng: random.Random) -> None:
    mood = stage.mood
    deep = blend(mood.tint((58, 108, 138), 0), mood.sky[1], 0.42)
    quad = [
        (sign * edge, 0.0, -FAR),
        (sign * FAR * 2, 0.0, -FAR),
        (sign * FAR * 2, 0.0, FAR * 2),
        (sign * edge, 0.0, FAR * 2),
    ]
    stage.canvas.polygon(stage.camera.polygon(quad), deep)
    for _ in range(170):
        x, z = sign * (edge + 1 + 70 * rng.random() ** 2), rng.uniform(-60, 120)
        if stage.camera.depth(x, z) < 4:
            continue
        px, py = stage.camera.project((x, -0.5, z))
        long = rng.uniform(0.6, 2.4) * stage.camera.focal / stage.camera.depth(x, z)
        stage.canvas.ellipse((px, py), long, max(0.4, long * 0.045), blend(deep, mood.sky[2], 0.7), 120)
    for z in range(-60, 120, 3):
        post = [(sign * (edge - 0.2), y, z + d) for y, d in ((0.0, -0.05), (0.0, 0.05), (0.95, 0.05), (0.95, -0.05))]
        if stage.camera.depth(sign * edge, z) > 1:
            stage.face(post, (74, 80, 86))
            for up in (0.55, 0.95):
                rail = [(sign * (edge - 0.2), up + t, z + d) for d, t in ((0, 0), (3, 0), (3, 0.07), (0, 0.07))]
                stage.face(rail, (84, 90, 96))


def _draw_slabs(stage: Stage, layout: Layout, sign: int) -> None:
    line = blend(layout.paving, (70, 66, 62), 0.3)
    low, high = layout.road_half + 0.25, layout.road_half + layout.walk
    for step in range(-24, 36):
        z = step * 1.5
        if 1.5 < stage.camera.depth(sign * low, z) < 34:
            stage.face(
                [(sign * low, 0, z), (sign * high, 0, z), (sign * high, 0, z + 0.05), (sign * low, 0, z + 0.05)], line
            )
    for step in range(1, int((high - low) / 1.3) + 1):
        x = sign * (low + step * 1.3)
        stage.face([(x, 0, -40), (x + 0.04, 0, -40), (x + 0.04, 0, 40), (x, 0, 40)], line, alpha=170)


def _draw_marks(stage: Stage, layout: Layout, crossing: float | None) -> None:
    if not layout.cobbles:
        lanes = layout.lanes
        for a, b in itertools.pairwise(lanes):
            middle = (a + b) / 2
            opposed = a < 0 < b
            for step in range(-14, 30):
                z = step * 4.0
                long = 4.02 if opposed and len(lanes) > 2 else 1.9
                if stage.camera.depth(middle, z) > -4 and (crossing is None or abs(z + 1 - crossing) > 4.5):
                    stage.face(
                        [
                            (middle - 0.07, 0, z),
                            (middle + 0.07, 0, z),
                            (middle + 0.07, 0, z + long),
                            (middle - 0.07, 0, z + long),
                        ],
                        WHITE,
                    )
    if crossing is None:
        return
    bars = int(layout.road_half * 2 / 1.05)
    for i in range(bars):
        x = -layout.road_half + 0.35 + i * 1.05
        stage.face(
            [
                (x, 0, crossing - 1.6),
                (x + 0.55, 0, crossing - 1.6),
                (x + 0.55, 0, crossing + 1.6),
                (x, 0, crossing + 1.6),
            ],
            WHITE,
            shade=1.03,
        )
    for x, z in ((0.05, crossing - 2.9), (-layout.road_half, crossing + 2.5)):
        stage.face(
            [(x, 0, z), (x + layout.road_half - 0.1, 0, z), (x + layout.road_half - 0.1, 0, z + 0.4), (x, 0, z + 0.4)],
            WHITE,
        )


def _draw_texture(stage: Stage, layout: Layout, rng: random.Random) -> None:
    """Speckle the ground with noise that lies flat in the world."""
    camera, canvas = stage.camera, stage.canvas
    first = int(camera.horizon) + 3
    ys, xs = np.mgrid[first : canvas.height, 0 : canvas.width].astype(np.float32)
    depth = camera.focal * camera.height / (ys - camera.horizon)
    right = (xs - camera.centre_x) * depth / camera.focal
    sin, cos = math.sin(camera.yaw), math.cos(camera.yaw)
    world_x, world_z = camera.x + right * cos + depth * sin, camera.z - right * sin + depth * cos
    noise = np.random.default_rng(rng.randrange(1 << 30)).random((256, 256), np.float32) - 0.5
    total = np.zeros_like(depth)
    for per_metre, share in ((14.0, 0.5), (3.1, 0.6), (0.7, 0.7), (0.21, 0.8)):
        fade = np.exp(-depth * per_metre / 70)
        u, v = (world_x * per_metre).astype(np.int32) % 256, (world_z * per_metre).astype(np.int32) % 256
        total += noise[v, u] * share * fade
    if layout.cobbles:
        on_road = np.abs(world_x) < layout.road_half
        rows = np.floor(world_z / 0.3)
        seam = (np.mod(world_z, 0.3) < 0.06) | (np.mod(world_x + rows * 0.17, 0.34) < 0.06)
        total -= np.where(on_road & seam, 1.3 * np.exp(-depth / 12), 0)
    light = np.clip(128 + total * 26, 0, 255).astype(np.uint8)
    size = (canvas.width * OVERSAMPLING, (canvas.height - first) * OVERSAMPLING)
    speckle = Image.fromarray(light).resize(size, Image.Resampling.BILINEAR)
    box = (0, first * OVERSAMPLING, size[0], canvas.height * OVERSAMPLING)
    dark = speckle.point([max(0, 128 - value) for value in range(256)])
    canvas.image.paste((16, 16, 20), box, dark)
    canvas.image.paste((246, 244, 238), box, speckle.point([max(0, value - 128) // 2 for value in range(256)]))


def _draw_ground_haze(stage: Stage) -> None:
    camera, canvas, mood = stage.camera, stage.canvas, stage.mood
    rows = np.arange(canvas.height, dtype=np.float32)
    depth = camera.focal * camera.height / np.maximum(rows - camera.horizon, 0.5)
    keep = np.exp(-np.minimum(depth, FAR) * mood.thickness)
    alpha = np.where(rows >= camera.horizon, (1 - keep) * 255, 0).astype(np.uint8)
    mask = Image.fromarray(alpha[:, None]).resize(canvas.image.size, Image.Resampling.BILINEAR)
    canvas.image.paste(mood.haze, mask=mask)
