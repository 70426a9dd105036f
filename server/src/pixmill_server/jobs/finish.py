"""The end of a Run: decided by its exit code and its ledger, and, where it succeeded, committed as one Revision."""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pixmill.annotations import AnnotationColumns, Origin, Source
from pixmill.errors import PixmillError
from pixmill_server.datasets.changes import ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.revise import Author, Committed
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.errors import RunIsOver
from pixmill_server.jobs.ledger import SKIPPED, Outcome, add_outcomes, counts_of, dropped_of, ledger_of, staged_keys
from pixmill_server.jobs.lifecycle import ChildEnd, Ending, Ledger, Reason, RunStatus, decide
from pixmill_server.jobs.pins import PinnedProcessing, model_of_version, processing_of_version
from pixmill_server.jobs.policy import FailurePolicy
from pixmill_server.jobs.queue import end, held, renew
from pixmill_server.jobs.scope import drop_scope
from pixmill_server.jobs.staging import drop_staged, read_staged
from pixmill_server.jobs.supervise import Caller
from pixmill_server.jobs.tables import JobRow, RunRow

COMMIT_LEASE = timedelta(minutes=3)
"""Longer than a commit waits for the version."""
CHUNKS_AT_ONCE = 16
COMMIT_CHUNK = -1
"""The `chunk_index` of outcomes that only the commit brought about."""

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
        if ending.status is RunStatus.SUCCEEDED:
            _commit(jobs, caller, processing, ledger)
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


def _commit(jobs: Jobs, caller: Caller, processing: PinnedProcessing, ledger: Ledger) -> None:
    with jobs.database.reading() as session:
        run = session.get_one(RunRow, caller.run_id)
        job = session.get_one(JobRow, run.job_id)
        keys = staged_keys(session, run.id)
        dropped = dropped_of(session, run.id)
        model = model_of_version(session, run.model_version_id).name if run.model_version_id else ""
    origin = Origin(Source.RUN, run_id=run.id, processing=processing.name, model=model)

    def parts() -> Iterable[ChangePart]:
        return _parts(jobs, caller, processing, keys)

    def succeed(session: Session, committed: Committed) -> None:
        _succeed(jobs, session, caller, ledger, committed, dropped)

    try:
        commit(
            jobs.datasets,
            job.version_id,
            ChangeSource(parts, origin),
            author=Author(user_id=job.created_by, run_id=run.id),
            summary=f"{processing.name}{f' with {model}' if model else ''}",
            existing=Existing(job.existing),
            in_transaction=succeed,
        )
    except RunIsOver:
        raise
    except (PixmillError, OSError, ValueError, IntegrityError) as error:
        # Lance says OSError and ValueError. Whatever it was, it would be the same the next time.
        why = str(error.orig if isinstance(error, IntegrityError) else error) or type(error).__name__
        logger.warning("could not commit a Run", extra={"run_id": run.id, "why": why})
        message = f"its results could not be committed: {why}"
        with jobs.database.transaction() as session:
            holder = held(session, caller.run_id, caller.fence)
            ending = Ending(RunStatus.FAILED, Reason.COMMIT, message)
            _end_without_results(session, holder, ending, jobs)


def _parts(jobs: Jobs, caller: Caller, processing: PinnedProcessing, keys: list[str]) -> Iterator[ChangePart]:
    """Many chunks at a time: the commit looks up the assets of a part all at once."""
    for start in range(0, len(keys), CHUNKS_AT_ONCE):
        _stay_alive(jobs, caller)
        staged = list(read_staged(jobs.objects, keys[start : start + CHUNKS_AT_ONCE]))
        columns = [found for results in staged if (found := results.columns()) is not None]
        yield ChangePart(
            annotations=AnnotationColumns.concatenate(columns) if columns else None,
            # A Processing that is not for shapes has not looked for any.
            done=[asset_id for results in staged for asset_id in results.done] if processing.annotates else (),
            tags={asset_id: tags for results in staged for asset_id, tags in results.tags.items()},
            metadata={asset_id: values for results in staged for asset_id, values in results.metadata.items()},
        )


def _stay_alive(jobs: Jobs, caller: Caller) -> None:
    """However long the commit takes, nobody calls the Run lost meanwhile."""
    now = jobs.clock.now()
    with jobs.database.reading() as session:
        expires = session.get_one(RunRow, caller.run_id).lease_expires_at
    if expires is None or expires < now + COMMIT_LEASE / 2:
        with jobs.database.transaction() as session:
            held(session, caller.run_id, caller.fence).lease_expires_at = now + COMMIT_LEASE


def _succeed(jobs: Jobs, session: Session, caller: Caller, ledger: Ledger, committed: Committed, dropped: int) -> None:
    run = held(session, caller.run_id, caller.fence)
    outcome, step = committed.outcome, committed.outcome.step
    run.result_number = committed.number if committed.changed else None
    run.counts = counts_of(
        ledger,
        late=len(outcome.skipped),
        shapes_added=step.get("added_annotations", 0),
        shapes_removed=step.get("removed_annotations", 0),
        shapes_dropped=dropped + sum(outcome.dropped.values()),
    )
    skipped = [Outcome(each.asset, "", SKIPPED, each.reason) for each in outcome.skipped]
    add_outcomes(session, run.id, COMMIT_CHUNK, skipped)
    end(session, run, RunStatus.SUCCEEDED, now=jobs.clock.now(), reason=None, message="")


def _tidy(jobs: Jobs, run_id: str) -> RunStatus:
    """What was staged is in the version now, or stays to be looked at."""
    with jobs.database.reading() as session:
        run = session.get_one(RunRow, run_id)
    if run.state is RunStatus.SUCCEEDED:
        drop_staged(jobs.objects, run_id)
        drop_scope(jobs.objects, run_id)
    return run.state
