"""Shapes as SVG, in the display pixels of their asset. Values in, markup out; colours are the Labels'."""

from collections.abc import Sequence
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
            figure = _element("rect", x=shape.x, y=shape.y, width=shape.width, height=shape.height)
        case RotatedBox():
            figure = _rotated(shape)
        case Polygon(rings):
            figure = _path(" ".join(_trace(ring.points) + "Z" for ring in rings))
        case Mask():
            figure = _path("".join(f"M{x} {y}h1v{n}h-1Z" for x, y, n in strips(shape.counts, height=shape.height)))
        case Line(points):
            figure = _path(_trace(points), extra=' class="shape open"')
        case Point(x, y):
            figure = _element("circle", cx=x, cy=y, r=radius)
        case Keypoints(points):
            labeled = [point for point in points if point.visibility is not Visibility.NOT_LABELED]
            figure = Markup("").join(_element("circle", cx=p.x, cy=p.y, r=radius) for p in labeled)
        case other:
            assert_never(other)
    paint, told = escape(color), escape(title)
    # Put together as text: a grid draws thousands, and a template would escape what is escaped already.
    return Markup(f'<g class="shape" stroke="{paint}" fill="{paint}"><title>{told}</title>{figure}</g>')  # noqa: S704


def _element(tag: str, **numbers: float) -> Markup:
    attributes = " ".join([f'{name}="{value:g}"' for name, value in numbers.items()])
    return Markup(f'<{tag} vector-effect="non-scaling-stroke" {attributes}/>')  # noqa: S704 - our tags, and numbers


def _rotated(box: RotatedBox) -> Markup:
    upright = {"x": box.center_x - box.width / 2, "y": box.center_y - box.height / 2}
    attributes = " ".join(f'{name}="{value:g}"' for name, value in upright.items())
    turn = f"rotate({box.angle:g} {box.center_x:g} {box.center_y:g})"
    size = f'width="{box.width:g}" height="{box.height:g}"'
    return Markup(  # noqa: S704 - numbers only
        f'<rect vector-effect="non-scaling-stroke" {attributes} {size} transform="{turn}"/>'
    )


def _path(commands: str, *, extra: str = "") -> Markup:
    return Markup(  # noqa: S704 - numbers only
        f'<path vector-effect="non-scaling-stroke" fill-rule="evenodd" d="{commands}"{extra}/>'
    )


def _trace(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
