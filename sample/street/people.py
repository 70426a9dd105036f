"""Draws pedestrians and riders: limbs, clothes, hair and what they carry, at any height."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sample.street.geometry import Point2, rounded
from sample.street.moods import Colour, blend

if TYPE_CHECKING:
    import random

    from sample.street.stage import Billboard


class Top(StrEnum):
    """What a person wears above."""

    SHIRT = "shirt"
    JACKET = "jacket"
    COAT = "coat"
    DRESS = "dress"


class Bottom(StrEnum):
    """What a person wears below."""

    TROUSERS = "trousers"
    SHORTS = "shorts"
    SKIRT = "skirt"


class Hair(StrEnum):
    """What is on a person's head."""

    SHORT = "short"
    LONG = "long"
    BUN = "bun"
    CAP = "cap"
    BEANIE = "beanie"
    HAT = "hat"


class View(StrEnum):
    """How a person is turned to the camera."""

    SIDE = "side"
    FRONT = "front"
    BACK = "back"


SKINS: tuple[Colour, ...] = ((244, 208, 178), (226, 180, 144), (198, 146, 108), (152, 104, 72), (104, 70, 50))
HAIRS: tuple[Colour, ...] = ((44, 34, 30), (88, 58, 36), (140, 96, 52), (206, 168, 96), (168, 168, 170), (134, 62, 36))
TOPS: tuple[Colour, ...] = (
    (204, 64, 56),
    (52, 102, 164),
    (236, 232, 222),
    (62, 66, 78),
    (226, 172, 60),
    (84, 138, 96),
    (150, 92, 142),
    (222, 130, 108),
    (96, 164, 178),
    (120, 84, 64),
    (232, 150, 170),
    (40, 56, 92),
)
BOTTOMS: tuple[Colour, ...] = ((52, 62, 88), (46, 46, 52), (122, 106, 84), (78, 98, 132), (98, 92, 90), (150, 136, 110))


@dataclass(frozen=True, slots=True)
class Look:
    """How a person looks. Height in metres; stride in radians of the walking cycle, None for one who stands."""

    height: float
    view: View
    top: Top
    bottom: Bottom
    hair: Hair
    skin: Colour
    hair_colour: Colour
    top_colour: Colour
    bottom_colour: Colour
    accent: Colour
    stride: float | None
    backpack: bool
    bag: bool
    umbrella: bool
    waving: bool
    stout: float


def random_look(rng: random.Random, *, rain: bool) -> Look:
    """Somebody."""
    child = rng.random() < 0.14
    height = rng.uniform(1.1, 1.4) if child else rng.uniform(1.58, 1.9)
    top = rng.choice(list(Top)) if not rain else rng.choice((Top.JACKET, Top.COAT))
    return Look(
        height,
        rng.choice((View.SIDE, View.SIDE, View.SIDE, View.FRONT, View.BACK)),
        top,
        rng.choice((Bottom.TROUSERS, Bottom.TROUSERS, Bottom.TROUSERS, Bottom.SHORTS, Bottom.SKIRT)),
        rng.choice(list(Hair)),
        rng.choice(SKINS),
        rng.choice(HAIRS),
        rng.choice(TOPS),
        rng.choice(BOTTOMS),
        rng.choice(TOPS),
        rng.uniform(0.0, math.tau) if rng.random() < 0.82 else None,
        rng.random() < 0.25,
        rng.random() < 0.25,
        rain and rng.random() < 0.7,
        not rain and rng.random() < 0.06,
        rng.uniform(0.88, 1.18),
    )


def draw_person(board: Billboard, look: Look) -> None:
    """Draw a pedestrian who stands on the ground."""
    h = look.height
    swing = 0.0 if look.stride is None else math.sin(look.stride)
    bob = 0.0 if look.stride is None else 0.008 * h * abs(math.cos(look.stride))
    hip, shoulder = (0.0, 0.5 * h + bob), (0.015 * h if look.view is View.SIDE else 0.0, 0.81 * h + bob)
    if look.view is View.SIDE:
        _draw_side_view(board, look, hip, shoulder, swing)
    else:
        _draw_upright_view(board, look, hip, shoulder, swing)


def draw_umbrella(board: Billboard, look: Look) -> None:
    """Draw the umbrella that a person holds: it hides, but is no part of the person."""
    h = look.height
    hand = (0.12 * h, 0.79 * h)
    top = (hand[0] - 0.05 * h, 1.22 * h)
    board.stroke([hand, top], 0.014 * h, (70, 66, 64))
    ribs = [(top[0] + 0.36 * h * math.cos(a), 1.03 * h + 0.2 * h * math.sin(a)) for a in _steps(0.0, math.pi)]
    scallops = [(top[0] + (i - 3) * 0.12 * h, (1.03 + (0.02 if i % 2 else 0.0)) * h) for i in range(7)]
    board.polygon([*ribs, *scallops], look.accent)
    lit = [(x * 0.45 + top[0] * 0.55 - 0.06 * h, y) for x, y in ribs]
    board.polygon(lit, blend(look.accent, (255, 255, 255), 0.18))


def draw_rider(board: Billboard, look: Look, *, pedal: float) -> None:
    """Draw a person on a bicycle as `cycles.draw_bicycle` draws it, who looks to the right. Pedal angle in radians."""
    saddle, shoulder = (-0.2, 0.98), (0.12, 1.5)
    for turn, shade in ((math.pi, 0.78), (0.0, 1.0)):
        foot = (0.04 + 0.16 * math.cos(pedal + turn), 0.3 + 0.16 * math.sin(pedal + turn))
        knee = _joint(saddle, foot, 0.44, 0.44, bend=1.0)
        board.stroke([saddle, knee, (foot[0] - 0.03, foot[1] + 0.05)], 0.125, look.bottom_colour, shade)
        board.stroke([(foot[0] - 0.05, foot[1]), (foot[0] + 0.1, foot[1])], 0.07, (40, 38, 40), shade)
        if turn:
            board.stroke([shoulder, (0.33, 1.22), (0.5, 1.1)], 0.085, look.top_colour, 0.75)
    back = [(saddle[0] - 0.14, 0.92), (saddle[0] + 0.12, 0.94), (0.26, 1.42), (0.16, 1.58), (0.0, 1.52), (-0.2, 1.2)]
    board.polygon(rounded(back), look.top_colour)
    _draw_head(board, look, (0.2, 1.72), View.SIDE)
    board.stroke([shoulder, (0.3, 1.2), (0.5, 1.08)], 0.09, look.top_colour, 1.08)
    board.ellipse((0.52, 1.08), (0.05, 0.05), look.skin)


def _joint(a: Point2, b: Point2, first: float, second: float, *, bend: float) -> Point2:
    """Where a knee is between a hip and a foot; `bend` 1 puts it to the right."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    reach = min(math.hypot(dx, dy), (first + second) * 0.999)
    along = (first**2 - second**2 + reach**2) / (2 * reach)
    off = math.sqrt(max(first**2 - along**2, 0.0)) * bend
    return a[0] + dx / reach * along - dy / reach * off, a[1] + dy / reach * along + dx / reach * off


def _leg_colours(look: Look) -> tuple[Colour, Colour]:
    """Of the thigh and of the shin."""
    if look.top is Top.DRESS or look.bottom is Bottom.SKIRT:
        return look.skin, look.skin
    return look.bottom_colour, look.skin if look.bottom is Bottom.SHORTS else look.bottom_colour


def _draw_side_view(board: Billboard, look: Look, hip: Point2, shoulder: Point2, swing: float) -> None:
    h, wide = look.height, look.height * look.stout
    for sign, shade in ((-1.0, 0.76), (1.0, 1.0)):
        _draw_arm(board, look, shoulder, -sign * swing, shade) if sign < 0 else None
        angle = sign * 0.42 * swing
        lag = 0.0 if look.stride is None else 0.5 * max(0.0, math.cos(look.stride) * sign)
        knee = (hip[0] + 0.25 * h * math.sin(angle), hip[1] - 0.25 * h * math.cos(angle))
        ankle = (knee[0] + 0.23 * h * math.sin(angle - lag), knee[1] - 0.22 * h * math.cos(angle - lag))
        thigh, shin = _leg_colours(look)
        board.stroke([knee, ankle], 0.062 * wide, shin, shade)
        board.stroke([hip, knee], 0.088 * wide, thigh, shade)
        board.stroke(
            [(ankle[0] - 0.01 * h, ankle[1] - 0.012 * h), (ankle[0] + 0.062 * h, ankle[1] - 0.018 * h)],
            0.042 * h,
            (48, 42, 42),
            shade,
        )
    if look.backpack:
        pack = [(-0.16 * h, 0.6 * h), (-0.05 * h, 0.58 * h), (-0.04 * h, 0.8 * h), (-0.14 * h, 0.79 * h)]
        board.polygon(rounded(pack), look.accent, 0.92)
    _draw_torso(board, look, hip, shoulder, (0.074 * wide, 0.078 * wide))
    _draw_head(board, look, (shoulder[0] + 0.012 * h, 0.925 * h), View.SIDE)
    _draw_arm(board, look, shoulder, swing * -1.0, 1.1)
    if look.bag:
        bag = [(-0.05 * h, 0.36 * h), (0.07 * h, 0.36 * h), (0.06 * h, 0.5 * h), (-0.04 * h, 0.5 * h)]
        board.polygon(rounded(bag, times=1), look.accent)


def _draw_arm(board: Billboard, look: Look, shoulder: Point2, swing: float, shade: float) -> None:
    h = look.height
    angle = 0.5 * swing
    elbow = (shoulder[0] + 0.17 * h * math.sin(angle), shoulder[1] - 0.02 * h - 0.17 * h * math.cos(angle))
    hand = (elbow[0] + 0.15 * h * math.sin(angle + 0.35), elbow[1] - 0.15 * h * math.cos(angle + 0.35))
    if look.waving and shade > 1:
        elbow = (shoulder[0] + 0.1 * h, shoulder[1] + 0.06 * h)
        hand = (shoulder[0] + 0.13 * h, shoulder[1] + 0.2 * h)
    if look.umbrella and shade > 1:
        elbow, hand = (shoulder[0] + 0.07 * h, shoulder[1] - 0.14 * h), (shoulder[0] + 0.13 * h, shoulder[1] - 0.02 * h)
    bare = look.top in (Top.SHIRT, Top.DRESS)
    board.stroke([elbow, hand], 0.046 * h, look.skin if bare else look.top_colour, shade)
    board.stroke([shoulder, elbow], 0.062 * h, look.top_colour, shade)
    board.ellipse(hand, (0.026 * h, 0.026 * h), look.skin, shade)


def _draw_upright_view(board: Billboard, look: Look, hip: Point2, shoulder: Point2, swing: float) -> None:
    h, wide = look.height, look.height * look.stout
    thigh, shin = _leg_colours(look)
    for sign in (-1.0, 1.0):
        lift = 0.05 * h * max(0.0, swing * sign)
        start = (hip[0] + sign * 0.048 * wide, hip[1])
        knee, ankle = (sign * 0.055 * wide, 0.27 * h + lift * 0.6), (sign * 0.055 * wide, 0.05 * h + lift)
        shade = 0.82 if lift > 0 else 1.0
        board.stroke([knee, ankle], 0.066 * wide, shin, shade)
        board.stroke([start, knee], 0.09 * wide, thigh, shade)
        board.stroke(
            [(ankle[0], ankle[1] - 0.02 * h), (ankle[0] + sign * 0.012 * h, ankle[1] - 0.026 * h)],
            0.058 * h,
            (48, 42, 42),
            shade,
        )
        elbow = (sign * 0.15 * wide, shoulder[1] - 0.17 * h)
        hand = (sign * (0.15 + 0.02 * swing) * wide, shoulder[1] - (0.33 - 0.04 * swing * sign) * h)
        if look.waving and sign > 0:
            elbow, hand = (0.18 * wide, shoulder[1] + 0.0), (0.19 * wide, shoulder[1] + 0.16 * h)
        if look.umbrella and sign > 0:
            elbow, hand = (0.15 * wide, shoulder[1] - 0.15 * h), (0.12 * wide, shoulder[1] - 0.02 * h)
        bare = look.top in (Top.SHIRT, Top.DRESS)
        board.stroke([elbow, hand], 0.046 * h, look.skin if bare else look.top_colour, 0.94)
        board.stroke([(sign * 0.105 * wide, shoulder[1] - 0.015 * h), elbow], 0.06 * h, look.top_colour, 0.9)
        board.ellipse(hand, (0.026 * h, 0.026 * h), look.skin)
    _draw_torso(board, look, hip, shoulder, (0.1 * wide, 0.128 * wide))
    if look.backpack and look.view is View.BACK:
        pack = [(-0.09 * wide, 0.56 * h), (0.09 * wide, 0.56 * h), (0.085 * wide, 0.8 * h), (-0.085 * wide, 0.8 * h)]
        board.polygon(rounded(pack), look.accent)
    elif look.backpack or look.top is Top.JACKET:
        board.stroke([(0.0, 0.54 * h), (0.0, 0.8 * h)], 0.018 * h, look.accent, 0.9)
    _draw_head(board, look, (0.0, 0.925 * h), look.view)


def _draw_torso(board: Billboard, look: Look, hip: Point2, shoulder: Point2, half: Point2) -> None:
    """`half`: half the width at the hip and at the shoulder, metres."""
    h, (low, high) = look.height, half
    hem = {Top.SHIRT: 0.48, Top.JACKET: 0.45, Top.COAT: 0.3, Top.DRESS: 0.29}[look.top] * h
    flare = {Top.SHIRT: 1.0, Top.JACKET: 1.08, Top.COAT: 1.25, Top.DRESS: 1.7}[look.top]
    if look.bottom is Bottom.SKIRT and look.top in (Top.SHIRT, Top.JACKET):
        skirt = [(-low, 0.55 * h), (low, 0.55 * h), (low * 1.75, 0.3 * h), (-low * 1.75, 0.3 * h)]
        board.polygon(rounded(skirt, times=1), look.bottom_colour)
    board.stroke([(shoulder[0], shoulder[1]), (shoulder[0] + 0.008 * h, 0.875 * h)], 0.06 * h, look.skin, 0.9)
    outline = [
        (hip[0] - low * flare, hem),
        (hip[0] + low * flare, hem),
        (hip[0] + low, 0.58 * h),
        (shoulder[0] + high, shoulder[1] - 0.05 * h),
        (shoulder[0] + high * 0.8, shoulder[1] + 0.035 * h),
        (shoulder[0] - high * 0.8, shoulder[1] + 0.035 * h),
        (shoulder[0] - high, shoulder[1] - 0.05 * h),
        (hip[0] - low, 0.58 * h),
    ]
    board.polygon(rounded(outline), look.top_colour)
    sunny = [(x * 0.5 - high * 0.3, y * 0.94 + 0.035 * h) for x, y in outline]
    board.polygon(rounded(sunny), blend(look.top_colour, (255, 255, 255), 0.1))
    if look.top in (Top.COAT, Top.DRESS):
        board.stroke([(hip[0] - low * 0.95, 0.575 * h), (hip[0] + low * 0.95, 0.575 * h)], 0.02 * h, look.accent, 0.9)


def _draw_head(board: Billboard, look: Look, centre: Point2, view: View) -> None:
    h = max(look.height, 1.45)
    rx, ry = 0.058 * h, 0.072 * h
    x, y = centre
    if look.hair is Hair.LONG:
        shift = -0.02 * h if view is View.SIDE else 0.0
        mane = [
            (x + shift - rx * 1.15, y - 0.1 * h),
            (x + shift + rx * (0.5 if view is View.SIDE else 1.15), y - 0.1 * h),
            (x + rx, y + ry * 0.5),
            (x - rx * 1.1, y + ry * 0.7),
        ]
        board.polygon(rounded(mane), look.hair_colour, 0.9)
    board.ellipse((x, y), (rx, ry), look.skin)
    if view is View.SIDE:
        board.ellipse((x + rx * 0.95, y - ry * 0.1), (rx * 0.2, ry * 0.16), look.skin)
    cap = [(x + rx * 1.06 * math.cos(a), y + 0.01 * h + ry * 1.02 * math.sin(a)) for a in _steps(-0.1, math.pi + 0.1)]
    if view is View.BACK:
        board.ellipse((x, y + 0.008 * h), (rx * 1.06, ry * 1.02), look.hair_colour)
    elif view is View.SIDE:
        cap = [
            (x + rx * 1.08 * math.cos(a), y + 0.008 * h + ry * 1.06 * math.sin(a)) for a in _steps(0.65, math.pi + 0.75)
        ]
        board.polygon([*cap, (x - rx * 0.1, y + ry * 0.25)], look.hair_colour)
    else:
        board.polygon([*cap, (x, y + ry * 0.45)], look.hair_colour)
    if board.scale * h > 120 and view is not View.BACK:
        for eye in (x + rx * 0.55,) if view is View.SIDE else (x - rx * 0.36, x + rx * 0.36):
            board.ellipse((eye, y - ry * 0.02), (rx * 0.1, ry * 0.1), (40, 34, 34))
    _draw_hat(board, look, (x, y), (rx, ry), view)


def _draw_hat(board: Billboard, look: Look, centre: Point2, radii: Point2, view: View) -> None:
    (x, y), (rx, ry) = centre, radii
    if look.hair is Hair.BUN:
        board.ellipse(
            (x - (rx * 0.9 if view is View.SIDE else 0), y + ry * 0.95), (rx * 0.5, rx * 0.5), look.hair_colour, 0.92
        )
    elif look.hair in (Hair.CAP, Hair.BEANIE):
        dome = [(x + rx * 1.12 * math.cos(a), y + ry * 0.28 + ry * 0.92 * math.sin(a)) for a in _steps(0.0, math.pi)]
        board.polygon(dome, look.accent)
        if look.hair is Hair.CAP and view is not View.BACK:
            reach = rx * 1.8 if view is View.SIDE else rx * 0.9
            board.stroke(
                [(x - (0 if view is View.SIDE else reach), y + ry * 0.32), (x + reach, y + ry * 0.3)],
                ry * 0.2,
                look.accent,
                0.85,
            )
        elif look.hair is Hair.BEANIE:
            board.stroke([(x - rx, y + ry * 0.36), (x + rx, y + ry * 0.36)], ry * 0.3, look.accent, 0.85)
    elif look.hair is Hair.HAT:
        board.polygon(
            [
                (x - rx, y + ry * 0.4),
                (x + rx, y + ry * 0.4),
                (x + rx * 0.82, y + ry * 1.3),
                (x - rx * 0.82, y + ry * 1.3),
            ],
            look.accent,
            0.95,
        )
        board.stroke([(x - rx * 1.75, y + ry * 0.44), (x + rx * 1.75, y + ry * 0.44)], ry * 0.18, look.accent, 0.85)


def _steps(start: float, stop: float) -> list[float]:
    return [start + (stop - start) * i / 14 for i in range(15)]
