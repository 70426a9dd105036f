"""Go on with a failed or cancelled Run: the same pins, the same assets, and only the chunks that are not done."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from pixmill_server.accounts.actor import Actor
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.carrying import carry_ledger
from pixmill_server.jobs.errors import CannotResume
from pixmill_server.jobs.launch import Pins, pins_of
from pixmill_server.jobs.lifecycle import Ledger, PartialState, RunStatus
from pixmill_server.jobs.pins import processing_of_version
from pixmill_server.jobs.policy import FailurePolicy
from pixmill_server.jobs.prepare import newest_code
from pixmill_server.jobs.queries import find_job
from pixmill_server.jobs.rerun import differences, request_again
from pixmill_server.jobs.runs import enqueue, require_none_active
from pixmill_server.jobs.tables import JobRow, RunRow
from pixmill_server.kernel.ids import new_id


def resume(
    jobs: Jobs,
    actor: Actor,
    job_id: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    on_failure: str | None = None,
) -> str:
    """The id of the new Run, which goes on where the newest one stopped; `on_failure` None is as in that Run.

    Raises `ActiveRunExists`, and `CannotResume` where the result would not be that of one undisturbed Run: code, model
    or Parameters are not what they were. `parameters` are only compared.
    """
    with jobs.database.reading() as session:
        job = find_job(session, actor.organization_id, job_id)
        before = require_none_active(session, job.id)
        _require_partial_results(session, before)
    policy = FailurePolicy.parse(on_failure or before.on_failure)
    _require_same(jobs, actor, job, before, parameters or {})
    run = _continued(jobs, before, str(policy))
    with jobs.database.transaction() as session:
        require_none_active(session, job.id)
        source = session.get_one(RunRow, before.id, with_for_update=True)
        _require_partial_results(session, source)
        enqueue(session, run)
        carried = carry_ledger(session, source, run)
        _require_allowed(policy, carried, before)
        source.partial = PartialState.RESUMED
    return run.id


def _require_partial_results(session: Session, run: RunRow) -> None:
    if run.state is RunStatus.SUCCEEDED:
        raise CannotResume(run.number, "it succeeded")
    if run.partial != PartialState.KEPT:
        raise CannotResume(run.number, f"its partial results were {run.partial or 'not kept'}")
    if processing_of_version(session, run.processing_version_id).whole_version:
        raise CannotResume(run.number, "a function of the whole version begins from the start")


def _require_same(jobs: Jobs, actor: Actor, job: JobRow, before: RunRow, parameters: Mapping[str, Any]) -> None:
    request = request_again(job, before, parameters, before.on_failure)
    processing, model, values = newest_code(jobs, actor.organization_id, request)
    pinned = pins_of(before)
    now = Pins(
        input_number=pinned.input_number,
        code_digest=processing.code_digest,
        model_digests=model.digests if model else {},
        parameters=dict(values),
        label_map=pinned.label_map,
    )
    if differs := differences(pinned, now):
        raise CannotResume(before.number, f"what it ran with is not the same any more ({'; '.join(differs)})")


def _require_allowed(policy: FailurePolicy, carried: Ledger, before: RunRow) -> None:
    if verdict := policy.verdict(failed=carried.failed, assets=carried.assets):
        raise CannotResume(before.number, verdict, hint="Allow more with --on-failure, as in --on-failure continue.")


def _continued(jobs: Jobs, before: RunRow, on_failure: str) -> RunRow:
    """With the pins of the Run before; it works on that Run's list of assets."""
    return RunRow(
        id=new_id("run"),
        job_id=before.job_id,
        number=before.number + 1,
        continues_id=before.files_id,
        compute_id=before.compute_id,
        status="pending",
        priority=before.priority,
        input_number=before.input_number,
        processing_version_id=before.processing_version_id,
        processing_number=before.processing_number,
        code_digest=before.code_digest,
        model_version_id=before.model_version_id,
        model_digests=before.model_digests,
        given=before.given,
        parameters=before.parameters,
        label_map=before.label_map,
        labels=before.labels,
        on_failure=on_failure,
        chunk_size=before.chunk_size,
        created_at=jobs.clock.now(),
        assets=before.assets,
        price_per_hour=before.price_per_hour,
    )
