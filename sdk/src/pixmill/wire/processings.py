"""Processings in JSON."""

from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from pixmill.wire.base import WireModel, WireRequest

ARCHIVE = "application/x-tar"
"""What the code of a folder is sent as: a plain tar (ustar)."""


class TakenModel(WireModel):
    """What a Parameter that takes a model asks of it."""

    type: str = "model"
    task: str = ""
    """Empty: any."""
    frameworks: list[str] = Field(default_factory=list)
    """None: any."""


class ProcessingImage(WireModel):
    """A Processing that is a container image."""

    name: str
    """`registry/blur:2`; what its tag means is found anew by each Run."""
    contract: Literal["folders", "sdk"]
    command: list[str] = Field(default_factory=list)
    source: str = ""
    """Of `sdk`: where the Processing's file is in the image."""


class ProcessingFolder(WireModel):
    """A Processing that is a folder."""

    module: str
    """That which declares it, as Python imports it."""
    root: str = ""
    """Where modules are imported from, below the folder: `src`; empty text: the folder itself."""


class ProcessingSchema(WireModel):
    """What a form and a launch need to know of the code."""

    name: str
    title: str
    description: str
    kind: str
    form: Literal["batch", "version"]
    entry: str
    batch_size: int
    """Its default; 0 for a whole-version function."""
    takes: dict[str, TakenModel]
    """Parameters that take a model."""
    parameters: list[dict[str, JsonValue]]
    """`pixmill.parameters.ParameterSpec`, each as JSON."""
    requires_network: bool = False
    image: ProcessingImage | None = None
    """The container image that it is; None: it is code."""
    folder: ProcessingFolder | None = None
    """Where the Processing is in the folder of its code; None: its code is one file, or an image."""
    secrets: list[str] = Field(default_factory=list)
    """The secrets that a Run gets as environment variables."""
    new_version: Literal["", "fork", "empty"] = ""
    """How the new version begins that each Run makes; empty text: a Run makes none."""
    reads_annotations: bool = False
    """Whether its assets come with their annotations."""


class ProcessingVersion(WireModel):
    """The code as it was pushed once."""

    id: str
    number: int
    code_digest: str
    """BLAKE3 of the source, hexadecimal."""
    created_at: AwareDatetime


class Processing(WireModel):
    """A Processing, its newest version, and what one's Organization set for it."""

    id: str
    name: str
    public: bool
    """Whether it ships with Pixmill."""
    kind: str
    title: str
    description: str
    number: int
    """Of the newest version."""
    code_digest: str
    code_schema: ProcessingSchema
    requires: dict[str, JsonValue]
    """`python` and `dependencies`."""
    defaults: dict[str, JsonValue]
    """Set by one's Organization; they go before the author's."""
    compute: str
    """Where launches go that name no Compute."""
    versions: list[ProcessingVersion]
    """Newest first."""
    created_at: AwareDatetime


class ProcessingPage(WireModel):
    """Processings by name."""

    items: list[Processing]
    next_cursor: str | None = None


class PushProcessing(WireRequest):
    """A file that is a Processing."""

    file_name: str = Field(max_length=200)
    source: str = Field(max_length=4 << 20)


class CopyProcessing(WireRequest):
    """A private Processing with the code of another."""

    to: str = Field(max_length=80)
    """What it is called: small letters and digits, with dashes between words."""


class PushImage(WireRequest):
    """A container image that is a Processing."""

    image: str = Field(max_length=255)
    flags: list[str] = Field(default_factory=list, max_length=50)
    """`--env=NAME=VALUE`, `--shm-size=1g`, `--user=1000:1000`, `--workdir=/app`."""
    declaration: str | None = Field(default=None, max_length=1 << 20)
    """TOML; null: the image carries it in its label `io.pixmill.processing`."""


class SetProcessing(WireRequest):
    """Defaults of one's own; null takes a Parameter back to its author's default."""

    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    compute: str | None = None
