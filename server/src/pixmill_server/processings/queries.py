"""Finds Processings: the public ones, and those of one's own Organization, which go first where names are equal."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill.errors import NotFound
from pixmill_server.computes.computes import LOCAL
from pixmill_server.computes.tables import ComputeRow
from pixmill_server.processings.records import Processing, Processings, ProcessingVersion
from pixmill_server.processings.tables import ProcessingRow, ProcessingSettingsRow, ProcessingVersionRow
from pixmill_server.storage.objects import require_digest


def list_processings(processings: Processings, organization_id: str) -> list[Processing]:
    """Public and own, by name."""
    with processings.database.reading() as session:
        rows = session.scalars(
            select(ProcessingRow)
            .where((ProcessingRow.organization_id == organization_id) | ProcessingRow.organization_id.is_(None))
            .order_by(ProcessingRow.name, ProcessingRow.id)
        ).all()
        return [_processing(session, row, organization_id) for row in rows]


def find_processing(processings: Processings, organization_id: str, name: str) -> Processing:
    """By name or id."""
    with processings.database.reading() as session:
        return processing_in(session, organization_id, name)


def read_source(processings: Processings, version: ProcessingVersion) -> bytes:
    """The file as it was pushed; of a folder, its archive; of an image, what was said of it."""
    return processings.objects.get(require_digest(version.source_key))


def processing_in(session: Session, organization_id: str, name: str) -> Processing:
    """By name or id, within somebody's transaction."""
    row = session.scalars(
        select(ProcessingRow)
        .where(
            (ProcessingRow.name == name) | (ProcessingRow.id == name),
            (ProcessingRow.organization_id == organization_id) | ProcessingRow.organization_id.is_(None),
        )
        .order_by(ProcessingRow.organization_id.is_(None))
    ).first()
    if row is None:
        raise NotFound("Processing", name, hint="See what there is with `pixmill processings ls`.")
    return _processing(session, row, organization_id)


def _processing(session: Session, row: ProcessingRow, organization_id: str) -> Processing:
    versions = session.scalars(
        select(ProcessingVersionRow)
        .where(ProcessingVersionRow.processing_id == row.id)
        .order_by(ProcessingVersionRow.number.desc())
    )
    settings = session.get(ProcessingSettingsRow, (organization_id, row.id))
    compute = session.get(ComputeRow, settings.compute_id) if settings and settings.compute_id else None
    return Processing(
        id=row.id,
        name=row.name,
        public=row.organization_id is None,
        kind=row.kind,
        title=row.title,
        description=row.description,
        versions=tuple(_version(version) for version in versions),
        defaults=dict(settings.defaults) if settings else {},
        compute=compute.name if compute else LOCAL,
        created_at=row.created_at,
    )


def _version(row: ProcessingVersionRow) -> ProcessingVersion:
    return ProcessingVersion(
        id=row.id,
        number=row.number,
        code_digest=row.code_digest,
        source_key=row.source_key,
        lock_key=row.lock_key,
        schema=row.schema,
        requires=row.requires,
        created_at=row.created_at,
    )
