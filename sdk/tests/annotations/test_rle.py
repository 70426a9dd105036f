"""Run-length codes against pycocotools, the reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from pixmill.annotations import rle
from pixmill.errors import AnnotationError

bitmaps = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 1))


def encoded(bitmap: NDArray[np.uint8]) -> bytes:
    counts = coco_mask.encode(np.asfortranarray(bitmap))["counts"]
    assert isinstance(counts, bytes)
    return counts


@given(bitmaps)
def test_runs_are_those_of_the_reference(bitmap: NDArray[np.uint8]) -> None:
    counts = encoded(bitmap)
    runs = rle.decompress(counts)
    assert runs.sum() == bitmap.size
    assert rle.compress(runs) == counts


@given(bitmaps)
def test_strips_cover_exactly_the_ones(bitmap: NDArray[np.uint8]) -> None:
    counts = encoded(bitmap)
    drawn = np.zeros_like(bitmap)
    for x, y, length in rle.strips(counts, height=bitmap.shape[0]):
        drawn[y : y + length, x] += 1
    assert (drawn == bitmap).all()


def test_a_code_that_ends_inside_a_number_is_refused() -> None:
    with pytest.raises(AnnotationError, match="broken"):
        rle.decompress(b"_")


@given(st.binary(max_size=40))
def test_any_bytes_are_runs_or_refused(counts: bytes) -> None:
    try:
        runs = rle.decompress(counts)
    except AnnotationError:
        return
    assert (runs >= 0).all()
