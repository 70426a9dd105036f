"""What the server says to a supervisor, as far as the supervisor needs it; fields it does not know are passed over."""

from typing import Any

from msgspec import Struct, field


class PlannedFolder(Struct):
    """Code that is a folder, sent as an archive."""

    module: str
    """That which declares the Processing, as Python imports it."""
    root: str = ""
    """Where modules are imported from, below the folder; "": the folder itself."""


class PlannedProcessing(Struct):
    """The code of a Run."""

    name: str
    form: str
    """batch or version."""
    entry: str
    batch_size: int
    source_url: str
    requires_network: bool = False
    new_version: str = ""
    """fork or empty; "": it makes none."""
    reads_annotations: bool = False
    folder: PlannedFolder | None = None
    """None: its code is one file."""


class PlannedFile(Struct):
    """A file of the ModelVersion."""

    name: str
    size_bytes: int
    url: str
    digest: str = ""
    path: str | None = None


class PlannedModel(Struct):
    """The ModelVersion of a Run."""

    name: str
    task: str
    framework: str
    labels: list[str]
    files: list[PlannedFile]
    family: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


class PlannedVersion(Struct):
    """Another version that the Run may read, at a Revision."""

    parameter: str
    name: str
    """`street/v1@17`."""
    labels: list[str]
    assets: int


class PlannedTotals(Struct):
    """How much there is to do."""

    assets: int
    chunks: int


class PlannedLimits(Struct):
    """What the Compute grants; 0: no limit."""

    cpus: float
    memory_bytes: int
    gpus: int = 0
    processes: int = 0
    scratch_bytes: int = 0
    running_seconds: float | None = None
    """How long the child may run; None: as long as it takes."""
    progress_seconds: float | None = None
    """How long it may run without an asset done; None: as long as it takes."""


class RunPlan(Struct):
    """All that a supervisor has to know."""

    processing: PlannedProcessing
    parameters: dict[str, Any]
    labels: list[str]
    version: str
    totals: PlannedTotals
    limits: PlannedLimits
    heartbeat_seconds: float
    model: PlannedModel | None = None
    model_parameter: str | None = None
    versions: list[PlannedVersion] = field(default_factory=list)
    """One for each Parameter that is a DatasetVersion and was given."""
    wanted_classes: list[int] | None = None
    label_map: dict[str, str] | None = None
    failures_allowed: int | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    """Environment variables of the child, that show nowhere."""


class ChunkAsset(Struct):
    """An asset to work on."""

    id: str
    path: str
    width: int
    height: int
    url: str
    tags: list[str] = field(default_factory=list)
    local_path: str | None = None


class Chunk(Struct):
    """A piece of the scope."""

    index: int
    assets: list[ChunkAsset]


class ChunkAnswer(Struct):
    """The next chunk; None when there is no more."""

    chunk: Chunk | None = None


class VersionAssets(Struct):
    """Some assets of another version, by path."""

    assets: list[ChunkAsset]
    next: str | None = None
    """The path to go on from; None: there are no more."""


class StagedFailure(Struct):
    """An asset that failed."""

    asset_id: str
    reason: str
    traceback: str | None
    log_offset: int | None


class StagedSkip(Struct):
    """An asset that was left out."""

    asset_id: str
    reason: str


class StagedAsset(Struct):
    """An asset for the new version."""

    origin: str
    path: str
    digest: str
    """As the server answered when it was given the image."""
    tags: list[str]
    metadata: dict[str, Any]


class StagedChunk(Struct):
    """What became of a chunk, as MessagePack."""

    done: list[str]
    failed: list[StagedFailure]
    skipped: list[StagedSkip]
    annotations: bytes
    tags: dict[str, list[str]]
    metadata: dict[str, dict[str, Any]]
    dropped: dict[str, int]
    retried: int = 0
    partial: bool = False
    added: list[StagedAsset] = field(default_factory=list)
    added_annotations: bytes = b""


class Progress(Struct):
    """Assets so far."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    total: int = 0


class Sample(Struct):
    """What the Run takes."""

    cpus: float
    """In use, on the average since the sample before."""
    memory_bytes: int
    log_lag_bytes: int
    """Written by the child and not stored yet."""


class RunEvent(Struct):
    """Something that Pixmill itself has to say about a Run."""

    offset: int
    """Bytes of the log that were written before it happened."""
    at: str
    """ISO 8601, UTC."""
    kind: str
    message: str
    facts: dict[str, Any]


class RunError(Struct):
    """The exception that ended the child."""

    type: str
    message: str
    traceback: str = ""


class Finish(Struct):
    """The child has ended, and its whole log is sent."""

    exit_code: int | None
    signal: int | None
    ledger_complete: bool
    returned: bool
    error: RunError | None
    limit: str | None = None
    """Which limit the child was ended for, if any."""
