"""Datasets and versions are renamed, deleted and compared, and Labels merged, over REST and from the command line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pixmill import Client
from pixmill.annotations import BoundingBox
from pixmill.client.imports import ImportOptions
from pixmill.errors import Conflict, InvalidInput, NotFound
from pixmill_server.datasets.edit import AddShape, EditBatch, save
from pixmill_server.settings import read_settings
from tests.running_server import RunningServer, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[RunningServer]:
    """One for all of them; each makes a Dataset of its own."""
    data = tmp_path_factory.mktemp("data")
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.url, server.member.token) as opened:
        yield opened


def run(server: RunningServer, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PIXMILL_URL": server.url, "PIXMILL_TOKEN": server.member.token}
    command = [sys.executable, "-c", "from pixmill.cli.main import main; main()", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, input=typed, check=False)


def annotated(server: RunningServer, client: Client, address: str, folder: Path) -> None:
    """Two images, a car on each, a bus on the first."""
    for name in ("a.png", "b.png"):
        Image.new("RGB", (64, 48)).save(folder / name)
    client.imports.run(folder, ImportOptions(address))
    client.labels.set(address, ["car", "bus"])
    ids = [asset.id for asset in client.assets.list(address)]
    boxes = [AddShape(asset_id, "car", BoundingBox(1, 2, 3, 4)) for asset_id in ids]
    batch = EditBatch([*boxes, AddShape(ids[0], "bus", BoundingBox(1, 2, 3, 4))])
    save(server.services.datasets, server.member.actor, client.versions.show(address).id, batch)


def test_labels_are_merged_and_the_difference_says_so(server: RunningServer, client: Client, tmp_path: Path) -> None:
    annotated(server, client, "merge/v1", tmp_path)
    done = run(server, "labels", "merge", "merge/v1", "bus", "--into", "car")
    assert (done.returncode, done.stderr) == (0, "car: 1 annotations came to it.\n")
    assert [(label.name, label.annotations) for label in client.labels.list("merge/v1")] == [("car", 3)]
    told = json.loads(run(server, "datasets", "diff", "merge/v1@4", "merge/v1", "--json").stdout)
    assert told["annotations"] == {"added": 0, "removed": 0, "changed": 1}
    assert [(label["name"], label["is_gone"]) for label in told["labels"]] == [("car", False), ("bus", True)]
    table = run(server, "datasets", "diff", "merge/v1@4", "merge/v1").stdout.splitlines()
    assert table[0] == "FROM merge/v1@4 TO merge/v1@5\tADDED\tREMOVED\tCHANGED"
    assert table[2:] == ["shapes\t0\t0\t1", "  car\t0\t0\t1", "  bus (removed)\t0\t0\t0"]
    with pytest.raises(NotFound, match="Label 'tram'"):
        client.labels.merge("merge/v1", ["tram"], "car")


def test_versions_of_two_datasets_are_not_compared(client: Client) -> None:
    client.versions.create("one/v1")
    client.versions.create("other/v1")
    with pytest.raises(InvalidInput, match="two Datasets"):
        client.versions.diff("one/v1", "other/v1")


def test_the_colour_of_a_label_is_changed(server: RunningServer, client: Client) -> None:
    client.versions.create("colour/v1")
    client.labels.set("colour/v1", ["car"])
    assert run(server, "labels", "color", "colour/v1", "car", "#00ff00").returncode == 0
    assert client.labels.list("colour/v1")[0].color == "#00ff00"


def test_a_dataset_and_its_version_are_renamed(server: RunningServer, client: Client) -> None:
    assert run(server, "datasets", "create", "old/v1").returncode == 0
    assert run(server, "datasets", "rename", "old/v1", "first").returncode == 0
    assert run(server, "datasets", "rename", "old", "new").returncode == 0
    assert client.versions.show("new/first").address == "new/first"
    with pytest.raises(NotFound):
        client.versions.show("old/first")
    client.datasets.create("held")
    with pytest.raises(Conflict, match="a dataset 'held' already"):
        client.datasets.rename("new", "held")


def test_a_version_is_deleted_after_one_question_and_a_locked_one_stays(server: RunningServer, client: Client) -> None:
    client.versions.create("gone/v1")
    client.versions.create("gone/v2")
    asked = run(server, "datasets", "rm", "gone/v1", typed="n\n")
    assert asked.returncode == 1
    assert "Delete gone/v1 (0 images)?" in asked.stderr
    assert run(server, "datasets", "rm", "gone/v1", typed="y\n").returncode == 0
    assert [version.name for version in client.datasets.show("gone").versions] == ["v2"]
    assert run(server, "datasets", "lock", "gone/v2").returncode == 0
    locked = run(server, "datasets", "rm", "gone", "--yes")
    assert locked.returncode == 1
    assert "The version 'v2' is locked." in locked.stderr
    assert run(server, "datasets", "unlock", "gone/v2").returncode == 0
    assert run(server, "datasets", "rm", "gone", "--yes").stderr == "Deleted gone (1 version, 0 images).\n"
    with pytest.raises(NotFound):
        client.datasets.show("gone")


def test_a_stranger_sees_no_dataset_of_ours(server: RunningServer, client: Client) -> None:
    client.versions.create("ours/v1")
    ours, version = client.datasets.show("ours"), client.versions.show("ours/v1")
    with Client(server.url, server.stranger.token) as stranger:
        for path in (f"/datasets/{ours.id}", f"/versions/{version.id}"):
            with pytest.raises(NotFound):
                stranger.connection.do("DELETE", path)
        with pytest.raises(NotFound):
            stranger.connection.do("GET", f"/versions/{version.id}/difference")
