"""Go on with a failed or cancelled Run: the same pins, the same assets, and only the chunks that are not done."""

from sqlalchemy.orm import Session

from pixmill_server.accounts.actor import Actor
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.carrying import carry_ledger
from pixmill_server.jobs.errors import CannotResume
from pixmill_server.jobs.launch import Pins, pins_of
from pixmill_server.jobs.lifecycle import Ledger, PartialState, RunStatus
from pixmill_server.jobs.pins import processing_of_version
from pixmill_server.jobs.policy import FailurePolicy
from pixmill_server.jobs.prepare import NewestPins, newest_pins
from pixmill_server.jobs.queries import find_job
from pixmill_server.jobs.request import Again, LaunchRequest
from pixmill_server.jobs.rerun import differences, request_again
from pixmill_server.jobs.runs import enqueue, require_none_active, settle_partial
from pixmill_server.jobs.tables import RunRow
from pixmill_server.jobs.timeouts import merged
from pixmill_server.kernel.ids import new_id


def resume(jobs: Jobs, actor: Actor, job_id: str, again: Again | None = None) -> str:
    """The id of the new Run, which goes on where the newest one stopped.

    Raises `ActiveRunExists`, and `CannotResume` where the result would not be that of one undisturbed Run: code, model
    or Parameters are not what they were. Those of `again` are only compared.
    """
    again = again or Again()
    with jobs.database.reading() as session:
        job = find_job(session, actor.organization_id, job_id)
        before = require_none_active(session, job.id)
        _require_partial_results(session, before)
    request = request_again(job, before, again)
    policy = FailurePolicy.parse(request.on_failure)
    newest = _require_same(jobs, actor, before, request)
    run = _continued(jobs, before, request)
    run.timeouts = merged(request.timeouts, newest.compute.timeouts, jobs.timeouts)
    run.new_version = newest.new_version
    with jobs.database.transaction() as session:
        require_none_active(session, job.id)
        source = settle_partial(session, before.id, PartialState.RESUMED)
        enqueue(session, run)
        _require_allowed(policy, carry_ledger(session, source, run), before)
    return run.id


def _require_partial_results(session: Session, run: RunRow) -> None:
    if run.state is RunStatus.SUCCEEDED:
        raise CannotResume(run.number, "it succeeded")
    if run.partial != PartialState.KEPT:
        raise CannotResume(run.number, f"its partial results were {run.partial or 'not kept'}")
    if processing_of_version(session, run.processing_version_id).whole_version:
        raise CannotResume(run.number, "a function of the whole version begins from the start")


def _require_same(jobs: Jobs, actor: Actor, before: RunRow, request: LaunchRequest) -> NewestPins:
    """What a launch would pin now; raises `CannotResume`."""
    newest = newest_pins(jobs, actor.organization_id, request)
    model = newest.model
    pinned = pins_of(before)
    now = Pins(
        input_number=pinned.input_number,
        code_digest=newest.processing.code_digest,
        model_digests=model.digests if model else {},
        parameters=dict(newest.parameters),
        label_map=pinned.label_map,
    )
    if differs := differences(pinned, now):
        raise CannotResume(before.number, f"what it ran with is not the same any more ({'; '.join(differs)})")
    return newest


def _require_allowed(policy: FailurePolicy, carried: Ledger, before: RunRow) -> None:
    if verdict := policy.verdict(failed=carried.failed, assets=carried.assets):
        raise CannotResume(before.number, verdict, hint="Allow more with --on-failure, as in --on-failure continue.")


def _continued(jobs: Jobs, before: RunRow, request: LaunchRequest) -> RunRow:
    """With the pins of the Run before; it works on that Run's list of assets."""
    return RunRow(
        id=new_id("run"),
        job_id=before.job_id,
        number=before.number + 1,
        continues_id=before.files_id,
        compute_id=before.compute_id,
        status="pending",
        priority=request.priority,
        input_number=before.input_number,
        processing_version_id=before.processing_version_id,
        processing_number=before.processing_number,
        code_digest=before.code_digest,
        image_digest=before.image_digest,
        model_version_id=before.model_version_id,
        model_digests=before.model_digests,
        given=before.given,
        parameters=before.parameters,
        read_versions=before.read_versions,
        label_map=before.label_map,
        labels=before.labels,
        on_failure=request.on_failure,
        chunk_size=before.chunk_size,
        created_at=jobs.clock.now(),
        assets=before.assets,
        price_per_hour=before.price_per_hour,
    )
