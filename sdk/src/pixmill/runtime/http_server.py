"""The Run protocol over HTTP: every call carries the token and the fence, and is repeated until it is answered."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urljoin

import httpx2
import msgspec
from blake3 import blake3

from pixmill.environments import read_archive, write_files
from pixmill.runtime.plan import (
    Chunk,
    ChunkAnswer,
    ChunkAsset,
    Finish,
    PlannedFile,
    Progress,
    RunEvent,
    RunPlan,
    Sample,
    StagedChunk,
    VersionAssets,
)
from pixmill.runtime.remote_images import RemoteImages
from pixmill.runtime.server import AssetUnreadable, RunOver, ServerLost, ServerRefused

_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 3.0
_TIMEOUT_SECONDS: Final = 30.0
_SLOW_SECONDS: Final = 1.0
"""A call that is not answered for longer keeps the child waiting."""
_FINISH_SECONDS: Final = 600.0
"""The server commits the Run before it answers."""
_CONFLICT, _GONE, _OK_BELOW, _SERVER_FAULT, _TOO_MANY, _UNAUTHORIZED = 409, 410, 300, 500, 429, 401
_PASSING: Final = {503, 507}
"""The database is away, or there is no room: nobody's mistake, and it will be mended."""
_JSON: Final = {"Content-Type": "application/json"}

_Answer = TypeVar("_Answer")


class HttpRunServer:
    """One Run at one server.

    `patience_seconds` is how long a server is waited for that does not answer, or cannot; while `has_worker` it is
    waited for without end: a worker ends whom nobody needs any more, and until then no result has to be lost.
    """

    def __init__(
        self,
        server_url: str,
        run_id: str,
        *,
        token: str,
        fence: int,
        patience_seconds: float,
        source: Path | None = None,
        reference_networks: Sequence[str] = (),
        has_worker: Callable[[], bool] = lambda: False,
    ) -> None:
        self._root = server_url.rstrip("/") + "/"
        self._run = urljoin(self._root, f"api/v1/runtime/runs/{run_id}/")
        headers = {"Authorization": f"Bearer {token}", "Pixmill-Fence": str(fence)}
        plain = server_url.startswith("http://")
        self._client = httpx2.Client(headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=not plain, verify=not plain)
        self._patience_seconds = patience_seconds
        self._has_worker = has_worker
        self._source = source
        # Somebody else's machines: they must not see the Run's token.
        self._remote_images = RemoteImages.of(reference_networks)
        self._last_claimed = -1
        self._unanswered: dict[object, float] = {}
        """Since when each call that is under way waits for its answer; -inf: a try of it has failed."""

    def plan(self) -> RunPlan:
        return self._json("GET", "plan", RunPlan)

    def source(self, plan: RunPlan, folder: Path) -> Path:
        if self._source is not None:
            return self._source
        fetched = self._fetch(plan.processing.source_url)
        if plan.processing.folder is not None:
            path = folder / plan.processing.name
            write_files(read_archive(fetched), path)
            return path
        path = folder / "processing.py"
        path.write_bytes(fetched)
        return path

    def model_file(self, file: PlannedFile, folder: Path) -> Path:
        if file.path is not None and Path(file.path).is_file():
            return Path(file.path)
        path = folder / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = blake3()
        with path.open("wb") as writing, self._client.stream("GET", urljoin(self._root, file.url)) as answer:
            _raise_if_over(answer)
            for piece in answer.iter_bytes():
                digest.update(piece)
                writing.write(piece)
        if file.digest and digest.hexdigest() != file.digest:
            raise ServerRefused(f"The model file '{file.name}' came with another digest than it was pinned with.")
        return path

    def started(self, pid: int, sandbox: dict[str, Any]) -> None:
        self._send("POST", "started", _encode({"pid": pid, "sandbox": sandbox}))

    def heartbeat(
        self, progress: Progress, images_per_second: float | None, facts: dict[str, Any], sample: Sample | None = None
    ) -> bool:
        told = {"progress": progress, "images_per_second": images_per_second, "facts": facts, "sample": sample}
        body = _encode(told)
        answer = self._send("POST", "heartbeat", body)
        return bool(msgspec.json.decode(answer.content, type=dict[str, Any]).get("cancel", False))

    def claim(self) -> Chunk | None:
        """The next chunk; one claim at a time, for each says how far the one before came."""
        answer = self._send("POST", "chunks/claim", _encode({"after": self._last_claimed}))
        chunk = msgspec.json.decode(answer.content, type=ChunkAnswer).chunk
        if chunk is not None:
            self._last_claimed = chunk.index
        return chunk

    def read_asset(self, asset: ChunkAsset) -> bytes:
        try:
            if asset.local_path is not None:
                return Path(asset.local_path).read_bytes()
            if "://" in asset.url:
                return self._remote_images.read(asset.url)
            return self._fetch(asset.url)
        except OSError as error:
            raise AssetUnreadable(f"the file cannot be read: {error.strerror}") from error
        except (httpx2.HTTPError, ServerRefused) as error:
            raise AssetUnreadable(f"the image cannot be fetched: {error}") from error

    def read_annotations(self, index: int) -> bytes:
        return self._send("GET", f"chunks/{index}/annotations").content

    def read_version(self, parameter: str, after: str, limit: int) -> VersionAssets:
        query = urlencode({"after": after, "limit": limit})
        return self._json("GET", f"versions/{parameter}/assets?{query}", VersionAssets)

    def read_version_annotations(self, parameter: str, after: str, limit: int) -> bytes:
        query = urlencode({"after": after, "limit": limit})
        return self._send("GET", f"versions/{parameter}/annotations?{query}").content

    def put_image(self, content: bytes) -> str:
        answer = self._send("POST", "images", content, "application/octet-stream")
        return str(msgspec.json.decode(answer.content, type=dict[str, str])["digest"])

    def stage(self, index: int, chunk: StagedChunk) -> None:
        self._send("PUT", f"chunks/{index}", msgspec.msgpack.encode(chunk), "application/msgpack")

    def append_log(self, offset: int, data: bytes) -> int:
        answer = self._send("PUT", f"log?offset={offset}", data, "application/octet-stream", may_conflict=True)
        told = msgspec.json.decode(answer.content, type=dict[str, Any])
        return int(told["expected"] if answer.status_code == _CONFLICT else told["next_offset"])

    def add_events(self, events: Sequence[RunEvent]) -> None:
        self._send("POST", "events", _encode(list(events)))

    def finish(self, finish: Finish) -> None:
        self._send("POST", "finish", _encode(finish), answered_within_seconds=_FINISH_SECONDS)

    def is_slow(self) -> bool:
        slow_before = time.monotonic() - _SLOW_SECONDS
        # A copy: calls begin and end in other threads.
        return any(since < slow_before for since in list(self._unanswered.values()))

    def _json(self, method: str, path: str, kind: type[_Answer]) -> _Answer:
        return msgspec.json.decode(self._send(method, path).content, type=kind)

    def _fetch(self, url: str) -> bytes:
        return self._send("GET", urljoin(self._root, url)).content

    def _send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        kind: str = "application/json",
        *,
        may_conflict: bool = False,
        answered_within_seconds: float = 0.0,
    ) -> httpx2.Response:
        """The answer; the call is repeated while the server does not answer, or answers that it cannot now."""
        headers = {"Content-Type": kind} if body else {}
        timeout = httpx2.Timeout(_TIMEOUT_SECONDS, read=answered_within_seconds or _TIMEOUT_SECONDS)
        request = self._client.build_request(
            method, urljoin(self._run, path), content=body, headers=headers, timeout=timeout
        )
        answer = self._answer(request, within_seconds=max(self._patience_seconds, answered_within_seconds))
        if not (may_conflict and answer.status_code == _CONFLICT and b'"expected"' in answer.content):
            _raise_if_over(answer)
        return answer

    def _answer(self, request: httpx2.Request, *, within_seconds: float) -> httpx2.Response:
        call, wait_seconds = object(), _FIRST_WAIT_SECONDS
        self._unanswered[call] = time.monotonic()
        given_up_at = time.monotonic() + within_seconds
        try:
            while True:
                try:
                    answer = self._client.send(request)
                except httpx2.TransportError as error:
                    said, may_pass = str(error) or type(error).__name__, True
                else:
                    if answer.status_code < _SERVER_FAULT and answer.status_code != _TOO_MANY:
                        return answer
                    said, may_pass = f"status {answer.status_code}", answer.status_code in _PASSING
                self._unanswered[call] = -math.inf
                if time.monotonic() + wait_seconds > given_up_at and not (may_pass and self._has_worker()):
                    raise ServerLost(f"The server does not answer {request.method} {request.url.path}: {said}.")
                time.sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, _LONGEST_WAIT_SECONDS)
        finally:
            del self._unanswered[call]


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def _raise_if_over(answer: httpx2.Response) -> None:
    status = answer.status_code
    if status < _OK_BELOW:
        return
    if status in {_CONFLICT, _GONE, _UNAUTHORIZED}:
        raise RunOver(f"The Run is over, or somebody else's: status {status}.")
    answer.read()
    raise ServerRefused(f"{answer.request.method} {answer.request.url.path} was refused: {status} {answer.text[:500]}")
