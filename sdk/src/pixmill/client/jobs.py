"""Jobs: launch, follow, wait, look at, run again."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from pixmill.client.connection import Connection, items_of
from pixmill.errors import PixmillError, ServerUnreachable
from pixmill.wire.jobs import (
    Existing,
    Job,
    JobPage,
    JobScope,
    LaunchJob,
    LaunchPlan,
    LogEnd,
    LogEvent,
    LogPiece,
    RerunJob,
    Run,
    RunOutcome,
    RunOutcomePage,
)

__all__ = [
    "ACTIVE",
    "Existing",
    "Job",
    "JobScope",
    "Jobs",
    "LaunchJob",
    "LaunchPlan",
    "LogBytes",
    "LogEnd",
    "LogEvent",
    "Run",
    "RunOutcome",
    "TimedOut",
]

ACTIVE = frozenset({"pending", "running"})
_LOOK_SECONDS = 0.5
_SILENCE_SECONDS = 60.0
_RECONNECTS = 20
_RECONNECT_SECONDS = 1.0


class TimedOut(PixmillError):
    """The Run was not over in the time that was given to wait; it goes on."""

    code = "timed-out"


@dataclass(frozen=True, slots=True)
class LogBytes:
    """What the child wrote from `offset` on."""

    offset: int
    written: bytes


class Jobs:
    """`client.jobs`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def launch(  # noqa: PLR0913 - each one is an option of its own
        self,
        processing: str,
        version: str,
        *,
        model: str | None = None,
        parameters: Mapping[str, JsonValue] | None = None,
        label_map: Mapping[str, str] | None = None,
        scope: JobScope | None = None,
        existing: Existing | str = Existing.KEEP,
        on_failure: str = "continue",
        compute: str | None = None,
    ) -> Job:
        """A new Job, whose first Run waits for a worker; raises what makes it impossible.

        `label_map` sends model classes to Labels, beside those of equal name; `scope` None is all assets.
        `on_failure`: `stop` at the first asset that fails, `continue`, or a share that may fail, as in `5%`.
        """
        wish = LaunchJob(
            processing=processing,
            version=version,
            model=model,
            parameters=dict(parameters or {}),
            map=dict(label_map or {}),
            scope=scope or JobScope(),
            existing=Existing(existing),
            on_failure=on_failure,
            compute=compute,
        )
        return self.send(wish)

    def send(self, wish: LaunchJob) -> Job:
        """As `launch`, of a wish that is put together already."""
        return self._connection.ask("POST", "/jobs", Job, send=wish)

    def plan(self, wish: LaunchJob) -> LaunchPlan:
        """What the launch would do; nothing is launched. Raises what makes it impossible."""
        return self._connection.ask("POST", "/jobs", LaunchPlan, send=wish, parameters={"dry_run": True})

    def list(
        self, *, status: str | None = None, version: str | None = None, processing: str | None = None
    ) -> Iterator[Job]:
        """Newest first, each with its newest Run."""
        wanted = {"status": status, "version": version, "processing": processing}
        return items_of(self._connection.pages("/jobs", JobPage, parameters=wanted))

    def show(self, job_id: str) -> Job:
        """With all its Runs; any beginning of the id that only one Job has is accepted."""
        return self._connection.ask("GET", f"/jobs/{job_id}", Job)

    def rerun(
        self, job_id: str, *, parameters: Mapping[str, JsonValue] | None = None, on_failure: str | None = None
    ) -> Job:
        """Once more, on the newest code, model and images; refused while a Run is pending or running."""
        wish = RerunJob(parameters=dict(parameters or {}), on_failure=on_failure)
        return self._connection.ask("POST", f"/jobs/{job_id}/rerun", Job, send=wish)

    def cancel(self, job_id: str) -> Job:
        """Ask the Job's Run to end; it is over when its status says so."""
        return self._connection.ask("POST", f"/jobs/{job_id}/cancel", Job)

    def wait(
        self, job_id: str, *, timeout_seconds: float | None = None, on_look: Callable[[Job], object] | None = None
    ) -> Job:
        """The Job when its newest Run is over; raises `TimedOut` after the time (None: never).

        `on_look` is called with the Job as it stands, twice a second.
        """
        given_up_at = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while (job := self.show(job_id)).status in ACTIVE:
            if on_look is not None:
                on_look(job)
            if given_up_at is not None and time.monotonic() >= given_up_at:
                raise TimedOut(
                    f"{job.id} is still {job.status} after {timeout_seconds:g} seconds.", hint="It goes on without us."
                )
            time.sleep(_LOOK_SECONDS)
        return job

    def outcomes(self, job_id: str, number: int, *, outcome: str | None = None) -> Iterator[RunOutcome]:
        """The assets that a Run failed on or skipped, each with the reason; `failed` or `skipped` for these alone."""
        path, wanted = f"/jobs/{job_id}/runs/{number}/outcomes", {"outcome": outcome}
        return items_of(self._connection.pages(path, RunOutcomePage, parameters=wanted))

    def log(self, job_id: str, number: int, *, offset: int = 0) -> Iterator[bytes]:
        """What the Run has written so far, from a byte on."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with self._connection.stream(f"/jobs/{job_id}/runs/{number}/log", headers=headers) as answer:
            yield from answer.iter_bytes()

    def follow(self, job_id: str, number: int, *, offset: int = 0) -> Iterator[LogBytes | LogEvent | LogEnd]:
        """The log as it comes, and what Pixmill has to say; the last is a `LogEnd`.

        Goes on where it was after the server was away for a while; each byte comes once.
        """
        path, told, failures = f"/jobs/{job_id}/runs/{number}/log/stream", set[str](), 0
        while True:
            try:
                for message in self._messages(path, offset):
                    failures = 0
                    if isinstance(message, LogBytes):
                        offset = message.offset + len(message.written)
                    elif isinstance(message, LogEvent) and message.id in told:
                        continue
                    elif isinstance(message, LogEvent):
                        told.add(message.id)
                    yield message
                    if isinstance(message, LogEnd):
                        return
            except ServerUnreachable:
                if failures >= _RECONNECTS:
                    raise
            # The server ended the stream before the Run: it is going down, and will be back.
            failures += 1
            time.sleep(_RECONNECT_SECONDS)

    def newest_run(self, job_id: str) -> Run:
        """The Run that the Job's status is that of."""
        return self.show(job_id).runs[0]

    def _messages(self, path: str, offset: int) -> Iterator[LogBytes | LogEvent | LogEnd]:
        with self._connection.stream(
            path, headers={"Last-Event-ID": str(offset)}, read_timeout_seconds=_SILENCE_SECONDS
        ) as answer:
            kind, data = "", ""
            for line in answer.iter_lines():
                name, _, value = line.partition(":")
                if name == "event":
                    kind = value.strip()
                elif name == "data":
                    data = value.strip()
                elif not line:
                    if data:
                        yield _message(kind, data)
                    kind, data = "", ""


def _message(kind: str, data: str) -> LogBytes | LogEvent | LogEnd:
    match kind:
        case "event":
            return LogEvent.model_validate_json(data)
        case "end":
            return LogEnd.model_validate_json(data)
        case _:
            piece = LogPiece.model_validate(json.loads(data))
            return LogBytes(piece.offset, base64.b64decode(piece.bytes))
