"""Processings as values; a public one and one's own look the same."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from pixmill.parameters import ParameterSpec, spec_from_json
from pixmill_server.db.engine import Database
from pixmill_server.kernel.clock import Clock
from pixmill_server.storage.objects import Objects


def new_version_of(schema: Mapping[str, JsonValue]) -> str:
    """How the version begins that its Runs make: `fork` or `empty`; empty text where they make none."""
    return str(schema.get("new_version", ""))


@dataclass(frozen=True, slots=True)
class Processings:
    """What the feature needs, built once in wiring."""

    database: Database
    objects: Objects
    clock: Clock
    environments: Path
    """Where environments are built."""
    sdk_wheel: Path
    """Goes into every environment."""
    sandbox: str
    """By what code is shut in while its schema is read."""
    image_labels: Callable[[str], Mapping[str, str]]
    """Pulls an image and says what its author wrote on it. Raises `OSError`."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a Processing is in the folder that it was pushed as."""

    module: str
    """That which declares it, as Python imports it."""
    root: str
    """Where modules are imported from, below the folder; empty text: the folder itself."""

    def module_path(self, paths: Collection[str]) -> str:
        """The module's file, one of those in the folder."""
        path = f"{self.root}/{self.module}".lstrip("/").replace(".", "/")
        package = f"{path}/__init__.py"
        return package if package in paths else f"{path}.py"


def folder_in(schema: Mapping[str, JsonValue]) -> Folder | None:
    """What a stored schema says of it; None: the code is one file, or an image."""
    told = schema.get("folder")
    return Folder(str(told["module"]), str(told["root"])) if isinstance(told, dict) else None


@dataclass(frozen=True, slots=True)
class ProcessingVersion:
    """The code of a Processing as it was pushed."""

    id: str
    number: int
    code_digest: str
    """BLAKE3 of the source, hexadecimal."""
    source_key: str
    lock_key: str
    schema: Mapping[str, JsonValue]
    """What `pixmill.authoring.schema` read."""
    requires: Mapping[str, JsonValue]
    """`python` and `dependencies` of its header."""
    created_at: datetime

    @property
    def specs(self) -> list[ParameterSpec]:
        """Its Parameters."""
        written = self.schema["parameters"]
        if not isinstance(written, list):
            return []
        return [spec_from_json(one) for one in written if isinstance(one, dict)]

    @property
    def folder(self) -> Folder | None:
        """None: its code is one file, or an image."""
        return folder_in(self.schema)

    @property
    def new_version(self) -> str:
        """As `new_version_of` its schema."""
        return new_version_of(self.schema)


@dataclass(frozen=True, slots=True)
class Processing:
    """A Processing with its versions, and what the asker's Organization set for it."""

    id: str
    name: str
    public: bool
    kind: str
    title: str
    description: str
    versions: tuple[ProcessingVersion, ...]
    """Newest first."""
    defaults: Mapping[str, JsonValue]
    """Parameter to the value that a launch takes where it gives none."""
    compute: str
    """The name of the Compute that a launch takes where it gives none."""
    created_at: datetime

    @property
    def newest(self) -> ProcessingVersion:
        """The version that a launch takes where it names none."""
        return self.versions[0]
