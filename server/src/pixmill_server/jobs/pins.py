"""What a Run pins: the code of a Processing and the files of a ModelVersion, found by name or by id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill.errors import InvalidInput, NotFound
from pixmill.parameters import ParameterSpec, spec_from_json
from pixmill_server.model_registry.tables import ModelFileRow, ModelRow, ModelVersionRow
from pixmill_server.processings.records import Folder, folder_in, new_version_of
from pixmill_server.processings.tables import ProcessingRow, ProcessingSettingsRow, ProcessingVersionRow
from pixmill_server.storage.objects import digest_of

PRE_ANNOTATION = "pre-annotation"
CONTAINER = "container"
"""The executor of Processings that are images."""
_NO_LOCK = digest_of(b"")
"""The lock of what was pushed as an image: only a file has an environment."""


@dataclass(frozen=True, slots=True)
class PinnedProcessing:
    """One version of a Processing's code."""

    id: str
    name: str
    version_id: str
    number: int
    code_digest: str
    source_key: str
    lock_key: str
    schema: Mapping[str, Any]
    defaults: Mapping[str, Any]
    """What the Organization set for it."""
    compute_id: str | None
    """The Organization's default for it; None: `local`."""

    @property
    def specs(self) -> list[ParameterSpec]:
        """Its Parameters."""
        return [spec_from_json(written) for written in self.schema["parameters"]]

    @property
    def image(self) -> Mapping[str, Any] | None:
        """The container image that it is, and how it is run; None: it is a file, whatever its schema says."""
        if self.lock_key != _NO_LOCK:
            return None
        image: Mapping[str, Any] | None = self.schema.get("image")
        return image

    @property
    def folder(self) -> Folder | None:
        """Where the Processing is in the folder of its code; None: it is one file, or an image."""
        return folder_in(self.schema)

    def executor_on(self, compute: str) -> str:
        """What starts its Runs on a Compute with that executor: an image runs in a container of the same machine."""
        return CONTAINER if self.image is not None else compute

    @property
    def whole_version(self) -> bool:
        """Whether it is a function of the whole version, not of batches."""
        return str(self.schema["form"]) == "version"

    @property
    def model_parameter(self) -> str | None:
        """The Parameter that takes the model; None where it takes none."""
        return next(iter(self.schema["takes"]), None)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that it names."""
        return tuple(self.schema.get("secrets", ()))

    @property
    def new_version(self) -> str:
        """As `new_version_of` its schema."""
        return new_version_of(self.schema)

    @property
    def reads_annotations(self) -> bool:
        """Whether its assets come with their annotations."""
        return bool(self.schema.get("reads_annotations"))

    @property
    def annotates(self) -> bool:
        """Whether making shapes is what it is for."""
        return str(self.schema["kind"]) == PRE_ANNOTATION


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file of a ModelVersion."""

    name: str
    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """A ModelVersion."""

    id: str
    name: str
    """`smart-city-yolo/1`."""
    task: str
    framework: str
    family: str | None
    labels: tuple[str, ...]
    parameters: Mapping[str, Any]
    files: tuple[PinnedFile, ...]

    @property
    def digests(self) -> dict[str, str]:
        """File name to BLAKE3."""
        return {file.name: file.digest for file in self.files}


def pin_processing(session: Session, organization_id: str, name: str) -> PinnedProcessing:
    """The newest version, or the one of `NAME@3`; one's own goes before a public one. Raises `NotFound`."""
    bare, _, number = name.partition("@")
    own_or_public = (ProcessingRow.organization_id == organization_id) | ProcessingRow.organization_id.is_(None)
    row = session.scalars(
        select(ProcessingRow)
        .where((ProcessingRow.name == bare) | (ProcessingRow.id == bare), own_or_public)
        .order_by(ProcessingRow.organization_id.is_(None))
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound("Processing", bare, hint="See what there is with `pixmill processings ls`.")
    versions = select(ProcessingVersionRow).where(ProcessingVersionRow.processing_id == row.id)
    if number:
        versions = versions.where(ProcessingVersionRow.number == _number(name, number))
    version = session.scalars(versions.order_by(ProcessingVersionRow.number.desc()).limit(1)).one_or_none()
    if version is None:
        raise NotFound("version of the Processing", name, hint=f"See them with `pixmill processings show {bare}`.")
    settings = session.get(ProcessingSettingsRow, (organization_id, row.id))
    return _processing(row, version, settings)


def processing_of_version(session: Session, version_id: str) -> PinnedProcessing:
    """The code that a Run has pinned."""
    version = session.get_one(ProcessingVersionRow, version_id)
    return _processing(session.get_one(ProcessingRow, version.processing_id), version, None)


def pin_model(session: Session, organization_id: str, name: str) -> PinnedModel:
    """`smart-city-yolo/1`, an id, or the newest version of `smart-city-yolo`. Raises `NotFound`."""
    model, _, version = name.partition("/")
    rows = (
        select(ModelVersionRow, ModelRow.name)
        .join(ModelRow, ModelRow.id == ModelVersionRow.model_id)
        .where(ModelRow.organization_id == organization_id)
    )
    if version:
        rows = rows.where(ModelRow.name == model, ModelVersionRow.name == version)
    else:
        rows = rows.where((ModelRow.name == model) | (ModelVersionRow.id == name))
    found = session.execute(rows.order_by(ModelVersionRow.id.desc()).limit(1)).one_or_none()
    if found is None:
        raise NotFound("model", name, hint="See what there is with `pixmill models ls`.")
    return _model(session, found[0], found[1])


def model_of_version(session: Session, model_version_id: str) -> PinnedModel:
    """The ModelVersion that a Run has pinned."""
    row = session.get_one(ModelVersionRow, model_version_id)
    return _model(session, row, session.get_one(ModelRow, row.model_id).name)


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise InvalidInput(f"'{name}' names no version.", hint="Write it as NAME@3.", field="processing")
    return int(text)


def _processing(
    row: ProcessingRow, version: ProcessingVersionRow, settings: ProcessingSettingsRow | None
) -> PinnedProcessing:
    return PinnedProcessing(
        id=row.id,
        name=row.name,
        version_id=version.id,
        number=version.number,
        code_digest=version.code_digest,
        source_key=version.source_key,
        lock_key=version.lock_key,
        schema=version.schema,
        defaults=settings.defaults if settings else {},
        compute_id=settings.compute_id if settings else None,
    )


def _model(session: Session, row: ModelVersionRow, name: str) -> PinnedModel:
    files = session.scalars(
        select(ModelFileRow).where(ModelFileRow.model_version_id == row.id).order_by(ModelFileRow.name)
    )
    return PinnedModel(
        id=row.id,
        name=f"{name}/{row.name}",
        task=row.task,
        framework=row.framework,
        family=row.family,
        labels=tuple(row.labels),
        parameters=row.parameters,
        files=tuple(PinnedFile(file.name, file.digest, file.size_bytes) for file in files),
    )
