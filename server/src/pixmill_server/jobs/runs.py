"""Adding a Run to a Job, and asking one to stop."""

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pixmill.errors import Conflict
from pixmill_server.db.engine import announce
from pixmill_server.jobs.errors import ActiveRunExists, NewerResultExists, NoPartialResults
from pixmill_server.jobs.lifecycle import PartialState, Reason, RunStatus
from pixmill_server.jobs.queue import QUEUE_TOPIC, end, run_topic, set_deadline
from pixmill_server.jobs.tables import RunRow


def newest_run(session: Session, job_id: str) -> RunRow:
    """The Run that the Job's own status is that of."""
    return session.scalars(select(RunRow).where(RunRow.job_id == job_id).order_by(RunRow.number.desc()).limit(1)).one()


def require_none_active(session: Session, job_id: str) -> RunRow:
    """The newest Run; raises `ActiveRunExists` while it waits or works."""
    run = newest_run(session, job_id)
    if run.state.is_active:
        raise ActiveRunExists(job_id, run.number, run.status)
    return run


def enqueue(session: Session, run: RunRow) -> None:
    """Put a Run into the queue. Raises `ActiveRunExists` where somebody else was faster with the same Job."""
    set_deadline(run)
    session.add(run)
    try:
        session.flush()
    except IntegrityError as error:
        raise ActiveRunExists(run.job_id, run.number, RunStatus.PENDING) from error
    announce(session, QUEUE_TOPIC)


def settle_partial(session: Session, run_id: str, state: PartialState) -> RunRow:
    """The Run, locked for this transaction, with its partial results gone over to a state that is for good.

    Raises `NoPartialResults` where they are not kept (any more).
    """
    run = session.scalars(select(RunRow).where(RunRow.id == run_id).with_for_update()).one()
    if run.partial != PartialState.KEPT:
        raise NoPartialResults(run.number, f"they were {run.partial}" if run.partial else f"it is {run.status}")
    run.partial = state
    return run


def require_no_newer_result(session: Session, run: RunRow) -> None:
    """Raises `NewerResultExists` where a later Run of the Job succeeded, or had its partial results committed."""
    has_result = or_(RunRow.status == RunStatus.SUCCEEDED, RunRow.partial == str(PartialState.COMMITTED))
    later = session.scalar(
        select(RunRow.number)
        .where(RunRow.job_id == run.job_id, RunRow.number > run.number, has_result)
        .order_by(RunRow.number.desc())
        .limit(1)
    )
    if later is not None:
        raise NewerResultExists(run.number, later)


def supersede_partial(session: Session, run: RunRow) -> None:
    """A Run succeeded: partial results of the Job's earlier Runs are of no use any more."""
    session.execute(
        update(RunRow)
        .where(RunRow.job_id == run.job_id, RunRow.number < run.number, RunRow.partial == str(PartialState.KEPT))
        .values(partial=str(PartialState.SUPERSEDED))
        .execution_options(synchronize_session=False)
    )


def cancel(session: Session, job_id: str, *, now: datetime) -> RunRow:
    """End the Job's Run: at once where nothing of it was started, else as soon as its supervisor hears of it.

    The second time nothing changes. Raises `Conflict` where the Run is over.
    """
    run = session.scalars(
        select(RunRow).where(RunRow.job_id == job_id).order_by(RunRow.number.desc()).limit(1).with_for_update()
    ).one()
    if run.state.is_over:
        raise Conflict(f"Run {run.number} of {job_id} is over: it {run.status}.", hint="There is nothing to cancel.")
    run.cancel_requested_at = run.cancel_requested_at or now
    if run.handle is None and run.state is RunStatus.PENDING:
        # Whoever is just building its environment finds it ended, and starts nothing.
        end(session, run, RunStatus.CANCELLED, now=now, reason=Reason.CANCELLED, message="cancelled before it began")
    announce(session, run_topic(run.id))
    return run
