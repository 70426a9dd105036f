"""Writes a version of a Processing; the same code again is no new version."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pixmill.environments import Header
from pixmill.errors import Conflict
from pixmill_server.kernel.ids import new_id
from pixmill_server.processings.records import Processings
from pixmill_server.processings.tables import ProcessingRow, ProcessingVersionRow

_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Code:
    """Code, ready to be stored."""

    source: bytes
    locked: bytes
    header: Header
    schema: Mapping[str, JsonValue]


def store(processings: Processings, code: Code, *, organization_id: str | None, user_id: str | None) -> str:
    """The name of the Processing that the code is now the newest version of; no Organization makes it public."""
    keys = processings.objects.put(code.source), processings.objects.put(code.locked)
    name = str(code.schema["name"])
    for _ in range(_ATTEMPTS):
        try:
            _write(processings, code, keys, organization_id=organization_id, user_id=user_id)
        except IntegrityError:
            # Somebody else took the same number in between: look again at what there is.
            continue
        return name
    raise Conflict(f"Others keep pushing '{name}'.", hint="Push again.")


def _write(
    processings: Processings,
    code: Code,
    keys: tuple[str, str],
    *,
    organization_id: str | None,
    user_id: str | None,
) -> None:
    source_key, lock_key = keys
    name = str(code.schema["name"])
    with processings.database.transaction() as session:
        row = _row(session, processings, name, organization_id)
        row.kind, row.title = str(code.schema["kind"]), str(code.schema["title"])
        row.description = str(code.schema["description"])
        session.flush()
        newest = session.scalars(
            select(ProcessingVersionRow)
            .where(ProcessingVersionRow.processing_id == row.id)
            .order_by(ProcessingVersionRow.number.desc())
            .limit(1)
        ).first()
        if newest is None or (newest.source_key, newest.lock_key, newest.schema) != (source_key, lock_key, code.schema):
            session.add(
                ProcessingVersionRow(
                    id=new_id("procv"),
                    processing_id=row.id,
                    number=newest.number + 1 if newest else 1,
                    code_digest=source_key,
                    source_key=source_key,
                    lock_key=lock_key,
                    schema=dict(code.schema),
                    requires={"python": code.header.requires_python, "dependencies": list(code.header.dependencies)},
                    created_at=processings.clock.now(),
                    created_by=user_id,
                )
            )


def _row(session: Session, processings: Processings, name: str, organization_id: str | None) -> ProcessingRow:
    owned = ProcessingRow.organization_id.is_not_distinct_from(organization_id)
    row = session.scalars(select(ProcessingRow).where(ProcessingRow.name == name, owned)).first()
    if row is None:
        row = ProcessingRow(
            id=new_id("proc"),
            organization_id=organization_id,
            name=name,
            kind="",
            title="",
            description="",
            created_at=processings.clock.now(),
        )
        session.add(row)
    return row
