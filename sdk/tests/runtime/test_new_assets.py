"""Assets that a Processing adds: what an author may give, and the files that come of it."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from pixmill.annotations import Point
from pixmill.authoring import Asset, Change, LabeledShape
from pixmill.errors import InvalidInput, PixmillError, ProcessingError
from pixmill.runtime.batches import require_few
from pixmill.runtime.new_assets import MOST_ADDED, ready

ASSET = Asset("asset-1", "a.jpg", 4, 3)
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".webp", "WEBP"), (".JPG", "JPEG")])
def test_pixels_become_a_file_of_the_kind_that_the_path_says(suffix: str, kind: str) -> None:
    (new,) = ready(ASSET.derive(f"new{suffix}", PIXELS), new_version="empty").added
    with Image.open(io.BytesIO(bytes(new.image))) as opened:
        assert (opened.format, opened.size) == (kind, (4, 3))
        if kind != "JPEG":
            assert (np.asarray(opened) == PIXELS).all()


def test_the_bytes_of_a_file_are_taken_as_they_are() -> None:
    (new,) = ready(ASSET.derive("new.tif", b"whatever"), new_version="fork").added
    assert (new.image, new.metadata) == (b"whatever", {"derived_from": "a.jpg"})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ASSET.derive("../new.png", PIXELS), "cannot be at '../new.png'"),
        (lambda: ASSET.derive("/new.png", PIXELS), "cannot be at '/new.png'"),
        (lambda: ASSET.derive("new", PIXELS), "does not say what the image is to be encoded as"),
        (lambda: ASSET.derive("new.png", PIXELS.astype(float)), "is float64"),
        (lambda: ASSET.derive("new.png", PIXELS[:, :, 0]), r"is uint8 \(3, 4\)"),
        (lambda: ASSET.derive("new.png", PIXELS[:0]), "has no pixels"),
        (lambda: LabeledShape(Point(1, 2), ""), "needs a Label"),
    ],
)
def test_what_is_no_image_at_no_path_is_refused_where_it_is_made(make: Callable[[], object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        make()


@pytest.mark.parametrize(
    ("change", "new_version", "said"),
    [
        (ASSET.derive("new.png", PIXELS), "", "makes no version to add it to"),
        (ASSET.tag("night"), "empty", "it begins empty"),
        (ASSET.derive("new.png", b""), "fork", "has 0 bytes"),
    ],
)
def test_what_the_run_has_no_place_for_is_refused(change: Change, new_version: str, said: str) -> None:
    with pytest.raises(ProcessingError, match=said):
        ready(change, new_version=new_version)


def test_metadata_that_is_no_json_is_refused_and_so_are_too_many_assets() -> None:
    with pytest.raises(TypeError):
        ready(ASSET.derive("new.png", PIXELS, metadata={"shape": object()}), new_version="fork")
    with pytest.raises(PixmillError, match="were made of one"):
        require_few([ASSET.derive("new.png", PIXELS)] * (MOST_ADDED + 1))
