"""Processings over REST, as the SDK speaks it; environments are built by uv, from its cache where it has one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmill import Client
from pixmill.errors import InvalidInput, NotFound
from tests.running_server import RunningServer

SOURCE = '''
"""Tag dark images.

threshold: Below this mean brightness an image is dark.
"""

from collections.abc import Iterator
from typing import Annotated

from pixmill.authoring import Batch, Between, Change, processing


@processing(kind="tagging", batch_size=4)
class DarkTags:
    def __init__(self, *, threshold: Annotated[float, Between(0, 255)] = 40.0) -> None:
        self.threshold = threshold

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, image in zip(batch.assets, batch.images):
            if image.mean() < self.threshold:
                yield asset.tag("dark")
'''


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.url, server.owner.token) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "dark.py"
    path.write_text(SOURCE)
    return path


def test_the_built_in_ones_are_there_from_the_start(client: Client) -> None:
    found = {one.name: one for one in client.processings.list()}
    yolo = found["yolo-preannotation"]
    assert (yolo.public, yolo.kind, yolo.number) == (True, "pre-annotation", 1)
    assert {"confidence", "iou", "max_detections", "batch_size"} <= {
        str(parameter["name"]) for parameter in yolo.code_schema.parameters
    }
    assert "class YoloPreannotation" in client.processings.source("yolo-preannotation", 1)


def test_a_pushed_file_is_shown_as_a_built_in_one_is(client: Client, file: Path) -> None:
    pushed = client.processings.push(file)
    assert client.processings.show("dark-tags") == pushed
    assert (pushed.public, pushed.kind, pushed.number, pushed.title) == (False, "tagging", 1, "Tag dark images")
    assert [parameter["name"] for parameter in pushed.code_schema.parameters] == ["threshold", "batch_size"]
    assert client.processings.source("dark-tags", 1) == SOURCE


def test_the_same_file_again_changes_nothing_and_another_is_a_new_version(client: Client, file: Path) -> None:
    assert client.processings.push(file) == client.processings.push(file)
    file.write_text(SOURCE.replace("40.0", "50.0"))
    again = client.processings.push(file)
    assert [version.number for version in again.versions] == [2, 1]


def test_a_stranger_sees_public_ones_only(server: RunningServer, client: Client, file: Path) -> None:
    client.processings.push(file)
    with Client(server.url, server.stranger.token) as stranger:
        assert all(one.public for one in stranger.processings.list())
        with pytest.raises(NotFound):
            stranger.processings.show("dark-tags")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x = 1\n", "declares no Processing"),
        ("def broken(:\n", "cannot be imported"),
        ("raise RuntimeError('at the top')\n", "at the top"),
        ('# /// script\n# dependencies = ["pixmill"]\n# ///\n', "lists 'pixmill'"),
    ],
)
def test_a_file_that_is_none_is_refused_with_what_it_said(client: Client, file: Path, source: str, why: str) -> None:
    file.write_text(source)
    with pytest.raises(InvalidInput) as refused:
        client.processings.push(file)
    assert why in str(refused.value)
    assert all(one.public for one in client.processings.list())


def test_defaults_of_ones_own_are_checked_kept_and_taken_back(server: RunningServer, client: Client) -> None:
    name = "yolo-preannotation"
    assert client.processings.set(name, parameters={"batch_size": 16, "confidence": 0.5}).defaults == {
        "batch_size": 16,
        "confidence": 0.5,
    }
    assert client.processings.set(name, parameters={"confidence": None}).defaults == {"batch_size": 16}
    with Client(server.url, server.stranger.token) as stranger:
        assert stranger.processings.show(name).defaults == {}


@pytest.mark.parametrize(
    ("parameters", "why"), [({"confidence": 1.5}, "0 to 1"), ({"speed": 9}, "no Parameter 'speed'")]
)
def test_a_default_that_a_launch_would_refuse_is_refused(
    client: Client, parameters: dict[str, object], why: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        client.processings.set("yolo-preannotation", parameters=parameters)  # type: ignore[arg-type]  # on purpose
    assert why in str(refused.value)


def test_an_unknown_compute_is_refused(client: Client) -> None:
    with pytest.raises(NotFound, match="Compute 'moon'"):
        client.processings.set("yolo-preannotation", compute="moon")
