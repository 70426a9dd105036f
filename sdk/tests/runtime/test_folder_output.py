"""What a command left in its output folder, and which of it is taken."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pixmill.annotations import BoundingBox
from pixmill.authoring import Asset
from pixmill.errors import PixmillError
from pixmill.runtime.folder_output import FolderOutput, OutputRefused, read_output
from pixmill.runtime.frames import FrameWriter
from pixmill.runtime.ledger import Ledger
from pixmill.runtime.results import LabelMap

PATHS = ("street-1.jpg", "street.jpg", "park/lake.png", "park/lake.jpg", "park/hill.png")
ASSETS = {path: Asset(f"id-of-{path}", path, 64, 48) for path in PATHS}
NO_ORIGIN = "images that are not made of exactly one of the Run, by their names or origins.json"
NOT_IN_RUN = "results of images that are not in this Run"


@pytest.fixture
def leave(tmp_path: Path) -> Callable[..., Path]:
    """Writes files below the output folder: bytes as they are, other things as JSON."""

    def write(files: dict[str, Any]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return tmp_path

    return write


def coco(*names: str) -> dict[str, Any]:
    """One box on each of the named images."""
    return {
        "images": [{"id": number, "file_name": name, "width": 64, "height": 48} for number, name in enumerate(names)],
        "categories": [{"id": 1, "name": "car"}],
        "annotations": [
            {"id": n + 1, "image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}
            for n in range(len(names))
        ],
    }


def made(output: FolderOutput) -> dict[str, list[str]]:
    return {origin: [each.path for each in images] for origin, images in output.made.items()}


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("street-1.png", "street-1.jpg"),
        ("flipped/street-1.flip.jpg", "street-1.jpg"),
        ("street-1_tile-0-3.png", "street-1.jpg"),
        ("street-10.png", "street.jpg"),
        ("copies/park/hill.2.webp", "park/hill.png"),
    ],
)
def test_a_new_image_is_made_of_the_one_whose_name_its_own_begins_with(
    path: str, origin: str, leave: Callable[..., Path]
) -> None:
    output = read_output(leave({f"images/{path}": b"image"}), ASSETS, "fork")
    assert made(output) == {origin: [path]}
    assert not output.left_out


@pytest.mark.parametrize("path", ["streets.png", "hill.png", "lake-2.png", "park/lake-2.png"])
def test_a_new_image_of_none_or_of_several_is_left_out_unless_the_output_says_of_which(
    path: str, leave: Callable[..., Path]
) -> None:
    folder = leave({f"images/{path}": b"image"})
    assert read_output(folder, ASSETS, "fork").left_out == {NO_ORIGIN: 1}
    leave({"origins.json": {path: "park/lake.png"}})
    assert made(read_output(folder, ASSETS, "fork")) == {"park/lake.png": [path]}
    leave({"origins.json": {path: "../park/lake.png"}})
    assert read_output(folder, ASSETS, "fork").left_out == {NO_ORIGIN: 1}


def test_coco_and_tags_speak_of_new_images_and_of_those_of_the_run(leave: Callable[..., Path]) -> None:
    folder = leave(
        {
            "images/a/street-1.png": b"image",
            "images/street-1.left.png": b"image",
            "annotations.json": coco("a/street-1.png", "images/street-1.left.png", "park/hill.png"),
            "tags.json": {"a/street-1.png": ["new"], "park/hill.png": ["old"]},
        }
    )
    output = read_output(folder, ASSETS, "fork")
    assert [(each.path, len(each.shapes), each.tags) for each in output.made["street-1.jpg"]] == [
        ("a/street-1.png", 1, ["new"]),
        ("street-1.left.png", 1, []),
    ]
    assert output.made["street-1.jpg"][0].shapes[0].shape == BoundingBox(1, 2, 3, 4)
    assert [(change.tags, len(change.shapes)) for change in output.changes["park/hill.png"]] == [((), 1), (("old",), 0)]
    assert not output.left_out


def test_a_version_that_begins_empty_takes_the_same_names_and_nothing_for_images_of_the_run(
    leave: Callable[..., Path],
) -> None:
    folder = leave({"images/street.jpg": b"image", "annotations.json": coco("street.jpg", "park/hill.png")})
    output = read_output(folder, ASSETS, "empty")
    assert [(each.path, len(each.shapes)) for each in output.made["street.jpg"]] == [("street.jpg", 1)]
    assert not output.changes
    assert output.left_out == {"results of images that the new version does not have, as it begins empty": 1}


@pytest.mark.parametrize(
    ("files", "left_out"),
    [
        ({"annotations.json": coco("missing.png")}, {NOT_IN_RUN: 1}),
        ({"tags.json": {"../street.jpg": ["up"]}}, {NOT_IN_RUN: 1}),
        (
            {"annotations.json": coco("../street.jpg", "street.jpg")},
            {
                "entries of the COCO file: its name leaves its folder with '..'": 1,
                "entries of the COCO file: the image it names is not in the file": 1,
            },
        ),
        (
            {"annotations.json": coco("street.jpg", "street.jpg")},
            {
                "entries of the COCO file: an image with this id or path came before": 1,
                "entries of the COCO file: the image it names is not in the file": 1,
            },
        ),
        ({"street.png": b"image"}, {"images that are not in the folder images": 1}),
    ],
)
def test_what_is_said_of_no_image_that_there_is_is_counted(
    files: dict[str, Any], left_out: dict[str, int], leave: Callable[..., Path]
) -> None:
    assert read_output(leave(files), ASSETS, "fork").left_out == left_out


def test_images_of_a_processing_that_makes_no_version_are_counted(leave: Callable[..., Path]) -> None:
    output = read_output(leave({"images/street.png": b"image"}), ASSETS, "")
    assert output.left_out == {"images, as this Processing makes no version to add them to (new_version)": 1}


def test_a_name_that_is_no_text_is_left_out(leave: Callable[..., Path]) -> None:
    folder = leave({"images/street.png": b"image"})
    Path(os.fsdecode(bytes(folder / "images") + b"/street.\xff.png")).write_bytes(b"image")
    output = read_output(folder, ASSETS, "fork")
    assert made(output) == {"street.jpg": ["street.png"]}
    assert output.left_out == {NO_ORIGIN: 1}


@pytest.mark.parametrize("name", ["images/street.png", "annotations.json", "images"])
def test_a_link_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to("/etc")
    with pytest.raises(OutputRefused, match="is a link"):
        read_output(tmp_path, ASSETS, "fork")


@pytest.mark.parametrize("content", [b"[]", b'{"a.png": 1}', b"no json"])
def test_origins_that_are_none_are_refused(content: bytes, leave: Callable[..., Path]) -> None:
    with pytest.raises(PixmillError, match=r"'origins\.json' is not what it should be"):
        read_output(leave({"origins.json": content}), ASSETS, "fork")


def test_an_asset_fails_alone_where_an_image_of_it_is_too_large_or_has_no_path_that_can_be(
    leave: Callable[..., Path],
) -> None:
    folder = leave({"images/street.png": b"image", "images/street-1.png": b"", "images/park/hill.\n.png": b"image"})
    os.truncate(folder / "images/street-1.png", 300 << 20)
    output = read_output(folder, ASSETS, "fork")
    with (folder / "frames").open("wb") as frames:
        ledger = Ledger(FrameWriter(frames.fileno()), LabelMap((), None), new_version="fork")
        ledger.begin_chunk(0, 3)
        for path in ("street.jpg", "street-1.jpg", "park/hill.png"):
            output.settle(ASSETS[path], 0, ledger)
    assert (ledger.done, ledger.failed) == (1, 2)
    said = (folder / "frames").read_bytes()
    assert b"an image that was made of it cannot be taken: 'street-1.png' has 314572800 bytes." in said
    assert b"An asset cannot be at 'park/hill." in said
