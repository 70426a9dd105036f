"""Adding a Run to a Job, and asking one to stop."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pixmill.errors import Conflict
from pixmill_server.db.engine import announce
from pixmill_server.jobs.errors import ActiveRunExists
from pixmill_server.jobs.lifecycle import Reason, RunStatus
from pixmill_server.jobs.queue import QUEUE_TOPIC, end, run_topic
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
    session.add(run)
    try:
        session.flush()
    except IntegrityError as error:
        raise ActiveRunExists(run.job_id, run.number, RunStatus.PENDING) from error
    announce(session, QUEUE_TOPIC)


def cancel(session: Session, job_id: str, *, now: datetime) -> RunRow:
    """End the Job's Run: at once where nobody has claimed it, else as soon as its supervisor hears of it.

    The second time nothing changes. Raises `Conflict` where the Run is over.
    """
    run = session.scalars(
        select(RunRow).where(RunRow.job_id == job_id).order_by(RunRow.number.desc()).limit(1).with_for_update()
    ).one()
    if run.state.is_over:
        raise Conflict(f"Run {run.number} of {job_id} is over: it {run.status}.", hint="There is nothing to cancel.")
    run.cancel_requested_at = run.cancel_requested_at or now
    if run.lease_owner is None:
        end(session, run, RunStatus.CANCELLED, now=now, reason=Reason.CANCELLED, message="cancelled before it began")
    announce(session, run_topic(run.id))
    return run
