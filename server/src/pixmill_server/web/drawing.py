"""Shapes as SVG, in the display pixels of their asset. Values in, markup out; colours are the Labels'."""

from collections.abc import Sequence
from functools import lru_cache
from typing import assert_never

from markupsafe import Markup, escape

from pixmill.annotations import (
    BoundingBox,
    Classification,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    RotatedBox,
    Shape,
    Visibility,
)
from pixmill.annotations.rle import strips

POINT_RADIUS_SHARE = 0.006
"""Of the asset's longer side, so that a point is as easy to see in a large image as in a small one."""


def drawn(shape: Shape, *, color: str, title: str, longer_side: float) -> Markup:
    """One shape with its title (shown on hover and read aloud); empty for a class, which has no place."""
    radius = longer_side * POINT_RADIUS_SHARE
    match shape:
        case Classification():
            return Markup("")
        case BoundingBox():
            figure = _upright(shape.x, shape.y, shape.width, shape.height)
        case RotatedBox():
            figure = _rotated(shape)
        case Polygon(rings):
            figure = _path(" ".join(_trace(ring.points) + "Z" for ring in rings))
        case Mask():
            figure = _path("".join(f"M{x} {y}h1v{n}h-1Z" for x, y, n in strips(shape.counts, height=shape.height)))
        case Line(points):
            figure = _path(_trace(points), extra=' class="shape open"')
        case Point(x, y):
            figure = _dot(x, y, radius)
        case Keypoints(points):
            labeled = [point for point in points if point.visibility is not Visibility.NOT_LABELED]
            figure = "".join(_dot(p.x, p.y, radius) for p in labeled)
        case other:
            assert_never(other)
    paint, told = _escaped(color), _escaped(title)
    # Put together as text: a grid draws thousands, and a template would escape what is escaped already. The figure is
    # of our tags and numbers.
    return Markup(f'<g class="shape" stroke="{paint}" fill="{paint}"><title>{told}</title>{figure}</g>')  # noqa: S704


@lru_cache(maxsize=4096)
def _escaped(text: str) -> Markup:
    """Colours and titles come many times over."""
    return escape(text)


def _upright(x: float, y: float, width: float, height: float, *, extra: str = "") -> str:
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect vector-effect="non-scaling-stroke" {place}{extra}/>'


def _rotated(box: RotatedBox) -> str:
    turn = f' transform="rotate({box.angle:g} {box.center_x:g} {box.center_y:g})"'
    x, y = box.center_x - box.width / 2, box.center_y - box.height / 2
    return _upright(x, y, box.width, box.height, extra=turn)


def _dot(x: float, y: float, radius: float) -> str:
    return f'<circle vector-effect="non-scaling-stroke" cx="{x:g}" cy="{y:g}" r="{radius:g}"/>'


def _path(commands: str, *, extra: str = "") -> str:
    return f'<path vector-effect="non-scaling-stroke" fill-rule="evenodd" d="{commands}"{extra}/>'


def _trace(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
