"""Draws what is small in a street: bicycles, dogs, traffic lights and traffic signs."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

from sample.street.geometry import Point2, rounded
from sample.street.moods import Colour, blend

if TYPE_CHECKING:
    from sample.street.stage import Billboard

METAL: Colour = (104, 108, 114)
FRAMES: tuple[Colour, ...] = (
    (204, 52, 48),
    (40, 110, 170),
    (44, 48, 54),
    (60, 150, 116),
    (232, 178, 52),
    (226, 226, 222),
)
COATS: tuple[tuple[Colour, Colour], ...] = (
    ((150, 100, 58), (112, 70, 40)),
    ((62, 54, 50), (34, 30, 30)),
    ((222, 196, 152), (186, 150, 104)),
    ((236, 232, 224), (150, 110, 80)),
)
LAMPS: tuple[Colour, ...] = ((255, 62, 48), (255, 190, 50), (64, 230, 120))


class Sign(StrEnum):
    """What a traffic sign says."""

    STOP = "stop"
    YIELD = "yield"
    SPEED = "speed"
    NO_ENTRY = "no entry"
    CROSSING = "crossing"
    AHEAD = "ahead"


def draw_bicycle(board: Billboard, frame: Colour, *, pedal: float) -> None:
    """Draw a bicycle that looks to the right. Pedal angle in radians."""
    radius, scale = 0.34, board.scale
    rear, front, bracket = (-0.52, radius), (0.54, radius), (0.02, 0.3)
    seat, head = (-0.2, 0.86), (0.4, 0.88)
    for hub in (rear, front):
        board.stage.canvas.ring(board.at(*hub), radius * scale, max(0.045 * scale, 0.7), board.tint((36, 36, 40)))
        board.stage.canvas.ring(
            board.at(*hub), radius * 0.88 * scale, max(0.014 * scale, 0.34), board.tint((168, 172, 178))
        )
        if scale > 40:
            for spoke in range(10):
                angle = spoke * math.tau / 10 + pedal
                tip = (hub[0] + radius * 0.86 * math.cos(angle), hub[1] + radius * 0.86 * math.sin(angle))
                board.stroke([hub, tip], 0.006, (170, 174, 180))
    tube = max(0.042, 1.0 / scale)
    board.stroke([rear, bracket, head, (-0.17, 0.78), bracket], tube, frame)
    board.stroke([rear, (-0.17, 0.78), seat], tube, frame, 0.92)
    board.stroke([front, head, (0.37, 1.02)], tube, frame, 0.92)
    board.stroke([(0.37, 1.02), (0.5, 1.06)], tube, (50, 50, 54))
    board.stroke([(seat[0] - 0.12, 0.93), (seat[0] + 0.1, 0.93)], 0.06, (44, 38, 36))
    crank = (bracket[0] + 0.16 * math.cos(pedal), bracket[1] + 0.16 * math.sin(pedal))
    board.stroke([bracket, crank], 0.03, METAL)
    board.ellipse(bracket, (0.08, 0.08), METAL)


def draw_dog(board: Billboard, coat: tuple[Colour, Colour], *, size: float, stride: float) -> None:
    """Draw a dog that looks to the right; `size`: metres at the shoulder, `stride`: its gait in radians."""
    s = size
    for hip, phase, shade in ((-0.42, 0.0, 0.75), (0.36, math.pi, 0.75), (-0.38, math.pi, 1.0), (0.4, 0.0, 1.0)):
        step = 0.16 * math.sin(stride + phase) * s
        board.stroke(
            [(hip * s, 0.55 * s), (hip * s + step * 0.4, 0.28 * s), (hip * s + step, 0.04 * s)],
            0.11 * s,
            coat[0],
            shade,
        )
        board.stroke([(hip * s + step, 0.035 * s), (hip * s + step + 0.06 * s, 0.03 * s)], 0.07 * s, coat[1], shade)
    wag = 0.1 * math.sin(stride * 2)
    board.stroke([(-0.55 * s, 0.8 * s), (-0.75 * s, 0.98 * s), (-(0.82 + wag) * s, 1.16 * s)], 0.075 * s, coat[1])
    body = [
        (-0.6 * s, 0.52 * s),
        (0.1 * s, 0.42 * s),
        (0.58 * s, 0.5 * s),
        (0.6 * s, 0.95 * s),
        (0.0, 0.9 * s),
        (-0.62 * s, 0.9 * s),
    ]
    board.polygon(rounded(body), coat[0])
    board.polygon(rounded([(x * 0.8, y * 0.6 + 0.34 * s) for x, y in body]), blend(coat[0], (255, 255, 255), 0.12))
    board.stroke([(0.5 * s, 0.84 * s), (0.68 * s, 1.12 * s)], 0.24 * s, coat[0])
    board.stroke([(0.41 * s, 0.8 * s), (0.6 * s, 0.84 * s)], 0.06 * s, (206, 60, 54))
    board.ellipse((0.74 * s, 1.2 * s), (0.19 * s, 0.17 * s), coat[0])
    board.stroke([(0.82 * s, 1.15 * s), (1.0 * s, 1.12 * s)], 0.14 * s, coat[0], 1.05)
    board.ellipse((1.07 * s, 1.15 * s), (0.045 * s, 0.04 * s), (30, 26, 26))
    board.polygon(
        rounded([(0.58 * s, 1.34 * s), (0.7 * s, 1.3 * s), (0.68 * s, 1.02 * s), (0.56 * s, 1.06 * s)]), coat[1]
    )
    if board.scale * s > 30:
        board.ellipse((0.82 * s, 1.24 * s), (0.028 * s, 0.03 * s), (26, 22, 22))


def draw_light_pole(board: Billboard, height: float, reach: float) -> None:
    """Draw the pole of a traffic light; `reach` metres of arm toward the right carry it over the road."""
    board.stroke([(0.0, 0.0), (0.0, height)], 0.11, METAL, 0.8)
    board.stroke([(0.0, 0.05), (0.0, 0.5)], 0.2, METAL, 0.7)
    if abs(reach) > 0.1:
        board.stroke([(0.0, height - 0.3), (reach, height)], 0.09, METAL, 0.8)


def draw_light_head(board: Billboard, centre: Point2, lit: int) -> None:
    """Draw the three lamps of a traffic light; `lit` counts from red, `centre` is in metres from the pole's foot."""
    x, y = centre
    housing = [(x - 0.24, y - 0.62), (x + 0.24, y - 0.62), (x + 0.24, y + 0.62), (x - 0.24, y + 0.62)]
    board.polygon(rounded(housing, times=1), (46, 50, 52))
    inner = [(x - 0.18, y - 0.55), (x + 0.18, y - 0.55), (x + 0.18, y + 0.55), (x - 0.18, y + 0.55)]
    board.polygon(rounded(inner, times=1), (30, 32, 34))
    for lamp, colour in enumerate(LAMPS):
        middle = (x, y + 0.37 - 0.37 * lamp)
        if lamp == lit:
            board.stage.canvas.ellipse(board.at(*middle), 0.145 * board.scale, 0.145 * board.scale, colour)
            board.ellipse((middle[0] - 0.03, middle[1] + 0.03), (0.06, 0.06), blend(colour, (255, 255, 255), 0.7))
        else:
            board.ellipse(middle, (0.14, 0.14), blend(colour, (20, 20, 22), 0.74))
        board.stroke(
            [(x - 0.14, middle[1] + 0.13), (x, middle[1] + 0.165), (x + 0.14, middle[1] + 0.13)], 0.035, (24, 25, 27)
        )


def draw_sign_pole(board: Billboard, height: float) -> None:
    """Draw the pole of a traffic sign."""
    board.stroke([(0.0, 0.0), (0.0, height)], 0.07, (150, 154, 158), 0.85)


def draw_sign(board: Billboard, sign: Sign, up: float) -> None:
    """Draw the plate of a traffic sign around a point `up` metres over the pole's foot."""
    white, red, blue = (244, 244, 240), (206, 38, 44), (36, 92, 176)
    if sign is Sign.STOP:
        board.polygon(_corners(8, 0.46, up, math.pi / 8), white)
        board.polygon(_corners(8, 0.42, up, math.pi / 8), red)
        for i in range(4):
            board.stroke([(-0.24 + i * 0.16, up - 0.1), (-0.24 + i * 0.16, up + 0.1)], 0.06, white)
    elif sign is Sign.YIELD:
        board.polygon(rounded(_corners(3, 0.5, up + 0.08, -math.pi / 2), times=1), red)
        board.polygon(rounded(_corners(3, 0.31, up + 0.08, -math.pi / 2), times=1), white)
    elif sign is Sign.SPEED:
        board.ellipse((0.0, up), (0.42, 0.42), red)
        board.ellipse((0.0, up), (0.33, 0.33), white)
        board.stroke(
            [(-0.17, up + 0.13), (-0.05, up + 0.13), (-0.12, up), (-0.05, up - 0.06), (-0.16, up - 0.14)],
            0.055,
            (30, 30, 34),
        )
        board.stroke(
            [(0.07, up + 0.12), (0.18, up + 0.08), (0.18, up - 0.1), (0.08, up - 0.13), (0.07, up + 0.12)],
            0.05,
            (30, 30, 34),
        )
    elif sign is Sign.NO_ENTRY:
        board.ellipse((0.0, up), (0.43, 0.43), white)
        board.ellipse((0.0, up), (0.4, 0.4), red)
        board.stroke([(-0.24, up), (0.24, up)], 0.15, white)
    elif sign is Sign.CROSSING:
        board.polygon(
            rounded([(-0.42, up - 0.42), (0.42, up - 0.42), (0.42, up + 0.42), (-0.42, up + 0.42)], times=1), blue
        )
        board.polygon([(-0.34, up - 0.3), (0.34, up - 0.3), (0.0, up + 0.34)], white)
        board.ellipse((0.02, up + 0.12), (0.05, 0.05), (30, 30, 34))
        board.stroke([(0.0, up + 0.04), (0.0, up - 0.1), (0.1, up - 0.24)], 0.05, (30, 30, 34))
        board.stroke([(0.0, up - 0.1), (-0.1, up - 0.24)], 0.05, (30, 30, 34))
    else:
        board.ellipse((0.0, up), (0.42, 0.42), white)
        board.ellipse((0.0, up), (0.39, 0.39), blue)
        board.stroke([(0.0, up - 0.22), (0.0, up + 0.12)], 0.08, white)
        board.polygon([(-0.16, up + 0.06), (0.16, up + 0.06), (0.0, up + 0.27)], white)


def _corners(count: int, radius: float, up: float, start: float) -> list[Point2]:
    angles = [start + i * math.tau / count for i in range(count)]
    return [(radius * math.cos(a), up + radius * math.sin(a)) for a in angles]
