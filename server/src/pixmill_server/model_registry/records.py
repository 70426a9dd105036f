"""Models and ModelVersions as values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

PUSHED = "push"


class Framework(StrEnum):
    """What a model file is run with."""

    ONNX = "onnx"
    TFLITE = "tflite"
    TENSORFLOW = "tensorflow"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a ModelVersion."""

    name: str
    digest: str
    """BLAKE3, hexadecimal."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class NewModelVersion:
    """What somebody wants to register; the files' bytes are objects already."""

    model: str
    version: str | None
    """None: the next free number."""
    task: str
    framework: Framework
    family: str | None
    """None: told from the file's shapes when it is used."""
    labels: tuple[str, ...]
    """Class names, by class index."""
    files: tuple[tuple[str, str], ...]
    """Name and BLAKE3 of each."""
    parameters: dict[str, JsonValue] = field(default_factory=dict)
    licence: str | None = None
    source: str = PUSHED


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered ModelVersion; it never changes."""

    id: str
    model_id: str
    model: str
    version: str
    task: str
    framework: Framework
    family: str | None
    labels: tuple[str, ...]
    """Class names, by class index."""
    parameters: dict[str, JsonValue]
    licence: str | None
    source: str
    files: tuple[ModelFile, ...]
    created_at: datetime
    created_by: str

    @property
    def address(self) -> str:
        """`smart-city-yolo/1`."""
        return f"{self.model}/{self.version}"


@dataclass(frozen=True, slots=True)
class Model:
    """A Model and its versions, newest first."""

    id: str
    name: str
    created_at: datetime
    versions: tuple[ModelVersion, ...]
