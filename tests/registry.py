"""A registry of container images of the tests' own, and what may go wrong between it and an engine."""

import hashlib
import http.client
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.free_port import free_port
from tests.podman import Podman, load
from tests.real_services import missing

CONFIGURATION = """
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
START_SECONDS = 240
PIECE_BYTES = 4 << 10
LARGE_BYTES = 1 << 20
PASSED_ON = ("Accept", "Range")


class Blobs(StrEnum):
    """What becomes of the large files that a registry sends."""

    WHOLE = "whole"
    SLOW = "slow"
    """Piece by piece, until something else is said."""
    CUT = "cut"
    """The connection ends in their middle."""
    WRONG = "wrong"
    """Their last byte is another."""


@dataclass(slots=True)
class Registry:
    """Distribution, from Debian, behind a front that engines speak with."""

    port: int
    """Where it listens itself."""
    blobs: Blobs = Blobs.WHOLE
    front: int = 0
    given_up: threading.Event = field(default_factory=threading.Event)
    """Set where an engine has hung up while a slow file was on its way."""

    def push(self, podman: Podman, name: str, archive: bytes) -> str:
        """Store an image, and forget it here; the name by which an engine finds it behind the front."""
        here, _, tag = f"127.0.0.1:{self.port}/{name}".rpartition(":")
        image_id = load(podman.client, archive, f"{here}:{tag}")
        said = list(podman.client.api.push(here, tag=tag, stream=True, decode=True))
        assert not [line for line in said if "error" in line], said
        podman.client.images.remove(image_id, force=True)
        return f"127.0.0.1:{self.front}/{name}"

    def digest(self, name: str) -> str:
        """What a tag means now: `sha256:...`."""
        path, _, tag = name.rpartition(":")
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        kinds = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        connection.request("GET", f"/v2/{path}/manifests/{tag}", headers={"Accept": kinds})
        return f"sha256:{hashlib.sha256(connection.getresponse().read()).hexdigest()}"


@pytest.fixture(scope="session")
def registry_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a registry that nothing goes wrong with."""
    program = shutil.which("docker-registry")
    if program is None:
        missing("registry", "no docker-registry on PATH (Debian: apt-get install docker-registry)")
    folder = tmp_path_factory.mktemp("registry")
    port = free_port()
    (folder / "config.yml").write_text(CONFIGURATION.format(folder=folder / "images", port=port))
    with (folder / "output.log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
        try:
            _wait_for(port, process, folder / "output.log")
            yield port
        finally:
            process.terminate()
            process.wait(START_SECONDS)


@pytest.fixture
def registry(registry_process: int) -> Iterator[Registry]:
    """Empty as far as names matter: each test has a front, and so an address, of its own."""
    registry = Registry(registry_process)
    with _front(registry):
        yield registry
        registry.blobs = Blobs.WHOLE


@contextmanager
def _front(registry: Registry) -> Iterator[None]:
    handler = type("Handler", (_Front,), {"registry": registry})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    registry.front = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Front(BaseHTTPRequestHandler):
    """Passes reads on, as they are or not."""

    registry: ClassVar[Registry]

    def do_GET(self) -> None:
        self._pass_on()

    def do_HEAD(self) -> None:
        self._pass_on()

    def log_message(self, *_: Any) -> None:
        """Nothing: a test says what it needs to."""

    def _pass_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.registry.port)
        asked = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        connection.request(self.command, self.path, headers=asked)
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name not in {"Connection", "Date", "Server"}:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            with suppress(OSError):
                self._send(answer.read(), is_blob="/blobs/" in self.path)
        connection.close()

    def _send(self, content: bytes, *, is_blob: bool) -> None:
        blobs = self.registry.blobs if is_blob and len(content) >= LARGE_BYTES else Blobs.WHOLE
        match blobs:
            case Blobs.CUT:
                content = content[: len(content) // 2]
            case Blobs.WRONG:
                content = content[:-1] + bytes([content[-1] ^ 1])
            case Blobs.SLOW:
                content = self._send_slowly(content)
            case Blobs.WHOLE:
                pass
        self.wfile.write(content)

    def _send_slowly(self, content: bytes) -> bytes:
        """What is left of it once it need not be slow any more; the last piece always is."""
        sent = 0
        while self.registry.blobs is Blobs.SLOW and sent + PIECE_BYTES < len(content):
            try:
                self.wfile.write(content[sent : sent + PIECE_BYTES])
            except OSError:
                self.registry.given_up.set()
                raise
            sent += PIECE_BYTES
            time.sleep(0.2)
        return content[sent:]


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        with suppress(OSError):
            connection.request("GET", "/v2/")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        time.sleep(0.05)
    missing("registry", f"docker-registry does not start: {log.read_text()[-300:]}")
