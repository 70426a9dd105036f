"""What a Run may become, and how its end is decided. Values in, values out."""

from dataclasses import dataclass
from enum import StrEnum

from pixmill_server.jobs.policy import FailurePolicy

SIGKILL = 9


class RunStatus(StrEnum):
    """Where a Run stands. The last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_active(self) -> bool:
        """Whether it waits or works: a Job with such a Run cannot be re-run."""
        return self in ACTIVE

    @property
    def is_over(self) -> bool:
        """Whether nothing can change it any more."""
        return not self.is_active

    def may_become(self, later: "RunStatus") -> bool:
        """Whether a Run may go from here to there; never from here to here."""
        return later in _MOVES[self]


ACTIVE = frozenset({RunStatus.PENDING, RunStatus.RUNNING})

_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    # A Run that ends before the child's first sign of life goes straight to an end, and only never to success.
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED}),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}


class Reason(StrEnum):
    """Why a Run ended otherwise than well."""

    ERROR = "error"
    """The Processing raised, or exited with another code than 0."""
    KILLED = "killed"
    """A signal ended the child that nobody of ours had sent."""
    INCOMPLETE = "incomplete"
    """It exited with 0 before all its work was done."""
    ALL_FAILED = "all-failed"
    """Every asset failed."""
    TOO_MANY_FAILED = "too-many-failed"
    """More assets failed than its launch allows."""
    MEMORY = "memory"
    """It took more memory than its Compute grants."""
    LIMIT = "limit"
    """It went beyond another limit that its supervisor holds."""
    TIMEOUT = "timeout"
    """It took longer than it may."""
    LOST = "lost"
    """Nobody gave a sign of life for it until its lease ran out."""
    ENVIRONMENT = "environment"
    """Its environment could not be built."""
    PLACEMENT = "placement"
    """The executor could not start it."""
    COMMIT = "commit"
    """Its results could not be committed."""
    CANCELLED = "cancelled"
    """Somebody cancelled it."""


class PartialState(StrEnum):
    """What became of the staged results of a Run that failed or was cancelled. Only `kept` may change."""

    KEPT = "kept"
    """They can be looked at, committed, dropped, or gone on with."""
    RESUMED = "resumed"
    """A later Run goes on with them."""
    COMMITTED = "committed"
    DROPPED = "dropped"
    SUPERSEDED = "superseded"
    """A later Run of the same Job succeeded."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of the assets in scope so far."""

    assets: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    retried: int = 0
    """Of those that were done: how many only after their batch had failed."""

    @property
    def is_complete(self) -> bool:
        """Whether every asset is accounted for."""
        return self.done + self.failed + self.skipped == self.assets

    @property
    def open(self) -> int:
        """Assets that nothing is known of yet."""
        return self.assets - self.done - self.failed - self.skipped

    @property
    def all_failed(self) -> bool:
        """Whether there was something to do, and none of it came off."""
        return self.failed > 0 and self.done == 0 and self.is_complete


@dataclass(frozen=True, slots=True)
class ChildError:
    """The exception that ended the child, as it was printed."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How the child ended, as the supervisor saw it."""

    exit_code: int | None = None
    """None: a signal ended it, or it never began."""
    signal: int | None = None
    returned: bool = False
    """Whether a whole-version function returned."""
    error: ChildError | None = None
    limit: str | None = None
    """The limit that its supervisor stopped it for; None: it was not stopped."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a Run is to become."""

    status: RunStatus
    reason: Reason | None = None
    message: str = ""


def decide(
    end: ChildEnd, ledger: Ledger, policy: FailurePolicy, *, whole_version: bool, cancel_requested: bool
) -> Ending:
    """The end of a Run: by its exit code and its ledger, never by what user code says of itself."""
    if cancel_requested:
        return Ending(RunStatus.CANCELLED, Reason.CANCELLED, "cancelled on request")
    if end.limit is not None:
        return Ending(RunStatus.FAILED, _LIMITS.get(end.limit, Reason.LIMIT), _error(end))
    if verdict := policy.verdict(failed=ledger.failed, assets=ledger.assets):
        return Ending(RunStatus.FAILED, Reason.TOO_MANY_FAILED, verdict)
    if end.signal is not None:
        return Ending(RunStatus.FAILED, Reason.KILLED, _killed(end))
    if end.exit_code != 0 or end.error is not None:
        return Ending(RunStatus.FAILED, Reason.ERROR, _error(end))
    if whole_version and not end.returned:
        return Ending(RunStatus.FAILED, Reason.INCOMPLETE, "it exited with code 0 before its function returned")
    if not whole_version and not ledger.is_complete:
        said = f"it exited with code 0 while {ledger.open} of {ledger.assets} assets were not done"
        return Ending(RunStatus.FAILED, Reason.INCOMPLETE, said)
    if ledger.all_failed:
        return Ending(RunStatus.FAILED, Reason.ALL_FAILED, f"every one of {ledger.failed} assets failed")
    return Ending(RunStatus.SUCCEEDED)


_LIMITS = {"memory": Reason.MEMORY, "time": Reason.TIMEOUT}


def _killed(end: ChildEnd) -> str:
    """The supervisor saw more than the signal: whether the kernel had run out of memory."""
    if end.error is not None and end.error.type == "ProcessKilled":
        return end.error.message
    said = f"its process was ended by signal {end.signal}"
    return f"{said} (most often: out of memory)" if end.signal == SIGKILL else said


def _error(end: ChildEnd) -> str:
    if end.error is not None:
        return f"{end.error.type}: {end.error.message}".rstrip(": ")
    if end.exit_code is None:
        return "its process never began"
    return f"it exited with code {end.exit_code}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A Run, as far as it takes to say how it stands."""

    status: RunStatus
    ledger: Ledger
    shapes_added: int = 0
    waits_for: str | None = None
    message: str = ""
    partial_number: int | None = None
    """The Revision that a failed Run's partial results were committed as."""
    new_version: str | None = None
    """The address of the version that it makes; None: it makes none."""
    assets_added: int = 0
    """To that version."""


def sentence(standing: Standing) -> str:
    """How a Run stands, as a person would say it: `succeeded, 1 of 100 failed`."""
    match standing.status:
        case RunStatus.PENDING:
            return f"pending: waits for {standing.waits_for}" if standing.waits_for else "pending"
        case RunStatus.RUNNING:
            return "running"
        case RunStatus.SUCCEEDED:
            return ", ".join(["succeeded", *_remarks(standing)])
        case _:
            said = f"{standing.status}: {standing.message}" if standing.message else str(standing.status)
            kept = standing.partial_number
            place = standing.new_version or f"Revision {kept}"
            return said if kept is None else f"{said}; what was done is committed as {place}"


def _remarks(standing: Standing) -> list[str]:
    ledger, remarks = standing.ledger, []
    if ledger.failed:
        remarks.append(f"{ledger.failed} of {ledger.assets} failed")
    if ledger.retried:
        remarks.append(f"{ledger.retried} done when tried again")
    if ledger.skipped:
        remarks.append(f"{ledger.skipped} of {ledger.assets} skipped")
    if ledger.assets == 0:
        remarks.append("there was no asset in scope")
    elif standing.new_version is not None:
        remarks.append(f"{standing.assets_added} assets added to {standing.new_version}")
    elif standing.shapes_added == 0:
        remarks.append("no shapes were added")
    return remarks
