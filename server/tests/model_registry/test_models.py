"""The registry over REST, as the SDK speaks it."""

import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmill import Client
from pixmill.client.models import ModelDescription
from pixmill.errors import Conflict, InvalidInput, NotFound
from tests.running_server import RunningServer

DETECTOR = ModelDescription(task="detection", framework="onnx", labels=["person", "car"], licence="Apache-2.0")


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.url, server.owner.token) as opened:
        yield opened


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    """The shortest file that is an ONNX model by its fields: ir_version 8, producer "t", an empty graph."""
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"\x08\x08\x12\x01t\x3a\x00")
    return path


def test_a_pushed_model_is_found_by_address_name_and_id(client: Client, onnx: Path) -> None:
    pushed = client.models.push(onnx, "smart-city-yolo/1", DETECTOR)
    assert client.models.version("smart-city-yolo/1") == pushed
    assert client.models.version("smart-city-yolo") == pushed
    assert client.models.version(pushed.id) == pushed
    assert (pushed.labels, pushed.files[0].name, pushed.source) == (["person", "car"], "tiny.onnx", "push")


def test_without_a_version_the_next_number_is_taken(client: Client, onnx: Path) -> None:
    first = client.models.push(onnx, "yolo", DETECTOR)
    onnx.write_bytes(onnx.read_bytes() + b"\x28\x01")
    second = client.models.push(onnx, "yolo", DETECTOR)
    assert (first.version, second.version) == ("1", "2")
    (model,) = client.models.list()
    assert [version.version for version in model.versions] == ["2", "1"]


def test_the_very_same_push_again_changes_nothing(client: Client, onnx: Path) -> None:
    assert client.models.push(onnx, "yolo/1", DETECTOR) == client.models.push(onnx, "yolo/1", DETECTOR)


def test_a_version_never_changes(client: Client, onnx: Path) -> None:
    client.models.push(onnx, "yolo/1", DETECTOR)
    other = ModelDescription(task="detection", framework="onnx", labels=["car", "person"])
    with pytest.raises(Conflict, match="'yolo/1' already"):
        client.models.push(onnx, "yolo/1", other)


def test_a_stranger_sees_nothing_of_it(server: RunningServer, client: Client, onnx: Path) -> None:
    pushed = client.models.push(onnx, "yolo/1", DETECTOR)
    with Client(server.url, server.stranger.token) as stranger:
        assert list(stranger.models.list()) == []
        for address in ("yolo/1", "yolo", pushed.id):
            with pytest.raises(NotFound):
                stranger.models.version(address)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"not a model at all", "is not an ONNX model"),
        (b"", "it has no graph"),
        (b"\x08\x08", "it has no graph"),
        (b"\x3a\x7fshort", "it is cut off"),
    ],
)
def test_an_onnx_file_that_is_not_one_is_refused_by_name(client: Client, onnx: Path, content: bytes, why: str) -> None:
    onnx.write_bytes(content)
    with pytest.raises(InvalidInput, match=why) as refused:
        client.models.push(onnx, "yolo/1", DETECTOR)
    assert "tiny.onnx" in refused.value.message
    assert list(client.models.list()) == []


def test_pickles_are_refused_whatever_they_are_called(client: Client, onnx: Path) -> None:
    onnx.write_bytes(pickle.dumps({"weights": [1]}))
    with pytest.raises(InvalidInput, match="is pickled"):
        client.models.push(onnx, "yolo/1", DETECTOR)
    with zipfile.ZipFile(onnx, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    with pytest.raises(InvalidInput, match="is pickled"):
        client.models.push(onnx, "yolo/1", ModelDescription(task="detection", framework="other", labels=["person"]))


def test_a_tflite_file_that_is_not_one_is_refused(client: Client, onnx: Path) -> None:
    with pytest.raises(InvalidInput, match="not a TFLite model"):
        client.models.push(onnx, "yolo/1", ModelDescription(task="detection", framework="tflite", labels=["person"]))


@pytest.mark.parametrize(
    ("description", "why"),
    [
        (ModelDescription(task="detection", framework="onnx"), "--labels"),
        (ModelDescription(task="detection", framework="onnx", labels=["car", "car"]), "twice: car"),
        (ModelDescription(task="detection", framework="onnx", labels=["car", " "]), "empty"),
        (ModelDescription(task="Detect!", framework="onnx", labels=["car"]), "no task"),
    ],
)
def test_what_is_missing_or_wrong_is_named(client: Client, onnx: Path, description: ModelDescription, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        client.models.push(onnx, "yolo/1", description)
    assert why in str(refused.value)


@pytest.mark.parametrize("address", ["../etc/1", "a b/1", "yolo/../1", "/1"])
def test_names_that_are_none_are_refused(client: Client, onnx: Path, address: str) -> None:
    with pytest.raises(InvalidInput):
        client.models.push(onnx, address, DETECTOR)


def test_bytes_that_do_not_have_their_digest_are_not_kept(server: RunningServer, client: Client) -> None:
    digest = "0" * 64
    with pytest.raises(InvalidInput, match="have the digest"):
        client.connection.raw("PUT", f"/model-files/{digest}", content=b"something else")
    with pytest.raises(NotFound):
        client.connection.raw("GET", f"/model-files/{digest}")
    assert not list((server.services.settings.data / "objects" / "incoming").iterdir())


def test_a_file_that_was_sent_is_not_sent_again(server: RunningServer, client: Client, onnx: Path) -> None:
    client.models.push(onnx, "yolo/1", DETECTOR)
    object_file = next((server.services.settings.data / "objects" / "objects").rglob("*/*/*"))
    before = object_file.stat().st_mtime_ns
    client.models.push(onnx, "other/1", DETECTOR)
    assert object_file.stat().st_mtime_ns == before
