"""What Runs leave behind and nobody needs any more: staged results and lists of assets."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from pixmill_server.db.engine import Database
from pixmill_server.jobs.lifecycle import ACTIVE, PartialState, RunStatus
from pixmill_server.jobs.scope import drop_scope
from pixmill_server.jobs.staging import drop_staged
from pixmill_server.jobs.tables import RunRow
from pixmill_server.processings.tables import ProcessingVersionRow
from pixmill_server.storage.objects import Objects

KEPT_FOR: Final = timedelta(days=30)
"""After which partial results that nobody committed or dropped are dropped."""
_AT_ONCE: Final = 50
_NEEDED: Final = [str(PartialState.KEPT), str(PartialState.RESUMED)]


def clear_away(database: Database, objects: Objects, *, now: datetime) -> int:
    """Remove the files of Runs that are over and were committed, dropped or superseded; how many Runs were cleared."""
    _drop_old(database, now=now)
    with database.reading() as session:
        needless = or_(RunRow.partial.is_(None), RunRow.partial.not_in(_NEEDED))
        over = RunRow.status.not_in([str(status) for status in ACTIVE])
        rows = session.scalars(
            select(RunRow).where(over, needless, RunRow.cleared_at.is_(None)).order_by(RunRow.id).limit(_AT_ONCE)
        )
        runs = [(run.id, run.files_id) for run in rows]
    for run_id, files_id in runs:
        drop_staged(objects, files_id)
        drop_scope(objects, files_id)
        with database.transaction() as session:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(cleared_at=now))
    return len(runs)


@dataclass(frozen=True, slots=True)
class NeededLocks:
    """Objects that hold the locks of environments."""

    of_newest: frozenset[str]
    """Of the newest version of each Processing."""
    of_runs: frozenset[str]
    """Of Runs that wait or work, or can be gone on with."""


def needed_locks(session: Session) -> NeededLocks:
    """Those that somebody may want an environment of without having asked for it lately."""
    version, newest = ProcessingVersionRow, aliased(ProcessingVersionRow)
    numbers = select(newest.processing_id, func.max(newest.number)).group_by(newest.processing_id)
    of_newest = select(version.lock_key).where(tuple_(version.processing_id, version.number).in_(numbers))
    runs = or_(RunRow.status.in_([str(status) for status in ACTIVE]), RunRow.partial == str(PartialState.KEPT))
    of_runs = select(version.lock_key).join(RunRow, RunRow.processing_version_id == version.id).where(runs)
    return NeededLocks(frozenset(session.scalars(of_newest)), frozenset(session.scalars(of_runs)))


def _drop_old(database: Database, *, now: datetime) -> None:
    over = RunRow.status.in_([str(RunStatus.FAILED), str(RunStatus.CANCELLED)])
    old = (over, RunRow.partial == str(PartialState.KEPT), RunRow.ended_at < now - KEPT_FOR)
    with database.reading() as session:
        if session.scalar(select(RunRow.id).where(*old).limit(1)) is None:
            return
    with database.transaction() as session:
        session.execute(update(RunRow).where(*old).values(partial=str(PartialState.DROPPED)))
