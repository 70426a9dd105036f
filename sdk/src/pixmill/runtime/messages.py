"""What supervisor and child say to each other. Both are of one release: the SDK's wheel is in every environment."""

from typing import Any

from msgspec import Struct, field


class SeenModel(Struct):
    """The ModelVersion, with its files where the child finds them."""

    name: str
    task: str
    framework: str
    family: str | None
    labels: list[str]
    parameters: dict[str, Any]
    files: dict[str, str]
    wanted: list[int] | None


class SeenVersion(Struct):
    """Another version that the Processing may read."""

    parameter: str
    name: str
    """`street/v1@17`."""
    labels: list[str]
    size: int
    """How many assets."""


class SeenLandlock(Struct):
    """What the child may still open, if it has to shut itself in."""

    readable: list[str]
    writable: list[str]
    network: bool


class SeenConfinement(Struct):
    """What the child gives up and takes on before it loads user code; 0: no limit."""

    landlock: SeenLandlock | None = None
    drop_capabilities: bool = False
    refuse_sockets: bool = False
    data_bytes: int = 0
    """Of one process."""
    file_bytes: int = 0
    """Of one file."""
    tasks: int = 0
    """Processes and threads of its user."""


class Setup(Struct, tag="setup"):
    """The first message to the child."""

    source: str
    """Where it finds the Processing's file; of a folder, what its modules are imported from."""
    form: str
    """batch or version."""
    batch_size: int
    parameters: dict[str, Any]
    labels: list[str]
    version: str
    scratch: str
    threads: int
    total: int
    """Assets in scope."""
    label_map: dict[str, str] | None = None
    """Class name to Label; None: a class goes to the Label of its own name."""
    model: SeenModel | None = None
    model_parameter: str | None = None
    versions: list[SeenVersion] = field(default_factory=list)
    confinement: SeenConfinement = field(default_factory=SeenConfinement)
    failures_allowed: int | None = None
    """So many assets may fail; None: any number."""
    secrets: dict[str, str] = field(default_factory=dict)
    """Environment variables, told here because others can read those that a process is started with."""
    new_version: str = ""
    """How the version begins that the Run makes: fork or empty; "": it makes none."""
    mark: str = ""
    """The word of the marks in this Run's log; "": it gets none."""
    module: str = ""
    """Of a folder: that which declares the Processing; "": its code is one file."""


class ChunkBegins(Struct, tag="chunk"):
    """`size` assets of this chunk follow.

    Where the Processing reads them, their annotations come as the frame's bytes (`AnnotationColumns.to_bytes()`).
    """

    reading: int
    """Which reading of the version asked for it."""
    position: int
    """Which chunk of this reading it is: 0, 1, ..."""
    index: int
    """The chunk's own number."""
    size: int


class AssetComes(Struct, tag="asset"):
    """One asset; its file's bytes come with it, unless nobody asked for them or they cannot be read."""

    reading: int
    id: str
    path: str
    width: int
    height: int
    tags: list[str]
    unreadable: str = ""
    """Why there are no bytes."""


class NoMoreChunks(Struct, tag="end"):
    """This reading has seen every asset."""

    reading: int


class SeenAsset(Struct):
    """An asset of another version."""

    id: str
    path: str
    width: int
    height: int
    tags: list[str]


class VersionPage(Struct, tag="version-page"):
    """Some assets of another version; their annotations come as the frame's bytes."""

    number: int
    """Of the `WantVersion` that asked."""
    assets: list[SeenAsset]
    next: str | None
    """What to ask for next; None: there are no more."""


class VersionImage(Struct, tag="version-image"):
    """The bytes of an image of a `VersionPage`, which came before; empty where they cannot be read."""

    number: int
    position: int
    """On the page: 0, 1, ..."""
    unreadable: str
    """Why there are no bytes."""


ToChild = Setup | ChunkBegins | AssetComes | NoMoreChunks | VersionPage | VersionImage


class Hello(Struct, tag="hello"):
    """The child lives, and its code is not loaded yet."""

    pid: int


class Want(Struct, tag="want"):
    """Send the chunk at this position (0, 1, ...) of a reading."""

    reading: int
    position: int
    images: bool


class WantVersion(Struct, tag="want-version"):
    """Send a page of another version, before any chunk that is still to come."""

    number: int
    parameter: str
    after: str
    """The path before the first asset; "": from the start."""
    limit: int
    images: bool


class Progressed(Struct, tag="progress"):
    """Assets so far."""

    done: int
    failed: int
    skipped: int


class AssetFailed(Struct, tag="failed"):
    """An asset failed just now."""

    asset_id: str
    path: str
    reason: str
    mark: int = 0
    """Of the place in the log where it is spoken of; 0: it is not."""


class Happened(Struct, tag="event"):
    """Something to say about the Run that is not the Processing's own word."""

    kind: str
    message: str
    facts: dict[str, Any]


class Stated(Struct, tag="stated"):
    """What a Processing says of how it works, once it is ready: engine, precision and the like."""

    facts: dict[str, Any]


class ImageMade(Struct, tag="image"):
    """An image for the new version; its file's bytes come with it. A `ChunkResult` says what it is for."""

    number: int
    """Counted by the child."""


class FailedAsset(Struct):
    """An asset of a chunk that could not be worked on."""

    asset_id: str
    reason: str
    traceback: str | None


class SkippedAsset(Struct):
    """An asset of a chunk that was left out on purpose."""

    asset_id: str
    reason: str


class AddedAsset(Struct):
    """An asset for the new version."""

    origin: str
    """The id of the asset that it was made of."""
    number: int
    """Of its image."""
    path: str
    tags: list[str]
    metadata: dict[str, Any]


class ChunkResult(Struct, tag="result"):
    """What became of a chunk; its annotations come as the frame's bytes (`AnnotationColumns.to_bytes()`)."""

    index: int
    done: list[str]
    failed: list[FailedAsset]
    skipped: list[SkippedAsset]
    tags: dict[str, list[str]]
    metadata: dict[str, dict[str, Any]]
    dropped: dict[str, int]
    retried: int = 0
    """Of those that are done: how many only after their batch had failed."""
    partial: bool = False
    """The Run ends in the middle of this chunk."""
    added: list[AddedAsset] = field(default_factory=list)
    """All with other paths."""
    added_annotations: bytes = b""
    """Of these, by path: `AnnotationColumns.to_bytes()`; empty for none."""


class ErrorText(Struct):
    """An exception."""

    type: str
    message: str
    traceback: str = ""


class Ended(Struct, tag="ended"):
    """The last message of a child that came to an end by itself."""

    returned: bool
    error: ErrorText | None = None


FromChild = Hello | Want | WantVersion | Progressed | AssetFailed | Happened | Stated | ImageMade | ChunkResult | Ended
