"""The copies that `augment` makes, called as a Run calls it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pixmill.annotations import BoundingBox
from pixmill.authoring import Asset, Batch, LabeledShape, NewAsset, RgbImage
from pixmill.authoring.schema import find_processing, read_schema
from pixmill.errors import InvalidInput
from pixmill.runtime.bootstrap import load_module

SOURCE = Path(__file__).parents[1] / "augment.py"
SHAPE = LabeledShape(BoundingBox(1, 2, 3, 1), "car", 0.5, {"seen": True})
WIDTH, HEIGHT = 8, 6


def image() -> RgbImage:
    return np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def copies(path: str = "a/b.jpg", **parameters: Any) -> dict[str, NewAsset]:
    _, code = find_processing(load_module(SOURCE))
    asset = Asset("asset-1", path, WIDTH, HEIGHT, ("night",), (SHAPE,))
    changes = list(code(**parameters)(Batch((asset,), (image(),))))
    assert {change.asset_id for change in changes} == {"asset-1"}
    return {new.path: new for change in changes for new in change.added}


def test_it_makes_a_version_that_begins_as_the_one_it_reads() -> None:
    schema = read_schema(load_module(SOURCE))
    assert (schema["name"], schema["new_version"], schema["reads_annotations"]) == ("augment", "fork", True)


def test_a_copy_is_mirrored_with_its_shapes_and_says_what_it_was_made_of() -> None:
    (copy,) = copies().values()
    assert copy.path == "augmented/a/b.flip.jpg"
    assert np.array_equal(np.asarray(copy.image), image()[:, ::-1])
    assert copy.annotations == (LabeledShape(BoundingBox(4, 2, 3, 1), "car", 0.5, {"seen": True}),)
    assert (copy.tags, copy.metadata) == (("night",), {"derived_from": "a/b.jpg"})


def test_each_change_that_is_asked_for_is_a_copy_of_its_own() -> None:
    made = copies(flip_vertically=True, rotate="all", brightness=2.0, folder="")
    names = ("flip", "flip-vertically", "rotate-90", "rotate-180", "rotate-270", "brightness-2")
    assert list(made) == [f"a/b.{name}.jpg" for name in names]
    assert np.array_equal(np.asarray(made["a/b.flip-vertically.jpg"].image), image()[::-1])
    assert np.array_equal(np.asarray(made["a/b.rotate-90.jpg"].image), np.rot90(image(), -1))
    brighter = np.minimum(image().astype(int) * 2, 255)
    assert np.array_equal(np.asarray(made["a/b.brightness-2.jpg"].image), brighter)
    assert made["a/b.brightness-2.jpg"].annotations == (SHAPE,)
    assert made["a/b.rotate-90.jpg"].annotations[0].shape == BoundingBox(3, 1, 1, 3)


def test_what_cannot_be_written_again_becomes_a_png() -> None:
    assert list(copies("scan.tif")) == ["augmented/scan.tif.flip.png"]


def test_no_copy_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="No copy is asked for"):
        copies(flip=False)
