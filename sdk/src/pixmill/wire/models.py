"""Models, ModelVersions and the Hub in JSON."""

from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from pixmill.wire.base import WireModel, WireRequest
from pixmill.wire.problems import Problem

FrameworkName = Literal["onnx", "tflite", "tensorflow", "other"]


class ModelFile(WireModel):
    """One file of a ModelVersion."""

    name: str
    digest: str
    """BLAKE3, hexadecimal."""
    size_bytes: int


class ModelVersion(WireModel):
    """A registered ModelVersion; it never changes."""

    id: str
    address: str
    """`smart-city-yolo/1`."""
    model: str
    version: str
    task: str
    framework: FrameworkName
    family: str | None = None
    """How its head is decoded; None: told from the file's shapes when it is used."""
    labels: list[str]
    """Class names, by class index."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    licence: str | None = None
    source: str
    files: list[ModelFile]
    created_at: AwareDatetime


class Model(WireModel):
    """A Model and its versions, newest first."""

    id: str
    name: str
    created_at: AwareDatetime
    versions: list[ModelVersion]


class ModelPage(WireModel):
    """Models by name."""

    items: list[Model]
    next_cursor: str | None = None


class UploadedFile(WireModel):
    """Bytes that are there now."""

    digest: str
    size_bytes: int


class PushedFile(WireRequest):
    """A file of a new ModelVersion; its bytes were sent before."""

    name: str = Field(min_length=1, max_length=300)
    digest: str = Field(pattern="^[0-9a-f]{64}$")


class PushModelVersion(WireRequest):
    """A new ModelVersion."""

    model: str = Field(min_length=1, max_length=100)
    version: str | None = Field(default=None, max_length=100)
    """None: the next free number."""
    task: str = Field(max_length=50)
    framework: FrameworkName
    family: str | None = Field(default=None, max_length=50)
    labels: list[str] = Field(default_factory=list, max_length=100_000)
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    licence: str | None = Field(default=None, max_length=200)
    files: list[PushedFile] = Field(min_length=1, max_length=1000)


class HubModel(WireModel):
    """A model of the signed-off list."""

    name: str
    title: str
    task: str
    framework: FrameworkName
    family: str
    licence: str
    licence_url: str
    address: str
    sha256: str
    size_bytes: int
    labels: list[str]
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    note: str = ""


class HubPage(WireModel):
    """The list, by name."""

    items: list[HubModel]
    next_cursor: str | None = None


class PullModel(WireRequest):
    """How the Model is called here; None: as on the Hub."""

    to: str | None = Field(default=None, max_length=100)


class PullEvent(WireModel):
    """One line of a pull as it goes on; the last one has `model_version` or `problem`."""

    received_bytes: int = 0
    total_bytes: int = 0
    model_version: ModelVersion | None = None
    problem: Problem | None = None
