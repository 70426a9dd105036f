"""The queue of Runs: claim under a lease and a fence, keep the lease alive, take back what nobody keeps alive.

A fence grows with every claim. Whoever holds an older one is told `StaleFence` and can change nothing.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true, update
from sqlalchemy.orm import Session, aliased

from pixmill.errors import NotFound, NotSignedIn
from pixmill_server.computes.tables import ComputeRow
from pixmill_server.db.engine import announce
from pixmill_server.jobs.errors import RunIsOver, StaleFence
from pixmill_server.jobs.ledger import counts_of, ledger_of
from pixmill_server.jobs.lifecycle import ACTIVE, PartialState, Reason, RunStatus
from pixmill_server.jobs.logs import log_topic
from pixmill_server.jobs.tables import RunRow
from pixmill_server.jobs.timeouts import Times, next_deadline

LEASE = timedelta(seconds=20)
HEARTBEAT_SECONDS = 2.0
MOST_CLAIMS = 3
"""A Run whose worker died before anything was started is claimed anew, this often in all."""

LOST_MESSAGE = "nobody gave a sign of life for it: its worker or its machine went away"

QUEUE_TOPIC = "queue"
"""Announced when a Run was put into the queue or a place on a Compute has become free."""

_ACTIVE = [str(status) for status in ACTIVE]


@dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A Run that a worker is now responsible for; the token is told here and never again."""

    run_id: str
    job_id: str
    number: int
    fence: int
    token: str


def run_topic(run_id: str) -> str:
    """Announced whenever anything about the Run changed but its log."""
    return f"run:{run_id}"


def claim(session: Session, *, worker: str, now: datetime) -> ClaimedRun | None:
    """Take the first Run that waits for a place which is free; None where there is none.

    Of several workers at once each gets another Run, and no Compute more Runs than it has places.
    """
    # The locks keep two workers from counting the same free place. A Compute that somebody else is just
    # counting is left out: the next look finds it.
    computes = session.scalars(select(ComputeRow.id).order_by(ComputeRow.id).with_for_update(skip_locked=True)).all()
    token = secrets.token_urlsafe(32)
    statement = (
        update(RunRow)
        .where(RunRow.id == _next_in_line(computes, now))
        .values(
            lease_owner=worker,
            fence=RunRow.fence + 1,
            lease_expires_at=now + LEASE,
            claimed_at=now,
            token_hash=hash_token(token),
            waits_for="its worker to begin",
        )
        .returning(RunRow.id, RunRow.job_id, RunRow.number, RunRow.fence)
        .execution_options(synchronize_session=False)
    )
    found = session.execute(statement).one_or_none()
    if found is None:
        return None
    set_deadline(session.get_one(RunRow, found.id, populate_existing=True))
    announce(session, run_topic(found.id))
    return ClaimedRun(found.id, found.job_id, found.number, found.fence, token)


def is_anything_waiting(session: Session, *, now: datetime) -> bool:
    """Whether some Run might be claimed: a cheap look before `claim` takes locks."""
    waiting = or_(RunRow.lease_owner.is_(None), _abandoned_unbegun(now))
    return bool(session.scalar(select(exists().where(RunRow.status == RunStatus.PENDING, waiting))))


def _next_in_line(computes: Sequence[str], now: datetime) -> Any:
    busy = aliased(RunRow)
    taken = (
        select(func.count())
        .select_from(busy)
        .where(busy.compute_id == RunRow.compute_id, busy.status.in_(_ACTIVE), busy.lease_expires_at >= now)
        .scalar_subquery()
    )
    return (
        select(RunRow.id)
        .join(ComputeRow, ComputeRow.id == RunRow.compute_id)
        .where(
            RunRow.compute_id.in_(computes),
            RunRow.status == RunStatus.PENDING,
            RunRow.cancel_requested_at.is_(None),
            or_(RunRow.lease_owner.is_(None), _abandoned_unbegun(now)),
            RunRow.fence < MOST_CLAIMS,
            taken < ComputeRow.concurrency,
        )
        .order_by(RunRow.priority.desc(), RunRow.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=RunRow)
        .scalar_subquery()
    )


def _abandoned_unbegun(now: datetime) -> ColumnElement[bool]:
    """Its worker is gone, and had not started anything yet: another one may begin it."""
    return and_(RunRow.handle.is_(None), RunRow.status == RunStatus.PENDING, RunRow.lease_expires_at < now)


def expire(session: Session, *, now: datetime) -> list[str]:
    """End every Run that nobody kept alive: failed, reason `lost`, or cancelled where that was asked for.

    The ids of those that ended. One that was not begun waits for another worker instead.
    """
    out = and_(RunRow.status.in_(_ACTIVE), RunRow.lease_expires_at < now)
    asked = RunRow.cancel_requested_at.is_not(None)
    for_good = or_(~_abandoned_unbegun(now), RunRow.fence >= MOST_CLAIMS)
    lost = [
        *_end_all(session, and_(out, asked), RunStatus.CANCELLED, Reason.CANCELLED, "cancelled on request", now),
        *_end_all(session, and_(out, ~asked, for_good), RunStatus.FAILED, Reason.LOST, LOST_MESSAGE, now),
    ]
    for run_id in lost:
        _settle(session, session.get_one(RunRow, run_id, populate_existing=True))
        announce(session, run_topic(run_id))
    if lost:
        announce(session, QUEUE_TOPIC)
    return lost


def end_overdue(session: Session, *, now: datetime, can_be_heard: bool = True) -> list[str]:
    """End every Run whose time is up: failed, reason `timeout`, with the limit it went beyond; the ids.

    A Run that was placed is left alone while it cannot be heard: nobody knows how far it is.
    """
    overdue = session.scalars(
        select(RunRow)
        .where(RunRow.status.in_(_ACTIVE), RunRow.deadline_at < now)
        .where(true() if can_be_heard else ~is_supervised())
        .order_by(RunRow.id)
        .with_for_update(skip_locked=True)
    ).all()
    for run in overdue:
        deadline = next_deadline(run.timeouts, _times(run))
        message = deadline.timeout.exceeded(deadline.seconds) if deadline else "its time is up"
        end(session, run, RunStatus.FAILED, now=now, reason=Reason.TIMEOUT, message=message)
    return [run.id for run in overdue]


def is_supervised() -> ColumnElement[bool]:
    """Of an active Run: whether only its supervisor can tell of it. It may be heard before its worker says `placed`."""
    return or_(RunRow.handle.is_not(None), RunRow.status == RunStatus.RUNNING)


def set_deadline(run: RunRow) -> None:
    """Work out anew when the Run's time is up; to be called when a part of its life begins, and when it progresses."""
    deadline = next_deadline(run.timeouts, _times(run)) if run.timeouts else None
    run.deadline_at = deadline.at if deadline else None


def put_off_deadline(run: RunRow, *, progressed_at: datetime) -> None:
    """The same when the Run has progressed; what `adopt` gave it is not taken away again."""
    run.progressed_at = progressed_at
    before = run.deadline_at
    if before is not None:
        set_deadline(run)
        run.deadline_at = max(before, run.deadline_at or before)


def _times(run: RunRow) -> Times:
    return Times(run.created_at, run.claimed_at, run.started_at, run.progressed_at)


def _end_all(
    session: Session, which: ColumnElement[bool], status: RunStatus, reason: Reason, message: str, now: datetime
) -> list[str]:
    statement = (
        update(RunRow)
        .where(which)
        .values(
            status=status,
            reason=reason,
            message=message,
            waits_for=None,
            ended_at=now,
            token_hash=None,
            deadline_at=None,
        )
        .returning(RunRow.id)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(statement))


def adopt(session: Session, *, now: datetime) -> int:
    """After a time in which no supervisor could reach the server: give every lease its whole length again.

    No Run is overdue before its supervisor could tell what became of it meanwhile, or that it has progressed.
    """
    limited = and_(RunRow.status.in_(_ACTIVE), is_supervised(), RunRow.deadline_at.is_not(None))
    for run in session.scalars(select(RunRow).where(limited).order_by(RunRow.id).with_for_update()):
        if run.state is RunStatus.RUNNING:
            put_off_deadline(run, progressed_at=now)
        if run.deadline_at is not None:
            run.deadline_at = max(run.deadline_at, now + LEASE)
    statement = (
        update(RunRow)
        .where(RunRow.status.in_(_ACTIVE), RunRow.lease_expires_at.is_not(None), RunRow.lease_expires_at < now + LEASE)
        .values(lease_expires_at=now + LEASE)
        .returning(RunRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.scalars(statement).all())


def held(session: Session, run_id: str, fence: int) -> RunRow:
    """The Run, locked for this transaction, for whoever holds its fence.

    Raises `NotFound`, `StaleFence`, or `RunIsOver`.
    """
    run = session.scalars(select(RunRow).where(RunRow.id == run_id).with_for_update()).one_or_none()
    if run is None:
        raise NotFound("Run", run_id)
    if fence != run.fence:
        raise StaleFence(run_id, fence)
    if run.state.is_over:
        raise RunIsOver(run_id, run.status)
    return run


def authorize(session: Session, run_id: str, *, token: str, fence: int) -> RunRow:
    """The Run, for a supervisor's call; its end is no obstacle here. Raises `NotSignedIn`, or `StaleFence`."""
    run = session.get(RunRow, run_id)
    if run is None:
        raise NotSignedIn("This token is not that of the Run.")
    if fence < run.fence:
        raise StaleFence(run_id, fence)
    # A Run that is over has no token any more: whoever held it learns of the end, and can do nothing with it.
    if run.token_hash is None and run.state.is_over:
        raise RunIsOver(run_id, run.status)
    if run.token_hash is None or not secrets.compare_digest(run.token_hash, hash_token(token)) or fence != run.fence:
        raise NotSignedIn("This token is not that of the Run.")
    return run


def renew(session: Session, run_id: str, fence: int, *, now: datetime, waits_for: str | None = None) -> RunRow:
    """A worker's or a supervisor's sign of life: the lease runs its whole length again."""
    run = held(session, run_id, fence)
    # A commit has asked for longer: a heartbeat meanwhile takes nothing of that away.
    run.lease_expires_at = max(run.lease_expires_at or now, now + LEASE)
    if waits_for is not None and run.state is RunStatus.PENDING and run.waits_for != waits_for:
        run.waits_for = waits_for
        announce(session, run_topic(run_id))
    return run


def placed(session: Session, run_id: str, fence: int, *, handle: str, now: datetime) -> None:
    """The executor has started the supervisor: from here only the supervisor keeps the lease alive."""
    run = renew(session, run_id, fence, now=now, waits_for="its process to start")
    run.handle = handle


def started(session: Session, run_id: str, fence: int, *, now: datetime, facts: dict[str, Any]) -> RunRow:
    """The child's first sign of life: the Run is `running`, and metering begins. The second time nothing changes."""
    run = renew(session, run_id, fence, now=now)
    run.facts = {**run.facts, **facts}
    if run.state.may_become(RunStatus.RUNNING):
        run.status = RunStatus.RUNNING
        run.started_at = now
        run.waits_for = None
        set_deadline(run)
    announce(session, run_topic(run_id))
    return run


def end(
    session: Session, run: RunRow, status: RunStatus, *, now: datetime, reason: Reason | None, message: str
) -> None:
    """Put an end to a Run that `held` gave; its token dies with it."""
    if not run.state.may_become(status):
        raise RunIsOver(run.id, run.status)
    run.status, run.reason, run.message = status, reason, message
    run.ended_at, run.waits_for, run.token_hash, run.deadline_at = now, None, None, None
    if status is not RunStatus.SUCCEEDED:
        _settle(session, run)
    announce(session, run_topic(run.id))
    announce(session, log_topic(run.id))
    announce(session, QUEUE_TOPIC)


def _settle(session: Session, run: RunRow) -> None:
    """Add up what became of the assets of a Run that ended without a commit."""
    run.counts = counts_of(ledger_of(session, run))
    run.partial = PartialState.KEPT


def fail(session: Session, run_id: str, fence: int, *, now: datetime, reason: Reason, message: str) -> None:
    """What a worker says of a Run that it could not place."""
    end(session, held(session, run_id, fence), RunStatus.FAILED, now=now, reason=reason, message=message)


def hash_token(token: str) -> bytes:
    """As it is kept: tokens have 256 bits of chance, so that no salt is needed."""
    return hashlib.sha256(token.encode()).digest()
