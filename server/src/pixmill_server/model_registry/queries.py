"""Finds Models and ModelVersions of one Organization."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill_server.model_registry.errors import UnknownModel
from pixmill_server.model_registry.records import Framework, Model, ModelFile, ModelVersion
from pixmill_server.model_registry.registry import ModelRegistry
from pixmill_server.model_registry.tables import ModelFileRow, ModelRow, ModelVersionRow


def list_models(registry: ModelRegistry, organization_id: str) -> list[Model]:
    """All Models with their versions, by name."""
    with registry.database.reading() as session:
        models = session.scalars(
            select(ModelRow).where(ModelRow.organization_id == organization_id).order_by(ModelRow.name)
        ).all()
        return [_model(session, row) for row in models]


def find_model(registry: ModelRegistry, organization_id: str, name: str) -> Model:
    """By name or id."""
    with registry.database.reading() as session:
        row = session.scalars(
            select(ModelRow).where(
                ModelRow.organization_id == organization_id, (ModelRow.name == name) | (ModelRow.id == name)
            )
        ).first()
        if row is None:
            raise UnknownModel(name)
        return _model(session, row)


def find_model_version(registry: ModelRegistry, organization_id: str, address: str) -> ModelVersion:
    """By `model/version`, by id, or the newest of `model`."""
    with registry.database.reading() as session:
        return model_version_in(session, organization_id, address)


def model_version_in(session: Session, organization_id: str, address: str) -> ModelVersion:
    """By `model/version`, by id, or the newest of `model`; within somebody's transaction."""
    name, _, version = address.partition("/")
    wanted = (
        select(ModelVersionRow, ModelRow)
        .join(ModelRow, ModelRow.id == ModelVersionRow.model_id)
        .where(ModelRow.organization_id == organization_id)
        .order_by(ModelVersionRow.created_at.desc(), ModelVersionRow.id.desc())
        .limit(1)
    )
    if version:
        wanted = wanted.where(ModelRow.name == name, ModelVersionRow.name == version)
    else:
        wanted = wanted.where((ModelVersionRow.id == address) | (ModelRow.name == address))
    found = session.execute(wanted).first()
    if found is None:
        raise UnknownModel(address)
    row, model = found
    return version_of(row, model, _files(session, row.id))


def version_of(row: ModelVersionRow, model: ModelRow, files: Iterable[ModelFileRow]) -> ModelVersion:
    """Rows as a value."""
    return ModelVersion(
        id=row.id,
        model_id=model.id,
        model=model.name,
        version=row.name,
        task=row.task,
        framework=Framework(row.framework),
        family=row.family,
        labels=tuple(row.labels),
        parameters=dict(row.parameters),
        licence=row.licence,
        source=row.source,
        files=tuple(ModelFile(file.name, file.digest, file.size_bytes) for file in files),
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _model(session: Session, row: ModelRow) -> Model:
    versions = session.scalars(
        select(ModelVersionRow)
        .where(ModelVersionRow.model_id == row.id)
        .order_by(ModelVersionRow.created_at.desc(), ModelVersionRow.id.desc())
    )
    found = tuple(version_of(version, row, _files(session, version.id)) for version in versions.all())
    return Model(row.id, row.name, row.created_at, found)


def _files(session: Session, model_version_id: str) -> list[ModelFileRow]:
    of_version = select(ModelFileRow).where(ModelFileRow.model_version_id == model_version_id)
    return list(session.scalars(of_version.order_by(ModelFileRow.name)))
