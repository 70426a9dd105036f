"""Shapes that are moved exactly as the pixels of their image."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pixmill.annotations import (
    BoundingBox,
    Classification,
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
)
from pixmill.annotations.rle import compress, decompress
from pixmill.annotations.symmetries import Symmetry

WIDTH, HEIGHT = 7, 5
ALL = [Symmetry(mirrored, quarters) for mirrored in (False, True) for quarters in range(4)]
SHAPES: list[Shape] = [
    Classification(),
    BoundingBox(1, 2, 3, 1.5),
    RotatedBox(3, 2, 4, 1, 30),
    Polygon((Ring(((0, 0), (4, 0), (4, 3))), Ring(((1, 0.5), (2, 0.5), (2, 1)), hole=True))),
    Mask(HEIGHT, WIDTH, compress([3, 4, 20, 8])),
    Line(((0, 0), (6.5, 2))),
    Point(0, 5),
    Keypoints((Keypoint(1, 2, Visibility.VISIBLE), Keypoint(0, 0, Visibility.NOT_LABELED)), BoundingBox(0, 1, 2, 3)),
]


def pixels(mask: Mask) -> NDArray[np.int64]:
    runs = decompress(mask.counts)
    return np.repeat(np.arange(len(runs)) % 2, runs).reshape(mask.width, mask.height).T


def drawn(box: BoundingBox, width: int, height: int) -> NDArray[np.uint8]:
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[int(box.y) : int(box.y + box.height), int(box.x) : int(box.x + box.width)] = 255
    return image


@pytest.mark.parametrize("symmetry", ALL)
def test_a_box_is_where_its_pixels_went(symmetry: Symmetry) -> None:
    box = BoundingBox(1, 2, 3, 1)
    moved = symmetry.image(drawn(box, WIDTH, HEIGHT))
    found = symmetry.shape(box, width=WIDTH, height=HEIGHT)
    assert isinstance(found, BoundingBox)
    assert (moved == drawn(found, moved.shape[1], moved.shape[0])).all()


@pytest.mark.parametrize("symmetry", ALL)
def test_a_mask_has_the_pixels_that_its_image_has(symmetry: Symmetry) -> None:
    for seed in range(20):
        ones = np.random.default_rng(seed).integers(0, 2, (HEIGHT, WIDTH), dtype=np.uint8)
        flat = ones.T.ravel()
        lengths = np.diff(np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]))).tolist()
        mask = Mask(HEIGHT, WIDTH, compress([0, *lengths] if flat[0] else lengths))
        assert (pixels(mask) == ones).all()
        found = symmetry.shape(mask, width=WIDTH, height=HEIGHT)
        assert isinstance(found, Mask)
        image = symmetry.image(np.repeat(ones[:, :, None], 3, axis=2))
        assert (found.height, found.width) == image.shape[:2]
        assert (pixels(found) == image[:, :, 0]).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_four_quarters_and_two_mirrors_bring_a_shape_back(shape: Shape) -> None:
    turned, width, height = shape, WIDTH, HEIGHT
    for _ in range(4):
        turned = Symmetry(quarter_turns=1).shape(turned, width=width, height=height)
        width, height = height, width
    mirror = Symmetry(mirrored=True)
    assert turned == shape
    assert mirror.shape(mirror.shape(shape, width=WIDTH, height=HEIGHT), width=WIDTH, height=HEIGHT) == shape


def test_a_polygon_and_the_hole_in_it_are_turned_clockwise_and_mirrored() -> None:
    polygon = Polygon((Ring(((0, 0), (4, 0), (4, 3))), Ring(((1, 0.5), (2, 0.5), (2, 1)), hole=True)))
    turned = Polygon((Ring(((5, 0), (5, 4), (2, 4))), Ring(((4.5, 1), (4.5, 2), (4, 2)), hole=True)))
    mirrored = Polygon((Ring(((7, 0), (3, 0), (3, 3))), Ring(((6, 0.5), (5, 0.5), (5, 1)), hole=True)))
    assert Symmetry(quarter_turns=1).shape(polygon, width=WIDTH, height=HEIGHT) == turned
    assert Symmetry(mirrored=True).shape(polygon, width=WIDTH, height=HEIGHT) == mirrored


@pytest.mark.parametrize("symmetry", ALL)
def test_the_corners_of_a_rotated_box_go_where_its_points_go(symmetry: Symmetry) -> None:
    box = RotatedBox(3, 2, 4, 1, 30)
    corners = Line(tuple(corners_of(box)))
    moved, found = (symmetry.shape(shape, width=WIDTH, height=HEIGHT) for shape in (corners, box))
    assert isinstance(moved, Line)
    assert isinstance(found, RotatedBox)
    assert sorted(np.round(moved.points, 9).tolist()) == sorted(np.round(corners_of(found), 9).tolist())


def corners_of(box: RotatedBox) -> list[tuple[float, float]]:
    cos, sin = np.cos(np.deg2rad(box.angle)), np.sin(np.deg2rad(box.angle))
    return [
        (box.center_x + x * cos - y * sin, box.center_y + x * sin + y * cos)
        for x in (-box.width / 2, box.width / 2)
        for y in (-box.height / 2, box.height / 2)
    ]


def test_points_go_to_the_other_side_and_what_was_not_labeled_stays_so() -> None:
    mirror = Symmetry(mirrored=True)
    points = Keypoints((Keypoint(1, 2, Visibility.HIDDEN), Keypoint(0, 0, Visibility.NOT_LABELED)))
    assert mirror.shape(Point(1, 2), width=WIDTH, height=HEIGHT) == Point(6, 2)
    assert Symmetry(quarter_turns=1).shape(Point(1, 2), width=WIDTH, height=HEIGHT) == Point(3, 1)
    assert mirror.shape(points, width=WIDTH, height=HEIGHT) == Keypoints(
        (Keypoint(6, 2, Visibility.HIDDEN), Keypoint(0, 0, Visibility.NOT_LABELED))
    )
