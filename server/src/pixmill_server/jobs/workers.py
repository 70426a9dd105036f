"""Workers: who is there, and which Runs each has placed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from pixmill_server.computes.tables import ComputeRow
from pixmill_server.jobs.lifecycle import ACTIVE
from pixmill_server.jobs.pins import PinnedProcessing, processing_of_version
from pixmill_server.jobs.queue import is_supervised
from pixmill_server.jobs.tables import RunRow, WorkerRow

WORKER_SILENCE = timedelta(seconds=15)
"""After which a worker is taken for gone."""
_ACTIVE = [str(status) for status in ACTIVE]


@dataclass(frozen=True, slots=True)
class PlacedRun:
    """A Run whose supervisor an executor has started."""

    run_id: str
    job_id: str
    number: int
    fence: int
    executor: str
    handle: str


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker has to know to place a Run."""

    processing: PinnedProcessing
    executor: str
    cpus: float
    memory_bytes: int
    image_digest: str | None
    """What the Run has pinned already; None: what the image's tag means is found when it is placed."""
    cancel_requested: bool


def seen(session: Session, worker_id: str, *, machine: str, pid: int, now: datetime) -> None:
    """A worker's own sign of life."""
    row = session.get(WorkerRow, worker_id)
    if row is None:
        session.add(WorkerRow(id=worker_id, machine=machine, pid=pid, started_at=now, seen_at=now))
        return
    row.seen_at = now


def gone(session: Session, worker_id: str) -> None:
    """A worker has ended in good order; its row stays while Runs go on without it, to say on which machine they are."""
    row = session.get(WorkerRow, worker_id)
    if row is None:
        return
    row.seen_at -= 2 * WORKER_SILENCE
    session.flush()
    _forget_idle(session, [worker_id])


def take_over(session: Session, worker_id: str, *, machine: str, is_alive: Callable[[int], bool], now: datetime) -> int:
    """Runs that workers of this machine placed who are gone are this one's from now on; how many.

    `is_alive` tells by its number whether a process of this machine is there.
    """
    others = session.scalars(select(WorkerRow).where(WorkerRow.machine == machine, WorkerRow.id != worker_id)).all()
    silent = [row.id for row in others if row.seen_at < now - WORKER_SILENCE or not is_alive(row.pid)]
    if not silent:
        return 0
    statement = (
        update(RunRow)
        .where(RunRow.status.in_(_ACTIVE), RunRow.handle.is_not(None), RunRow.lease_owner.in_(silent))
        .values(lease_owner=worker_id)
        .returning(RunRow.id)
        .execution_options(synchronize_session=False)
    )
    taken = len(session.scalars(statement).all())
    _forget_idle(session, silent)
    return taken


def _forget_idle(session: Session, worker_ids: Sequence[str]) -> None:
    """Remove those of the workers that have no Run, not even one that is still being placed."""
    busy = select(RunRow.lease_owner).where(RunRow.status.in_(_ACTIVE), RunRow.lease_owner.in_(worker_ids))
    session.execute(
        delete(WorkerRow)
        .where(WorkerRow.id.in_(worker_ids), WorkerRow.id.not_in(busy))
        .execution_options(synchronize_session=False)
    )


def order_for(session: Session, run_id: str) -> Order:
    """What is to be placed, and where."""
    run = session.get_one(RunRow, run_id)
    compute = session.get_one(ComputeRow, run.compute_id)
    processing = processing_of_version(session, run.processing_version_id)
    return Order(
        processing=processing,
        executor=processing.executor_on(compute.executor),
        cpus=compute.cpus,
        memory_bytes=compute.memory_bytes,
        image_digest=run.image_digest,
        cancel_requested=run.cancel_requested_at is not None,
    )


def placed_by(session: Session, worker_id: str) -> list[PlacedRun]:
    """The Runs that the worker watches."""
    return _placed(session, RunRow.lease_owner == worker_id, RunRow.status.in_(_ACTIVE))


def is_any_supervised(session: Session) -> bool:
    """Whether there is a Run, of whichever worker, that only its supervisor keeps alive."""
    return bool(session.scalar(select(exists().where(RunRow.status.in_(_ACTIVE), is_supervised()))))


def placed_among(session: Session, run_ids: Collection[str]) -> list[PlacedRun]:
    """Those of the Runs that were placed, whatever became of them."""
    return _placed(session, RunRow.id.in_(run_ids))


def ended_among(session: Session, run_ids: Collection[str]) -> set[str]:
    """Those of the Runs that are over."""
    is_over = RunRow.status.not_in(_ACTIVE)
    return set(session.scalars(select(RunRow.id).where(RunRow.id.in_(run_ids), is_over)))


def _placed(session: Session, *conditions: Any) -> list[PlacedRun]:
    rows = session.execute(
        select(RunRow, ComputeRow.executor)
        .join(ComputeRow, ComputeRow.id == RunRow.compute_id)
        .where(RunRow.handle.is_not(None), *conditions)
        .order_by(RunRow.id)
    )
    return [
        PlacedRun(
            run.id,
            run.job_id,
            run.number,
            run.fence,
            processing_of_version(session, run.processing_version_id).executor_on(executor),
            run.handle or "",
        )
        for run, executor in rows
    ]
