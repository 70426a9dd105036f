"""The Hub against a web server of the test's own."""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pixmill import Client
from pixmill.errors import NotFound, PixmillError
from pixmill.inference.families import all_families
from pixmill_server.model_registry.hub import read_hub
from pixmill_server.settings import Settings, read_settings
from tests.running_server import RunningServer, serve

MODEL = b"\x08\x08\x12\x01t\x3a\x00" + b"\x12\x80\x80\x80\x01" + b"p" * (2 << 20)
OTHER = MODEL[:-1] + b"q"


class Mirror(BaseHTTPRequestHandler):
    """Answers well, or badly in the way that the path says."""

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/good")
            self.end_headers()
            return
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        body = {"/changed": OTHER, "/longer": MODEL + b"more"}.get(self.path, MODEL)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/truncated" else body)

    def log_message(self, *_: object) -> None:
        """Be silent."""


@dataclass(frozen=True, slots=True)
class World:
    server: RunningServer
    client: Client


@pytest.fixture
def mirror() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()
        thread.join()


@pytest.fixture
def world(mirror: str, tmp_path: Path) -> Iterator[World]:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    entry = {
        "title": "A model",
        "task": "detection",
        "framework": "onnx",
        "family": "yolox",
        "licence": "Apache-2.0",
        "licence_url": "http://licence.test",
        "file": "model.onnx",
        "sha256": hashlib.sha256(MODEL).hexdigest(),
        "size_bytes": len(MODEL),
        "labels": "two",
        "parameters": {"input_size": [416, 416]},
    }
    models = [
        {**entry, "name": name, "address": f"{mirror}/{name}"}
        for name in ("good", "moved", "changed", "longer", "truncated", "missing")
    ]
    models.append({**entry, "name": "offline", "address": f"{closed}/model.onnx"})
    hub = tmp_path / "hub.json"
    hub.write_text(json.dumps({"labels": {"two": ["person", "car"]}, "models": models}))
    settings: Settings = replace(read_settings({"PIXMILL_DATA": str(tmp_path / "data")}), hub=hub)
    with serve(settings) as server, Client(server.url, server.owner.token) as client:
        yield World(server, client)


@pytest.mark.parametrize("name", ["good", "moved"])
def test_a_model_is_brought_in_with_progress_and_all_that_is_known_of_it(world: World, name: str) -> None:
    seen: list[tuple[int, int]] = []
    version = world.client.hub.pull(name, progress=lambda received, total: seen.append((received, total)))
    assert (version.model, version.licence, version.labels) == (name, "Apache-2.0", ["person", "car"])
    assert (version.family, version.source) == ("yolox", f"hub:{name}")
    assert seen[0] == (0, len(MODEL))
    assert seen[-1] == (len(MODEL), len(MODEL))
    assert world.client.models.version(name) == version


def test_bringing_it_in_again_changes_nothing(world: World) -> None:
    assert world.client.hub.pull("good") == world.client.hub.pull("good")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("changed", "has the SHA-256"),
        ("longer", "sends more than"),
        ("truncated", "could not be read|ended after"),
        ("missing", "answered 404"),
        ("offline", "could not be read"),
    ],
)
def test_what_is_not_as_it_was_signed_off_leaves_nothing_behind(world: World, name: str, why: str) -> None:
    before = _stored(world)
    with pytest.raises(PixmillError, match=why) as failed:
        world.client.hub.pull(name)
    assert failed.value.code == "download-failed"
    assert failed.value.hint
    assert list(world.client.models.list()) == []
    assert _stored(world) == before


def test_a_name_that_is_not_on_the_list_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="no Hub model 'moon'"):
        world.client.hub.pull("moon")


def test_the_list_that_pixmill_carries_is_whole() -> None:
    hub = read_hub()
    assert {model.licence for model in hub.models} == {"Apache-2.0"}
    assert all(model.address.startswith("https://") for model in hub.models)
    assert len({model.sha256 for model in hub.models}) == len(hub.models) >= 3
    assert all(len(hub.labels_of(model)) == 80 for model in hub.models)
    assert {model.family for model in hub.models} <= set(all_families())


def _stored(world: World) -> set[Path]:
    objects = world.server.services.settings.data / "objects"
    return {path for path in objects.rglob("*") if path.is_file()}
