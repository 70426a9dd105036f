"""The end of a Run: decided by its exit code and its ledger, and, where it succeeded, committed as one Revision."""

import logging
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pixmill.errors import PixmillError
from pixmill_server.datasets.revise import Committed
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.errors import RunIsOver
from pixmill_server.jobs.ledger import ledger_of
from pixmill_server.jobs.lifecycle import ChildEnd, Ending, Reason, RunStatus, decide
from pixmill_server.jobs.pins import processing_of_version
from pixmill_server.jobs.policy import FailurePolicy
from pixmill_server.jobs.queue import end, held, renew
from pixmill_server.jobs.results import commit_results, staged_run, write_changeset
from pixmill_server.jobs.runs import supersede_partial
from pixmill_server.jobs.scope import drop_scope
from pixmill_server.jobs.staging import drop_staged
from pixmill_server.jobs.supervise import Caller
from pixmill_server.jobs.tables import RunRow
from pixmill_server.storage.room import is_full

COMMIT_LEASE = timedelta(minutes=3)
"""Longer than a commit waits for the version."""

logger = logging.getLogger(__name__)


def finish(jobs: Jobs, caller: Caller, child: ChildEnd) -> RunStatus:
    """Decide how the Run ended, and say so; a Run that succeeded is committed in the same transaction.

    The second time the status is told again, after the first time is through. Raises `StaleFence`.
    """
    with jobs.finishing.of(caller.run_id):
        return _finish(jobs, caller, child)


def _finish(jobs: Jobs, caller: Caller, child: ChildEnd) -> RunStatus:
    try:
        with jobs.database.transaction() as session:
            run = renew(session, caller.run_id, caller.fence, now=jobs.clock.now())
            _note(run, child)
            ledger = ledger_of(session, run)
            processing = processing_of_version(session, run.processing_version_id)
            ending = decide(
                child,
                ledger,
                FailurePolicy.parse(run.on_failure),
                whole_version=processing.whole_version,
                cancel_requested=run.cancel_requested_at is not None,
            )
            if ending.status is RunStatus.SUCCEEDED and not run.state.may_become(RunStatus.SUCCEEDED):
                ending = Ending(RunStatus.FAILED, Reason.INCOMPLETE, "it ended before it gave a sign of life")
            if ending.status is not RunStatus.SUCCEEDED:
                _end_without_results(session, run, ending, jobs)
            else:
                # From here the server works for the Run, and its supervisor only waits.
                run.lease_expires_at = jobs.clock.now() + COMMIT_LEASE
                run.deadline_at = None
        if ending.status is RunStatus.SUCCEEDED:
            _commit(jobs, caller)
    except RunIsOver as over:
        return RunStatus(over.status)
    finally:
        jobs.logs.seal(caller.run_id)
    return _tidy(jobs, caller.run_id)


def _note(run: RunRow, child: ChildEnd) -> None:
    run.exit_code = child.exit_code if child.signal is None else -child.signal
    if child.error is not None:
        run.error_type, run.error_message = child.error.type, child.error.message
        run.error_traceback = child.error.traceback


def _end_without_results(session: Session, run: RunRow, ending: Ending, jobs: Jobs) -> None:
    end(session, run, ending.status, now=jobs.clock.now(), reason=ending.reason, message=ending.message)


def _commit(jobs: Jobs, caller: Caller) -> None:
    with jobs.database.reading() as session:
        staged = staged_run(session, caller.run_id)

    def succeed(session: Session, committed: Committed) -> None:
        run = held(session, caller.run_id, caller.fence)
        write_changeset(session, run, committed)
        end(session, run, RunStatus.SUCCEEDED, now=jobs.clock.now(), reason=None, message="")
        supersede_partial(session, run)

    try:
        commit_results(jobs, staged, on_part=lambda: _stay_alive(jobs, caller), in_transaction=succeed)
    except RunIsOver:
        raise
    except (PixmillError, OSError, ValueError, RuntimeError, IntegrityError) as error:
        if is_full(error):
            # The supervisor asks again, for as long as it takes to make room.
            raise
        # Lance says OSError, ValueError and RuntimeError. Whatever it was, it would be the same the next time.
        why = str(error.orig if isinstance(error, IntegrityError) else error) or type(error).__name__
        logger.warning("could not commit a Run", extra={"run_id": caller.run_id, "why": why})
        message = f"its results could not be committed: {why}"
        with jobs.database.transaction() as session:
            holder = held(session, caller.run_id, caller.fence)
            _end_without_results(session, holder, Ending(RunStatus.FAILED, Reason.COMMIT, message), jobs)


def _stay_alive(jobs: Jobs, caller: Caller) -> None:
    """However long the commit takes, nobody calls the Run lost meanwhile."""
    now = jobs.clock.now()
    with jobs.database.reading() as session:
        expires = session.get_one(RunRow, caller.run_id).lease_expires_at
    if expires is None or expires < now + COMMIT_LEASE / 2:
        with jobs.database.transaction() as session:
            held(session, caller.run_id, caller.fence).lease_expires_at = now + COMMIT_LEASE


def _tidy(jobs: Jobs, run_id: str) -> RunStatus:
    """What was staged is in the version now, or stays to be looked at."""
    with jobs.database.reading() as session:
        run = session.get_one(RunRow, run_id)
    if run.state is RunStatus.SUCCEEDED:
        drop_staged(jobs.objects, run.files_id)
        drop_scope(jobs.objects, run.files_id)
    return run.state
