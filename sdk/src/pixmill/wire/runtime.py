"""The Run protocol: what a supervisor and the server say to each other, under `/api/v1/runtime/runs/{run_id}`.

Every call carries `Authorization: Bearer <run token>` and `Pixmill-Fence: <int>`. Two answers end the conversation:

- 409 with problem type `stale-fence`: the Run was given to somebody else; stop, and stay silent.
- 410: the Run is over; stop.

A 409 with problem type `log-gap` carries `expected`, the offset that the server waits for.
All calls may be repeated: the second time changes nothing.
"""

from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from pixmill.wire.base import WireModel

FENCE_HEADER = "Pixmill-Fence"


class PlannedFolder(WireModel):
    """Code that is a folder."""

    module: str
    """That which declares the Processing, as Python imports it."""
    root: str = ""
    """Where modules are imported from, below the folder; empty text: the folder itself."""


class PlannedProcessing(WireModel):
    """The code of a Run."""

    name: str
    form: Literal["batch", "version"]
    entry: str
    """The name of the class or function in the file."""
    batch_size: int
    """Images per call; 0 for a whole-version function."""
    code_digest: str
    """BLAKE3 of the source, hexadecimal."""
    source_url: str
    """Relative to the server's address."""
    requires_network: bool = False
    new_version: Literal["", "fork", "empty"] = ""
    """How the new version begins that the Run makes; empty text: it makes none."""
    reads_annotations: bool = False
    folder: PlannedFolder | None = None
    """Its code is an archive (tar) of a folder; null: it is one file."""


class PlannedFile(WireModel):
    """A file of the ModelVersion."""

    name: str
    digest: str
    """BLAKE3, hexadecimal."""
    size_bytes: int
    path: str | None = None
    """Where it lies on the server's machine; None where the store is elsewhere."""
    url: str
    """Relative to the server's address."""


class PlannedModel(WireModel):
    """The ModelVersion of a Run, as it was pinned at launch."""

    name: str
    """`smart-city-yolo/1`."""
    task: str
    framework: str
    family: str | None = None
    labels: list[str]
    """Class names, by class index."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    files: list[PlannedFile]


class PlannedVersion(WireModel):
    """Another version that the Run may read, at the Revision that was pinned at launch."""

    parameter: str
    name: str
    """`street/v1@17`."""
    labels: list[str]
    assets: int


class PlannedTotals(WireModel):
    """How much there is to do."""

    assets: int
    chunks: int


class PlannedLimits(WireModel):
    """What the Compute grants."""

    cpus: float
    memory_bytes: int
    """0: no limit."""
    gpus: int = 0
    processes: int = 0
    """Processes and threads at once; 0: no limit."""
    running_seconds: float | None = None
    """How long the child may run; None: as long as it takes."""
    progress_seconds: float | None = None
    """How long it may run without an asset done, failed or skipped; None: as long as it takes."""
    scratch_bytes: int = 0
    """What may be written; 0: no limit."""


class RunPlan(WireModel):
    """All that a supervisor has to know; the same answer for the whole life of a Run."""

    job_id: str
    run_id: str
    run_number: int
    processing: PlannedProcessing
    parameters: dict[str, JsonValue]
    """Every Parameter with its value; a ModelVersion and a DatasetVersion are given as their `name`."""
    model: PlannedModel | None = None
    model_parameter: str | None = None
    """The Parameter that takes the model; None where the Processing takes none."""
    versions: list[PlannedVersion] = Field(default_factory=list)
    """One for each Parameter that is a DatasetVersion and was given."""
    wanted_classes: list[int] | None = None
    """Class indices that go to a Label of the version; None: all."""
    label_map: dict[str, str] | None = None
    """Class name to Label name; None: a class goes to the Label of its own name."""
    labels: list[str]
    """The version's Labels, in their order."""
    version: str
    """`street/v1@17`, the input Revision."""
    totals: PlannedTotals
    limits: PlannedLimits
    heartbeat_seconds: float
    secrets: dict[str, str] = Field(default_factory=dict)
    """Those that the Processing names, as environment variables of the child; to be masked wherever they show."""
    failures_allowed: int | None = None
    """So many assets may fail; one more, and the Run has. None: any number."""


class Progress(WireModel):
    """Assets so far; `done + failed + skipped <= total`."""

    done: int = 0
    failed: int = 0
    skipped: int = 0
    total: int = 0


class Sample(WireModel):
    """What the Run takes."""

    cpus: float = Field(ge=0, allow_inf_nan=False)
    """In use, on the average since the heartbeat before."""
    memory_bytes: int = Field(ge=0, lt=2**62)
    log_lag_bytes: int = Field(default=0, ge=0, lt=2**62)
    """Written by the child and not stored yet."""


class Heartbeat(WireModel):
    """I am alive, and have come so far."""

    progress: Progress = Progress()
    images_per_second: float | None = None
    sample: Sample | None = None
    facts: dict[str, JsonValue] = Field(default_factory=dict)


class HeartbeatAnswer(WireModel):
    """What the server wants."""

    cancel: bool = False


class Started(WireModel):
    """The child's first sign of life: from here the Run is `running`."""

    pid: int | None = None
    sandbox: dict[str, JsonValue] = Field(default_factory=dict)
    """`tier`, and by what each limit is enforced."""


class ChunkAsset(WireModel):
    """An asset to work on."""

    id: str
    path: str
    width: int
    """Display pixels."""
    height: int
    digest: str
    """BLAKE3, hexadecimal; empty for an asset by reference that nobody has read yet."""
    size_bytes: int
    tags: list[str] = Field(default_factory=list)
    media_type: str = ""
    local_path: str | None = None
    """Where its bytes lie on the server's machine; None where they are elsewhere."""
    url: str
    """Relative to the server's address, unless it starts with a scheme."""


class Chunk(WireModel):
    """A piece of the scope."""

    index: int
    assets: list[ChunkAsset]


class ClaimChunk(WireModel):
    """A wish for the next chunk."""

    after: int | None = None
    """The highest index that came so far, -1 before the first: the same wish again gets the same chunk.
    None: of a supervisor that does not say; it gets a chunk that nobody has claimed."""


class ChunkAnswer(WireModel):
    """The next chunk; None when there is no more."""

    chunk: Chunk | None = None


class VersionAssets(WireModel):
    """Some assets of another version, by path."""

    assets: list[ChunkAsset]
    next: str | None
    """What to give as `after` for those that follow; None: there are none."""


class AssetFailure(WireModel):
    """An asset that could not be worked on."""

    asset_id: str
    reason: str
    traceback: str | None = None
    log_offset: int | None = None
    """Where in the log it happened, in bytes."""


class AssetSkip(WireModel):
    """An asset that was left out on purpose."""

    asset_id: str
    reason: str


class StoredImage(WireModel):
    """An image for the new version, kept by its content."""

    digest: str
    """BLAKE3, hexadecimal."""


class StagedAsset(WireModel):
    """An asset for the version that the Run makes."""

    origin: str
    """The id of the asset that it was made of, which is done."""
    path: str
    digest: str
    """Of an image that was sent before."""
    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class StagedChunk(WireModel):
    """What became of a chunk, sent as MessagePack (`model_dump()` packed by msgspec or the like).

    Every asset of the chunk is in exactly one of `done`, `failed` and `skipped`; in a partial chunk, in at most one.
    Only assets that are done have annotations, tags and metadata.
    """

    done: list[str]
    failed: list[AssetFailure] = Field(default_factory=list)
    skipped: list[AssetSkip] = Field(default_factory=list)
    annotations: bytes = b""
    """`AnnotationColumns.to_bytes()`, its `assets` being asset ids and its `labels` the version's; empty for none."""
    tags: dict[str, list[str]] = Field(default_factory=dict)
    """Asset id to the tags to add."""
    metadata: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    """Asset id to the keys to set."""
    dropped: dict[str, int] = Field(default_factory=dict)
    """Class name to the number of shapes left out because no Label takes it."""
    retried: int = Field(default=0, ge=0)
    """Of those that are done: how many only after their batch had failed."""
    partial: bool = False
    """The Run ends in the middle of this chunk."""
    added: list[StagedAsset] = Field(default_factory=list, max_length=1_000_000)
    """All with other paths. An asset of which one is made that is no image has failed, with that reason."""
    added_annotations: bytes = b""
    """Of these: as `annotations`, its `assets` being their paths."""


class LogPosition(WireModel):
    """How far the server has the log."""

    next_offset: int


class RunEvent(WireModel):
    """Something that Pixmill itself has to say about a Run."""

    offset: int
    """Bytes of the log that were written before it happened."""
    at: AwareDatetime
    kind: str
    message: str
    facts: dict[str, JsonValue] = Field(default_factory=dict)


class RunError(WireModel):
    """The exception that ended the child."""

    type: str
    message: str
    traceback: str = ""


class Finish(WireModel):
    """The child has ended, and its whole log is sent. The server decides what that means."""

    exit_code: int | None = None
    """None: a signal ended it, or it never began."""
    signal: int | None = None
    ledger_complete: bool = False
    returned: bool = False
    """Whether a whole-version function returned."""
    error: RunError | None = None
    limit: str | None = None
    """The limit that the supervisor ended the child for, as in `memory`; None: it did not."""


class FinishAnswer(WireModel):
    """How the Run ended."""

    status: Literal["pending", "running", "succeeded", "failed", "cancelled"]
