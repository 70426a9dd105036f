"""Made-up annotated images for the round trips of every format."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from pixmill.annotations import (
    AnnotationColumns,
    AnnotationRow,
    BoundingBox,
    Classification,
    ColumnsBuilder,
    Keypoint,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Ring,
    RotatedBox,
    Shape,
    Visibility,
    rows_of,
)
from pixmill.annotations.rle import compress
from pixmill.formats import FormatImage, FormatLabel

WIDTH, HEIGHT = 64, 48


@dataclass(frozen=True, slots=True)
class Drawn:
    """Images, labels and annotations that belong together."""

    images: list[FormatImage]
    labels: list[FormatLabel]
    columns: AnnotationColumns


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 4))


def points(least: int) -> st.SearchStrategy[tuple[tuple[float, float], ...]]:
    point = st.tuples(numbers(0, WIDTH), numbers(0, HEIGHT))
    return st.lists(point, min_size=least, max_size=6).map(tuple)


@st.composite
def boxes(draw: st.DrawFn) -> BoundingBox:
    x, y = draw(numbers(0, WIDTH)), draw(numbers(0, HEIGHT))
    return BoundingBox(x, y, draw(numbers(0, WIDTH - x)), draw(numbers(0, HEIGHT - y)))


@st.composite
def masks(draw: st.DrawFn) -> Mask:
    cuts = sorted(draw(st.sets(st.integers(0, WIDTH * HEIGHT), max_size=9)))
    runs = np.diff([0, *cuts, WIDTH * HEIGHT])
    return Mask(HEIGHT, WIDTH, compress(runs))


def outlines() -> st.SearchStrategy[Ring]:
    return points(3).map(Ring)


def polygons() -> st.SearchStrategy[Polygon]:
    others = st.lists(st.builds(Ring, points(3), st.booleans()), max_size=3)
    return st.builds(lambda first, more: Polygon((first, *more)), outlines(), others)


def keypoints() -> st.SearchStrategy[Keypoints]:
    point = st.builds(Keypoint, numbers(0, WIDTH), numbers(0, HEIGHT), st.sampled_from(Visibility))
    return st.builds(Keypoints, st.lists(point, min_size=3, max_size=3).map(tuple), boxes())


def any_shape() -> st.SearchStrategy[Shape]:
    side = numbers(0, WIDTH)
    return st.one_of(
        st.just(Classification()),
        boxes(),
        st.builds(RotatedBox, side, side, side, side, numbers(-180, 180)),
        polygons(),
        masks(),
        st.builds(Line, points(2)),
        st.builds(Point, side, side),
        keypoints(),
    )


def attributes() -> st.SearchStrategy[dict[str, object]]:
    value = st.one_of(st.integers(-9, 9), st.text(max_size=4), st.booleans(), st.none(), st.just([1, {"a": None}]))
    return st.dictionaries(st.sampled_from(["occluded", "iscrowd", "note", "größe"]), value, max_size=2)


@st.composite
def drawings(draw: st.DrawFn, shapes: st.SearchStrategy[Shape], *, plain: bool = False) -> Drawn:
    """Some images in the order of their paths, with annotations; `plain`: nothing but shapes."""
    stems = sorted(draw(st.sets(st.text("abcé ._-NaN", min_size=1, max_size=5).map(_stem), min_size=1, max_size=4)))
    names = draw(st.lists(st.text(min_size=1, max_size=6).map(_label), min_size=1, max_size=4, unique=True))
    images = [FormatImage(f"{stem}.png", width=WIDTH, height=HEIGHT, external_id=at) for at, stem in enumerate(stems)]
    builder = ColumnsBuilder()
    identity = 0
    for image in images:
        for shape in draw(st.lists(shapes, max_size=3)):
            identity += 1
            label = draw(st.sampled_from(names))
            if plain:
                builder.append(image.path, label, shape)
                continue
            builder.append(
                image.path,
                label,
                shape,
                score=draw(st.none() | numbers(0, 1)),
                area=draw(st.none() | numbers(0, 9999)),
                attributes=draw(attributes()),
                external_id=identity,
            )
    return Drawn(images, [FormatLabel(name, external_id=at + 1) for at, name in enumerate(names)], builder.build())


def rows_by_asset(parts: Sequence[AnnotationColumns]) -> list[AnnotationRow]:
    """All rows, ordered by asset and imported id."""
    return sorted((row for part in parts for row in rows_of(part)), key=lambda row: (row.asset, row.external_id))


def _stem(text: str) -> str:
    return "i" + text.strip(". ").replace("..", "_") + "m"


def _label(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable()).strip() or "label"
