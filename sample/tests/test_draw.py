"""The drawn sample is the same every time, and its annotations are true to its pictures."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sample.street.geometry import signed_area
from sample.street.outline import box_of, polygons_of
from sample.street.plan import Label

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def document(drawn_sample: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((drawn_sample / "annotations.json").read_text(encoding="utf-8"))
    return read


def test_the_command_draws_the_same_bytes_as_the_sample(drawn_sample: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sample.draw", str(tmp_path), "--count", "5"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    again = sorted(path.relative_to(tmp_path) for path in (tmp_path / "images").iterdir())
    assert len(again) == 5
    assert all((tmp_path / name).read_bytes() == (drawn_sample / name).read_bytes() for name in again)


def test_there_are_at_least_sixty_pictures_and_no_two_are_equal(drawn_sample: Path, document: dict[str, Any]) -> None:
    files = [drawn_sample / image["file_name"] for image in document["images"]]
    assert len(files) >= 60
    assert len({file.read_bytes() for file in files}) == len(files)


def test_sizes_are_those_of_the_files(drawn_sample: Path, document: dict[str, Any]) -> None:
    for entry in document["images"]:
        with Image.open(drawn_sample / entry["file_name"]) as image:
            assert (image.width, image.height) == (entry["width"], entry["height"])


def test_every_box_is_inside_its_picture_and_has_an_area(document: dict[str, Any]) -> None:
    sizes = {image["id"]: (image["width"], image["height"]) for image in document["images"]}
    for annotation in document["annotations"]:
        x, y, w, h = annotation["bbox"]
        width, height = sizes[annotation["image_id"]]
        assert x >= 0
        assert y >= 0
        assert min(w, h, annotation["area"]) > 0
        assert x + w <= width
        assert y + h <= height


def test_polygons_cover_what_is_visible_and_stay_in_their_box(document: dict[str, Any]) -> None:
    for annotation in document["annotations"]:
        x, y, w, h = annotation["bbox"]
        outlines = [np.reshape(flat, (-1, 2)) for flat in annotation["segmentation"]]
        assert outlines
        for outline in outlines:
            assert (outline >= [x - 0.01, y - 0.01]).all()
            assert (outline <= [x + w + 0.01, y + h + 0.01]).all()
        covered = sum(abs(signed_area([(float(a), float(b)) for a, b in outline])) / 2 for outline in outlines)
        # Holes, small pieces and simplification make up the difference.
        assert 0.55 * annotation["area"] < covered < 1.9 * annotation["area"] + 12


def test_every_class_occurs_and_people_and_cars_most_of_all(document: dict[str, Any]) -> None:
    names = {category["id"]: category["name"] for category in document["categories"]}
    counts = Counter(names[annotation["category_id"]] for annotation in document["annotations"])
    assert set(counts) == {str(label) for label in Label}
    assert counts["person"] >= 200
    assert counts["car"] >= 100


def test_an_outline_is_that_of_the_pixels_it_was_made_from() -> None:
    mask = np.zeros((40, 60), bool)
    mask[5:30, 10:50] = True
    mask[5:15, 10:20] = False
    outlines = polygons_of(mask, tolerance=0.5, least_area=1)
    again = Image.new("1", (60, 40))
    # An outline runs between pixels; Pillow fills the pixels whose middle it holds.
    ImageDraw.Draw(again).polygon([(x - 0.5, y - 0.5) for x, y in outlines[0]], fill=1)
    assert box_of(mask) == (10, 5, 50, 30)
    assert len(outlines) == 1
    assert abs(signed_area(outlines[0])) / 2 == np.count_nonzero(mask) == 900
    assert np.count_nonzero(np.asarray(again) & mask) >= 860
