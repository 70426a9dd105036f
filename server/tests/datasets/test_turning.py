"""Shapes are turned as their photograph is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from pixmill.annotations import (
    BoundingBox,
    Classification,
    ColumnsBuilder,
    Keypoint,
    Keypoints,
    Mask,
    Point,
    Polygon,
    Ring,
    RotatedBox,
    Visibility,
    rows_of,
)
from pixmill.annotations.rle import compress, decompress
from pixmill_server.datasets.turning import turn

STORED_WIDTH, STORED_HEIGHT = 6, 4


def displayed(bitmap: np.ndarray, orientation: int) -> np.ndarray:
    """As Pillow turns it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(bitmap)
    image.info["exif"] = exif.tobytes()
    image.getexif()[0x0112] = orientation
    return np.asarray(ImageOps.exif_transpose(image))


def as_mask(bitmap: np.ndarray) -> Mask:
    flat = (bitmap > 0).T.reshape(-1).astype(int)
    ends = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], ends, [len(flat)]]))
    runs = np.concatenate([[0], lengths]) if flat[0] else lengths
    return Mask(bitmap.shape[0], bitmap.shape[1], compress(runs))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@given(bits=st.lists(st.booleans(), min_size=24, max_size=24))
def test_a_mask_is_turned_as_pillow_turns_the_picture(orientation: int, bits: list[bool]) -> None:
    stored = np.array(bits, dtype=np.uint8).reshape(STORED_HEIGHT, STORED_WIDTH) * 255
    columns = ColumnsBuilder().append("a", "x", as_mask(stored)).append("b", "x", as_mask(stored)).build()
    first, second = rows_of(turn(columns, "a", orientation, STORED_HEIGHT, STORED_WIDTH))
    expected = as_mask(displayed(stored, orientation))
    assert isinstance(first.shape, Mask)
    assert (first.shape.height, first.shape.width) == (expected.height, expected.width)
    assert decompress(first.shape.counts).tolist() == decompress(expected.counts).tolist()
    assert second.shape == as_mask(stored)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_box_covers_the_same_pixels(orientation: int) -> None:
    stored = np.zeros((STORED_HEIGHT, STORED_WIDTH), dtype=np.uint8)
    stored[1:3, 0:5] = 255
    columns = ColumnsBuilder().append("a", "x", BoundingBox(0, 1, 5, 2)).build()
    (row,) = rows_of(turn(columns, "a", orientation, STORED_HEIGHT, STORED_WIDTH))
    ys, xs = np.nonzero(displayed(stored, orientation))
    assert row.shape == BoundingBox(int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1)


def test_every_kind_is_turned_by_a_quarter() -> None:
    builder = ColumnsBuilder()
    builder.append("a", "x", Classification())
    builder.append("a", "x", Point(1, 0))
    builder.append("a", "x", Polygon((Ring(((0, 0), (6, 0), (6, 4))),)))
    builder.append("a", "x", RotatedBox(3, 2, 4, 1, 30))
    joints = (Keypoint(1, 0, Visibility.VISIBLE), Keypoint(0, 0, Visibility.NOT_LABELED))
    builder.append("a", "x", Keypoints(joints, BoundingBox(0, 0, 2, 2)))
    shapes = [row.shape for row in rows_of(turn(builder.build(), "a", 6, STORED_HEIGHT, STORED_WIDTH))]
    assert shapes[0] == Classification()
    assert shapes[1] == Point(4, 1)
    assert shapes[2] == Polygon((Ring(((4, 0), (4, 6), (0, 6))),))
    assert shapes[3] == RotatedBox(2, 3, 4, 1, 120)
    turned = (Keypoint(4, 1, Visibility.VISIBLE), Keypoint(0, 0, Visibility.NOT_LABELED))
    assert shapes[4] == Keypoints(turned, BoundingBox(2, 0, 2, 2))


@pytest.mark.parametrize(("orientation", "back"), [(5, 5), (6, 8), (7, 7), (8, 6)])
def test_turned_there_and_back_is_as_it_was(orientation: int, back: int) -> None:
    box = RotatedBox(3, 1, 4, 2, 30)
    columns = ColumnsBuilder().append("a", "x", box).build()
    there = turn(columns, "a", orientation, STORED_HEIGHT, STORED_WIDTH)
    (row,) = rows_of(turn(there, "a", back, STORED_WIDTH, STORED_HEIGHT))
    assert row.shape == box
