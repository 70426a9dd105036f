"""What Pixmill itself has to say about a Run, kept apart from its log, each with the place in the log it belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill_server.db.engine import announce
from pixmill_server.jobs.logs import log_topic
from pixmill_server.jobs.tables import RunEventRow
from pixmill_server.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to say."""

    offset: int
    """Bytes of the log that were written before it happened."""
    at: datetime
    kind: str
    message: str
    facts: dict[str, Any] = field(default_factory=dict)


def add_events(session: Session, run_id: str, events: Iterable[Event]) -> None:
    """Store events; one that is stored already is passed over, so that a call may be repeated."""
    known = {(row.offset, row.at, row.kind, row.message) for row in _rows(session, run_id, after="")}
    for event in events:
        if (event.offset, event.at, event.kind, event.message) not in known:
            session.add(
                RunEventRow(
                    run_id=run_id,
                    id=new_id("ev"),
                    offset=event.offset,
                    at=event.at,
                    kind=event.kind,
                    message=event.message,
                    facts=event.facts,
                )
            )
    announce(session, log_topic(run_id))


def events_of(session: Session, run_id: str, *, after: str = "") -> list[tuple[str, Event]]:
    """Events with their ids, in the order in which they were stored; `after` is the last id that is known."""
    return [
        (row.id, Event(row.offset, row.at, row.kind, row.message, dict(row.facts)))
        for row in _rows(session, run_id, after=after)
    ]


def _rows(session: Session, run_id: str, *, after: str) -> list[RunEventRow]:
    return list(
        session.scalars(
            select(RunEventRow).where(RunEventRow.run_id == run_id, RunEventRow.id > after).order_by(RunEventRow.id)
        )
    )
