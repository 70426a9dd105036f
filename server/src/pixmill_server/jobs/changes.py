"""Tells who looks at Jobs that something of them has changed, with one look at the database for all of them together.

Runs are changed by several processes (servers, workers), and looking at the few that are active costs less than telling
each other would. While nobody listens, nobody looks.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from anyio import to_thread
from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pixmill_server.db.engine import Database
from pixmill_server.jobs.lifecycle import ACTIVE, RunStatus
from pixmill_server.jobs.tables import JobRow, RunRow

LOOK_SECONDS = 1.0
NEWEST = 100
"""So many of the newest Runs are looked at, active or not: one may begin and end between two looks."""


@dataclass(frozen=True, slots=True)
class RunGlimpse:
    """Whose a Run is, and whatever pages show of it that can change."""

    organization_id: str
    job_id: str
    shown: tuple[object, ...]


Glimpses = Mapping[str, RunGlimpse]
"""By the Run's id."""


@dataclass(slots=True, eq=False)
class _Listener:
    organization_id: str
    job_id: str | None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    is_new: bool = True


@dataclass(slots=True, eq=False)
class JobChanges:
    """Built once, in wiring; used from one event loop."""

    database: Database
    _listeners: set[_Listener] = field(default_factory=set)
    _looking: asyncio.Task[None] | None = None

    async def heard(self, organization_id: str, job_id: str | None = None) -> AsyncIterator[None]:
        """Comes once soon, and again after each change of a Job of the organization (or of this one); never ends.

        Who reads the Jobs anew whenever it comes has seen everything: the first time is after the first look.
        """
        listener = _Listener(organization_id, job_id)
        self._listeners.add(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            while True:
                await listener.changed.wait()
                listener.changed.clear()
                yield
        finally:
            self._listeners.discard(listener)

    async def _look_on(self) -> None:
        known: Glimpses = {}
        while self._listeners:
            found = await to_thread.run_sync(self._look)
            if found is not None:
                changed = changed_jobs(known, found)
                for listener in self._listeners:
                    if listener.is_new or (listener.organization_id, listener.job_id) in changed:
                        listener.changed.set()
                    listener.is_new = False
                known = found
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self) -> Glimpses | None:
        try:
            with self.database.reading() as session:
                return glimpses(session)
        except SQLAlchemyError:
            # The database is away, and whoever asks for a page is told so: here the next look comes soon enough.
            return None


def glimpses(session: Session) -> Glimpses:
    """Every active Run, and the newest ones."""
    newest = select(RunRow.id).order_by(RunRow.id.desc()).limit(NEWEST).scalar_subquery()
    rows = session.execute(
        select(
            RunRow.id,
            JobRow.organization_id,
            RunRow.job_id,
            RunRow.status,
            RunRow.waits_for,
            RunRow.progress,
            RunRow.partial,
            RunRow.cancel_requested_at,
            # With each sign of life: the running time goes on.
            RunRow.lease_expires_at,
        )
        .join(JobRow, JobRow.id == RunRow.job_id)
        .where(or_(RunRow.status.in_(sorted(ACTIVE)), RunRow.id.in_(newest)))
    ).all()
    standing = Counter(row.status for row in rows if row.status in ACTIVE)
    # What one waits for changes with those ahead of it.
    ahead = tuple(sorted(standing.items()))
    return {
        row.id: RunGlimpse(
            row.organization_id,
            row.job_id,
            (*row[3:], ahead if row.status == RunStatus.PENDING else ()),
        )
        for row in rows
    }


def changed_jobs(before: Glimpses, after: Glimpses) -> set[tuple[str, str | None]]:
    """Organization and Job of each Run that is another than before, and each such organization with None."""
    differing = [
        glimpse
        for run_id in {**before, **after}
        if before.get(run_id) != after.get(run_id) and (glimpse := after.get(run_id) or before.get(run_id))
    ]
    return {(one.organization_id, job_id) for one in differing for job_id in (one.job_id, None)}
