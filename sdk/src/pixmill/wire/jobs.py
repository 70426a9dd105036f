"""Jobs and Runs in JSON: what is asked to launch one, and what is told about it."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from pixmill.wire.base import WireModel, WireRequest
from pixmill.wire.partial import PartialStateName
from pixmill.wire.runtime import Progress, RunEvent
from pixmill.wire.timeouts import TimeoutSeconds

RunStatusName = Literal["pending", "running", "succeeded", "failed", "cancelled"]


class Existing(StrEnum):
    """What is done where an asset has annotations already; what a human edited or accepted stays, always."""

    KEEP = "keep"
    """The asset is skipped, with that reason."""
    REPLACE = "replace"
    """The shapes that the same Processing and model made go."""
    ADD = "add"


class JobScope(WireRequest):
    """Which assets; all of them when nothing is given. Several conditions must all hold."""

    assets: list[str] | None = None
    """Paths or asset ids."""
    label: str | None = None
    """Assets that carry a shape of this Label."""
    tag: str | None = None
    unannotated: bool = False
    filter: str = ""
    """As after the `?` of the Assets grid and of `GET /versions/{id}/assets`: `label=person&min_score=0.5`."""


class LaunchJob(WireRequest):
    """A launch; with `?dry_run=true` only the plan of it."""

    processing: str
    """Its name; `NAME@3` for an older version of it."""
    version: str
    """`street/v1`, or its id; results are always committed on the head."""
    model: str | None = None
    """`smart-city-yolo/1`, or an id; the newest version where only a Model is named."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    map: dict[str, str] = Field(default_factory=dict)
    """Model class to Label, beside those of equal name."""
    scope: JobScope = JobScope()
    existing: Existing = Existing.KEEP
    on_failure: str = "continue"
    """What failed assets mean for the Run: `stop` at the first, `continue`, or a share that may fail, as in `5%`."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Greater goes first; equal ones in the order of their launch."""
    timeouts: TimeoutSeconds = Field(default_factory=dict)
    """Seconds for `queue`, `start`, `running`, `progress`; null: no limit; what is missing is as the Compute says."""
    compute: str | None = None
    """Its name; None: the Processing's default, else `local`."""
    to: str | None = Field(default=None, max_length=250)
    """`street/v2`: the version to make, in the same Dataset; for a Processing that makes one, and only for such."""


class RerunJob(WireRequest):
    """A new Run of a Job; Parameters given here replace the Job's, one by one."""

    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    on_failure: str | None = None
    """None: as in the Run before."""
    priority: int | None = Field(default=None, ge=-100, le=100)
    timeouts: TimeoutSeconds = Field(default_factory=dict)
    """What is missing is as at launch."""
    to: str | None = Field(default=None, max_length=250)
    """The version to make; None: under the name of before, which a Run that succeeded has taken."""


class ResumeJob(WireRequest):
    """Going on with a Job's newest Run; refused where code, model or Parameters are not what they were."""

    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    """Compared with those of the Run, never applied."""
    on_failure: str | None = None
    """None: as in the Run before."""
    priority: int | None = Field(default=None, ge=-100, le=100)
    timeouts: TimeoutSeconds = Field(default_factory=dict)
    """What is missing is as at launch."""
    to: str | None = Field(default=None, max_length=250)
    """The version to make; None: under the name of before."""


class LabelProposal(WireModel):
    """A class and a Label that differ only in case or number; applied by `map`."""

    model_class: str
    label: str
    why: str


class LaunchPlan(WireModel):
    """What a launch will do."""

    version: str
    """`street/v1@17`."""
    processing: str
    processing_number: int
    model: str | None = None
    compute: str
    parameters: dict[str, JsonValue]
    assets: int
    """In scope."""
    mapped: dict[str, str]
    """Model class to Label."""
    ignored: list[str]
    """Model classes that no Label takes."""
    labels_without_class: list[str]
    """Labels that get nothing."""
    proposals: list[LabelProposal]
    existing: Existing
    on_failure: str = "continue"
    priority: int = 0
    timeouts: TimeoutSeconds = Field(default_factory=dict)
    """The limits that will hold, in seconds."""
    secrets: list[str] = Field(default_factory=list)
    """Those that the Run is told, by name."""
    new_version: str | None = None
    """`street/v2`: the version that the Run makes; None: it changes the one that it reads."""
    notes: list[str] = Field(default_factory=list)


class RunCounts(WireModel):
    """The Changeset in numbers; `done + failed + skipped + not_reached = assets` once the Run is over."""

    assets: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    not_reached: int = 0
    """Of which nothing is known: the Run ended before."""
    carried: int = 0
    """Of all of these: how many an earlier Run had settled, which this one went on with."""
    retried: int = 0
    """Of those that were done: how many only after their batch had failed."""
    shapes_added: int = 0
    shapes_removed: int = 0
    shapes_dropped: int = 0
    """Made, but of a class that no Label takes."""
    assets_added: int = 0
    """To the version that it made."""


class RunErrorText(WireModel):
    """What ended a failed Run."""

    type: str
    message: str
    traceback: str = ""


class Run(WireModel):
    """One attempt at a Job."""

    id: str
    number: int
    status: RunStatusName
    waits_for: str | None = None
    """Why a pending Run has not begun."""
    reason: str | None = None
    """Why a failed or cancelled Run ended, in one word."""
    outcome: str
    """How it stands, in a sentence."""
    input_revision: int
    result_revision: int | None = None
    """Of the version that it read, or of the one that it made."""
    new_version: str | None = None
    """`street/v2`: the version that it makes; None: it makes none. As the version is called now, once it is made."""
    new_version_id: str | None = None
    """None: it is not made (yet)."""
    partial: PartialStateName | None = None
    """What became of the results of a Run that failed or was cancelled; None: of any other."""
    continues: bool = False
    """Whether it went on with the Run before."""
    priority: int = 0
    timeouts: TimeoutSeconds = Field(default_factory=dict)
    """The limits that hold for it, in seconds."""
    on_failure: str = "continue"
    processing_number: int
    code_digest: str
    model_digests: dict[str, str] = Field(default_factory=dict)
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    running_seconds: float
    exit_code: int | None = None
    error: RunErrorText | None = None
    progress: Progress
    images_per_second: float | None = None
    counts: RunCounts
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    usage_seconds: float
    cost: float
    """Running time x the Compute's price at launch; in the currency the price was given in."""
    log_bytes: int
    differs: list[str] = Field(default_factory=list)
    """What is not as in the Run before."""


class Job(WireModel):
    """One launch."""

    id: str
    status: RunStatusName
    waits_for: str | None = None
    outcome: str
    version_id: str
    version: str
    """`street/v1`."""
    processing: str
    model: str | None = None
    compute: str
    parameters: dict[str, JsonValue]
    mapped: dict[str, str] = Field(default_factory=dict)
    scope: dict[str, JsonValue] = Field(default_factory=dict)
    existing: Existing
    on_failure: str = "continue"
    created_by: str
    created_at: AwareDatetime
    running_seconds: float
    progress: Progress
    runs: list[Run] = Field(default_factory=list)
    """Newest first; in a list of Jobs only the newest."""


class JobPage(WireModel):
    """Jobs, newest first."""

    items: list[Job]
    next_cursor: str | None = None


class RunOutcome(WireModel):
    """An asset that a Run failed on or skipped."""

    asset_id: str
    path: str
    outcome: Literal["failed", "skipped"]
    reason: str
    traceback: str | None = None
    log_offset: int | None = None


class RunOutcomePage(WireModel):
    """Assets by id; those that were done are not listed."""

    items: list[RunOutcome]
    next_cursor: str | None = None


class RunMetricsPoint(WireModel):
    """All samples of one interval."""

    seconds: float
    """From `begins_at` to the beginning of the interval."""
    cpus: float
    """In use, on the average."""
    memory_bytes: int
    """At most."""
    images_per_second: float
    """On the average."""


class RunMetrics(WireModel):
    """What a Run took over time; an interval in which nothing was sampled has no point."""

    begins_at: AwareDatetime | None = None
    """None: nothing was sampled."""
    interval_seconds: float
    points: list[RunMetricsPoint]
    peak_cpus: float
    peak_memory_bytes: int


class LogPiece(WireModel):
    """The `data:` of one event of a log stream; its `id:` is the offset after it."""

    offset: int
    bytes: str
    """Base64 of what the child wrote from `offset` on."""


class LogRange(WireModel):
    """The `data:` of an `event: range`: so many bytes wait that they are better read by `GET .../log` with `Range`."""

    offset: int
    end: int
    """Exclusive; the event's `id:` too."""


class LogBlock(WireModel):
    """The `data:` of an `event: block`: `size` bytes come after the empty line, as written from `offset` on."""

    offset: int
    size: int


class LogOmitted(WireModel):
    """The `data:` of an `event: omitted`: bytes that are not kept, as the log grew beyond its limit."""

    offset: int
    end: int
    """Exclusive; the event's `id:` too."""


class LogTime(WireModel):
    """The bytes from `offset` on came at this time, or up to half a second after it."""

    offset: int
    at: AwareDatetime


class LogTimes(WireModel):
    """By offset, ascending."""

    items: list[LogTime]


class LogEvent(RunEvent):
    """The `data:` of an `event: event` of a log stream."""

    id: str


class LogEnd(WireModel):
    """The `data:` of the last event of a log stream."""

    status: RunStatusName
    outcome: str
