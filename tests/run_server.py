"""A server of the Run protocol that keeps everything in memory, on a real socket: for tests of the supervisor alone."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec
from PIL import Image

from pixmill.annotations import AnnotationColumns, AnnotationRow, rows_of
from pixmill.environments import Environment

TOKEN: Final = "the-runs-own-token"
RUN: Final = "run_1"
FENCE: Final = 7
PATIENCE_SECONDS: Final = 240
"""Of tests that wait for a supervisor: long, because other tests may have the CPU."""
PREFIX: Final = f"/api/v1/runtime/runs/{RUN}/"


@dataclass(slots=True)
class FakeRun:
    """One Run: what the supervisor is told, and all that it said."""

    plan: dict[str, Any]
    chunks: list[dict[str, Any]]
    staged: dict[int, dict[str, Any]] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)
    """For a new version, by digest."""
    log: bytearray = field(default_factory=bytearray)
    events: list[dict[str, Any]] = field(default_factory=list)
    started: dict[str, Any] | None = None
    finished: dict[str, Any] | None = None
    beats: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    cancel: bool = False
    fence: int = FENCE
    claimed: int = 0
    wrong_tokens: int = 0
    silent_calls: int = 0
    """So many calls are answered with `silent_status` first."""
    silent_status: int = 503
    changed: Condition = field(default_factory=Condition)

    def wait_for(self, holds: Callable[["FakeRun"], object], *, seconds: float = PATIENCE_SECONDS) -> None:
        """Until something holds; fails the test where it does not come to hold."""
        with self.changed:
            assert self.changed.wait_for(lambda: holds(self), seconds), f"not within {seconds} s; log: {self.text}"

    @property
    def text(self) -> str:
        return self.log.decode(errors="replace")

    def rows(self) -> list[AnnotationRow]:
        packed = [chunk["annotations"] for chunk in self.staged.values() if chunk["annotations"]]
        return [row for columns in packed for row in rows_of(AnnotationColumns.from_bytes(columns))]

    def outcomes(self, kind: str) -> list[Any]:
        return [each for _, chunk in sorted(self.staged.items()) for each in chunk[kind]]


@contextmanager
def serving(run: FakeRun) -> Iterator[str]:
    """The address of a server that has this one Run."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(run))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def supervising(
    url: str,
    environment: Environment,
    source: Path,
    scratch: Path,
    *,
    sandbox: str = "auto",
    lease_seconds: float = 20,
    image: dict[str, Any] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A supervisor as the worker starts it; ended at the end, if it has not."""
    configuration = {
        "server_url": url,
        "run_id": RUN,
        "token": TOKEN,
        "fence": FENCE,
        "environment": str(environment.folder),
        "scratch": str(scratch),
        "sandbox": sandbox,
        "source": str(source),
        "lease_seconds": lease_seconds,
        "image": image,
    }
    process = subprocess.Popen([sys.executable, "-m", "pixmill.runtime"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(configuration).encode())
    process.stdin.close()
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def make_run(
    folder: Path,
    *,
    images: int = 20,
    chunk_size: int = 8,
    batch_size: int = 4,
    labels: Sequence[str] = ("car", "person"),
    form: str = "batch",
    **plan: Any,
) -> FakeRun:
    """A Run over drawn images; image 3 is `0003.jpg`, with id `asset-0003`."""
    folder.mkdir(parents=True, exist_ok=True)
    assets = [_draw(folder, number) for number in range(images)]
    chunks = [
        {"index": index, "assets": assets[first : first + chunk_size]}
        for index, first in enumerate(range(0, images, chunk_size))
    ]
    processing = {
        "name": "a-processing",
        "form": form,
        "entry": "Processing",
        "batch_size": batch_size,
        "code_digest": "",
        "source_url": "source",
    }
    told = {
        "job_id": "job_1",
        "run_id": RUN,
        "run_number": 1,
        "processing": processing,
        "parameters": {},
        "labels": list(labels),
        "version": "street/v1@1",
        "totals": {"assets": images, "chunks": len(chunks)},
        "limits": {"cpus": 1, "memory_bytes": 0},
        "heartbeat_seconds": 0.2,
        **plan,
    }
    return FakeRun(told, chunks)


def _draw(folder: Path, number: int) -> dict[str, Any]:
    path = folder / f"{number:04d}.jpg"
    Image.new("RGB", (64, 48), (number % 256, 100, 50)).save(path)
    return {
        "id": f"asset-{number:04d}",
        "path": path.name,
        "width": 64,
        "height": 48,
        "digest": "",
        "size_bytes": path.stat().st_size,
        "tags": [],
        "local_path": str(path),
        "url": f"objects/{number}",
    }


def _handler(run: FakeRun) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def do_PUT(self) -> None:
            self._answer("PUT")

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with run.changed:
                status, told = _answer(run, method, self.path, dict(self.headers), body)
                run.changed.notify_all()
            written = json.dumps(told).encode() if told is not None else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

    return Handler


def _answer(  # noqa: C901, PLR0912 - a table of the protocol's calls
    run: FakeRun, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, Any] | None]:
    if run.silent_calls:
        run.silent_calls -= 1
        return run.silent_status, {}
    if headers.get("Authorization") != f"Bearer {TOKEN}":
        run.wrong_tokens += 1
        return 401, {}
    if int(headers["Pixmill-Fence"]) != run.fence:
        return 409, {"type": "stale-fence"}
    asked = urlsplit(path)
    what = asked.path.removeprefix(PREFIX)
    match method, what.split("/"):
        case "GET", ["plan"]:
            return 200, run.plan
        case "POST", ["started"]:
            run.started = json.loads(body)
        case "POST", ["heartbeat"]:
            run.beats += 1
            run.facts |= json.loads(body)["facts"]
            return 200, {"cancel": run.cancel}
        case "POST", ["chunks", "claim"]:
            run.claimed += 1
            return 200, {"chunk": run.chunks[run.claimed - 1] if run.claimed <= len(run.chunks) else None}
        case "PUT", ["chunks", index]:
            run.staged[int(index)] = msgspec.msgpack.decode(body)
        case "POST", ["images"]:
            digest = hashlib.sha256(body).hexdigest()
            run.images[digest] = body
            return 200, {"digest": digest}
        case "PUT", ["log"]:
            offset = int(parse_qs(asked.query)["offset"][0])
            if offset > len(run.log):
                return 409, {"type": "log-gap", "expected": len(run.log)}
            run.log[offset:] = body
            return 200, {"next_offset": len(run.log)}
        case "POST", ["events"]:
            run.events += json.loads(body)
        case "POST", ["finish"]:
            run.finished = json.loads(body)
            return 200, {"status": "succeeded"}
        case _:
            return 404, {}
    return 204, None
