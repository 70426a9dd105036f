"""Jobs: launch, follow, wait, look at, run again."""

import time
from collections.abc import Callable, Iterator, Mapping

from pydantic import JsonValue

from pixmill.client.connection import Connection, items_of
from pixmill.client.partial import Partial
from pixmill.client.run_log import LogBytes, RunLog
from pixmill.errors import PixmillError
from pixmill.parameters.timeouts import Timeouts
from pixmill.wire.jobs import (
    Existing,
    Job,
    JobPage,
    JobScope,
    LaunchJob,
    LaunchPlan,
    LogEnd,
    LogEvent,
    LogOmitted,
    LogTime,
    RerunJob,
    ResumeJob,
    Run,
    RunMetrics,
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
    "LogOmitted",
    "LogTime",
    "Run",
    "RunMetrics",
    "RunOutcome",
    "TimedOut",
]

ACTIVE = frozenset({"pending", "running"})
_LOOK_SECONDS = 0.5


class TimedOut(PixmillError):
    """The Run was not over in the time that was given to wait; it goes on."""

    code = "timed-out"


class Jobs:
    """`client.jobs`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.partial = Partial(connection)
        """What failed and cancelled Runs had done."""

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
        priority: int = 0,
        timeouts: Timeouts | None = None,
        compute: str | None = None,
        to: str | None = None,
    ) -> Job:
        """A new Job, whose first Run waits for a worker; raises what makes it impossible.

        `label_map` sends model classes to Labels, beside those of equal name; `scope` None is all assets.
        `on_failure`: `stop` at the first asset that fails, `continue`, or a share that may fail, as in `5%`.
        `to` is the version that a Processing makes that makes one, as in `street/v2`.
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
            priority=priority,
            timeouts=timeouts or {},
            compute=compute,
            to=to,
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
        self,
        job_id: str,
        *,
        parameters: Mapping[str, JsonValue] | None = None,
        on_failure: str | None = None,
        priority: int | None = None,
        timeouts: Timeouts | None = None,
        to: str | None = None,
    ) -> Job:
        """Once more, on the newest code, model and images; refused while a Run is pending or running.

        `to`: the version to make; None: as before, which works where no Run has made it yet.
        """
        given = dict(parameters or {})
        wish = RerunJob(parameters=given, on_failure=on_failure, priority=priority, timeouts=timeouts or {}, to=to)
        return self._connection.ask("POST", f"/jobs/{job_id}/rerun", Job, send=wish)

    def resume(
        self,
        job_id: str,
        *,
        parameters: Mapping[str, JsonValue] | None = None,
        on_failure: str | None = None,
        priority: int | None = None,
        timeouts: Timeouts | None = None,
        to: str | None = None,
    ) -> Job:
        """Go on with a failed or cancelled Run: what it had done is not done again.

        Refused where code, model or Parameters are not what they were; `parameters` are only compared.
        """
        given = dict(parameters or {})
        wish = ResumeJob(parameters=given, on_failure=on_failure, priority=priority, timeouts=timeouts or {}, to=to)
        return self._connection.ask("POST", f"/jobs/{job_id}/resume", Job, send=wish)

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
        """What the Run has written so far, from a byte on; where bytes were not kept, a line says so."""
        return RunLog(self._connection, job_id, number).read(offset)

    def log_times(self, job_id: str, number: int) -> Iterator[LogTime]:
        """When the log reached which offset, about twice a second."""
        return RunLog(self._connection, job_id, number).times()

    def follow(
        self, job_id: str, number: int, *, offset: int = 0
    ) -> Iterator[LogBytes | LogOmitted | LogEvent | LogEnd]:
        """The log as it comes, and what Pixmill has to say; the last is a `LogEnd`.

        Goes on where it was after the server was away for a while; each byte comes once.
        """
        return RunLog(self._connection, job_id, number).follow(offset)

    def metrics(self, job_id: str, number: int) -> RunMetrics:
        """CPUs, memory and images per second of a Run over time."""
        return self._connection.ask("GET", f"/jobs/{job_id}/runs/{number}/metrics", RunMetrics)

    def newest_run(self, job_id: str) -> Run:
        """The Run that the Job's status is that of."""
        return self.show(job_id).runs[0]
