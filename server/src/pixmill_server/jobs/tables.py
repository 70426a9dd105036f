"""Rows of Jobs, Runs and what is kept of each Run."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pixmill_server.db.base import Base, BigInt, Id, JsonValue, UtcDateTime
from pixmill_server.jobs.lifecycle import RunStatus

_ACTIVE = text("status IN ('pending', 'running')")


class JobRow(Base):
    """One launch: what was asked for, for good."""

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_of_organization", "organization_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    organization_id: Mapped[str] = mapped_column(Id)
    version_id: Mapped[str] = mapped_column(Id, index=True)
    processing_id: Mapped[str] = mapped_column(Id, index=True)
    model_version_id: Mapped[str | None] = mapped_column(Id, index=True)
    """None: the Processing takes no model."""
    model: Mapped[str | None] = mapped_column(Text)
    """As it was asked for; a Model without a version means its newest one, each time."""
    compute_id: Mapped[str] = mapped_column(Id)
    parameters: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    """Those that were given."""
    label_map: Mapped[dict[str, str]] = mapped_column(JsonValue)
    """Model class to Label as `--map` gave it; equal names go without saying."""
    scope: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    existing: Mapped[str] = mapped_column(Text)
    """`keep`, `replace` or `add`."""
    on_failure: Mapped[str] = mapped_column(Text, default="continue", server_default="continue")
    """`stop`, `continue` or a share of the assets, as in `5%`."""
    timeouts: Mapped[dict[str, float | None]] = mapped_column(JsonValue, default=dict, server_default="{}")
    """As they were given: seconds by name; None: no limit."""
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RunRow(Base):
    """One attempt at a Job: its pins, its place in the queue, its lease, and how it ended."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("job_id", "number"),
        # A Job has at most one active Run: the database sees to it, whoever asks at once.
        Index("uq_runs_active", "job_id", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index("ix_runs_queue", "status", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("jobs.id"))
    number: Mapped[int]
    compute_id: Mapped[str] = mapped_column(Id)
    status: Mapped[str] = mapped_column(Text)
    waits_for: Mapped[str | None] = mapped_column(Text)
    """Why it is still pending; None once it runs."""
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it ended otherwise than well."""
    message: Mapped[str] = mapped_column(Text, default="")
    priority: Mapped[int] = mapped_column(default=0)
    """Greater goes first."""
    cancel_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    input_number: Mapped[int]
    """The Revision it reads."""
    processing_version_id: Mapped[str] = mapped_column(Id)
    processing_number: Mapped[int]
    code_digest: Mapped[str] = mapped_column(Text)
    model_digests: Mapped[dict[str, str]] = mapped_column(JsonValue)
    given: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    """Parameters that were given."""
    parameters: Mapped[dict[str, Any]] = mapped_column(JsonValue)
    """All of them, with their values."""
    model_version_id: Mapped[str | None] = mapped_column(Id)
    read_versions: Mapped[dict[str, dict[str, Any]]] = mapped_column(JsonValue, default=dict, server_default="{}")
    """By Parameter: `version_id` and `number` of another version that it reads."""
    label_map: Mapped[dict[str, str] | None] = mapped_column(JsonValue)
    """Every model class that goes to a Label; None: the Processing takes no model, and names Labels itself."""
    labels: Mapped[list[str]] = mapped_column(JsonValue)
    """The version's Labels at launch."""
    on_failure: Mapped[str] = mapped_column(Text, default="continue", server_default="continue")
    """As in its Job, unless it was said anew."""
    timeouts: Mapped[dict[str, float]] = mapped_column(JsonValue, default=dict, server_default="{}")
    """The limits that hold for it: seconds by name."""
    progressed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When an asset was last done, failed or skipped."""
    deadline_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it is ended because its time is up; None: nothing limits what it does now."""
    continues_id: Mapped[str | None] = mapped_column(Id)
    """The first of the Runs that this one goes on with: its files are theirs. None: it began from the start."""
    carried: Mapped[dict[str, int]] = mapped_column(JsonValue, default=dict, server_default="{}")
    """`done`, `failed`, `skipped`: assets that the Runs it goes on with had settled. Empty where it began anew."""
    differs: Mapped[list[str]] = mapped_column(JsonValue, default=list)
    """What is not as in the Run before."""
    chunk_size: Mapped[int]
    """Assets in each chunk but the last."""

    lease_owner: Mapped[str | None] = mapped_column(Id)
    fence: Mapped[int] = mapped_column(BigInt, default=0)
    lease_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """SHA-256 of the token that the supervisor holds; None while nobody does."""
    handle: Mapped[str | None] = mapped_column(Text)
    """The executor's handle on the supervisor."""
    image_digest: Mapped[str | None] = mapped_column(Text)
    """Of a Processing that is an image: what its tag meant when the Run was placed. None: it is a file, or waits."""

    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    exit_code: Mapped[int | None]
    error_type: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    error_traceback: Mapped[str | None] = mapped_column(Text)
    result_number: Mapped[int | None]
    """The Revision it made, of `new_version_id` where it made a version; None: it made none."""
    new_version: Mapped[str | None] = mapped_column(Text)
    """The name, within the Dataset, of the version that it makes; None: it makes none."""
    new_version_id: Mapped[str | None] = mapped_column(Id)
    """The version that it made; None until its commit."""
    partial: Mapped[str | None] = mapped_column(Text)
    """Of one that failed or was cancelled: what became of its staged results (`PartialState`). None: of any other."""
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When its files were removed; None: they are there, or are those of a Run that goes on with it."""
    assets: Mapped[int]
    """In scope."""
    progress: Mapped[dict[str, Any]] = mapped_column(JsonValue, default=dict)
    """As the supervisor last said: `done`, `failed`, `skipped`, `images_per_second`."""
    counts: Mapped[dict[str, int]] = mapped_column(JsonValue, default=dict)
    """The Changeset: `done`, `failed`, `skipped`, `not_reached`, `retried`, `shapes_added`, `shapes_removed`,
    `shapes_dropped`. Empty until the Run is over."""
    facts: Mapped[dict[str, Any]] = mapped_column(JsonValue, default=dict)
    """What was found out on the way: sandbox tier, engine, precision, limits."""
    price_per_hour: Mapped[float]
    log_sealed: Mapped[int] = mapped_column(BigInt, default=0)
    """Bytes of the log that are sealed into objects; all of it once the Run is over and `log_complete`."""
    log_complete: Mapped[bool] = mapped_column(default=False)

    @property
    def files_id(self) -> str:
        """The Run under whose name its list of assets and its staged results lie."""
        return self.continues_id or self.id

    @property
    def state(self) -> RunStatus:
        """The status as a value."""
        return RunStatus(self.status)


class ChunkRow(Base):
    """A range of the assets in scope, in their pinned order: `first_row` counts from 0."""

    __tablename__ = "chunks"
    __table_args__ = (Index("ix_chunks_open", "run_id", "state", "index"),)

    run_id: Mapped[str] = mapped_column(Id, ForeignKey("runs.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    first_row: Mapped[int] = mapped_column(BigInt)
    size: Mapped[int]
    state: Mapped[str] = mapped_column(Text)
    """`todo`, `claimed`, `staged`, or `partial`: the Run ended in the middle of it."""
    fence: Mapped[int] = mapped_column(BigInt, default=0)
    """Under which it was claimed."""
    staged_key: Mapped[str | None] = mapped_column(Text)
    done_bitmap: Mapped[bytes | None] = mapped_column(LargeBinary)
    """One bit per asset, the first asset in the lowest bit of the first byte."""
    done: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    retried: Mapped[int] = mapped_column(default=0, server_default="0")
    """Of those that were done: how many only after their batch had failed."""
    shapes: Mapped[int] = mapped_column(default=0)
    dropped: Mapped[dict[str, int]] = mapped_column(JsonValue, default=dict)
    """Class to shapes left out because no Label takes it."""


class RunOutcomeRow(Base):
    """An asset that a Run failed on or skipped; one that was done is a bit in its chunk."""

    __tablename__ = "run_outcomes"
    __table_args__ = (Index("ix_run_outcomes_of_chunk", "run_id", "chunk_index"),)

    run_id: Mapped[str] = mapped_column(Id, ForeignKey("runs.id"), primary_key=True)
    asset_id: Mapped[str] = mapped_column(Id, primary_key=True)
    chunk_index: Mapped[int]
    path: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(Text)
    """`failed` or `skipped`."""
    reason: Mapped[str] = mapped_column(Text)
    traceback: Mapped[str | None] = mapped_column(Text)
    log_offset: Mapped[int | None] = mapped_column(BigInt)


class LogSegmentRow(Base):
    """A sealed piece of a Run's log: bytes `start` to `end` (exclusive)."""

    __tablename__ = "log_segments"

    run_id: Mapped[str] = mapped_column(Id, ForeignKey("runs.id"), primary_key=True)
    start: Mapped[int] = mapped_column(BigInt, primary_key=True)
    end: Mapped[int] = mapped_column(BigInt)
    object_key: Mapped[str] = mapped_column(Text)


class RunEventRow(Base):
    """Something that Pixmill itself had to say about a Run, and after how many bytes of its log."""

    __tablename__ = "run_events"

    run_id: Mapped[str] = mapped_column(Id, ForeignKey("runs.id"), primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    """Sortable by the time it was stored."""
    offset: Mapped[int] = mapped_column(BigInt)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JsonValue, default=dict)


class RunMetricsRow(Base):
    """What a Run took over time; see `metrics.py`."""

    __tablename__ = "run_metrics"

    run_id: Mapped[str] = mapped_column(Id, ForeignKey("runs.id"), primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    interval_seconds: Mapped[float]
    points: Mapped[bytes] = mapped_column(LargeBinary)
    """16 bytes each: CPUs, memory in bytes, images per second (32-bit floats), the number of samples."""
    peak_cpus: Mapped[float]
    peak_memory_bytes: Mapped[int] = mapped_column(BigInt)
    log_lag_bytes: Mapped[int] = mapped_column(BigInt)
    """Written by the child and not stored, as the newest sample says."""


class WorkerRow(Base):
    """A worker, and when it was last seen."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    machine: Mapped[str] = mapped_column(Text)
    """The host's name."""
    pid: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
