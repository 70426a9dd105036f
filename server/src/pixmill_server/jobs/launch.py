"""Launch a Job: check everything, pin everything, and put its first Run into the queue."""

from dataclasses import dataclass

from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.read import select_asset_ids
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.ledger import open_ledger
from pixmill_server.jobs.prepare import Prepared, prepare
from pixmill_server.jobs.request import LaunchPlan, LaunchRequest
from pixmill_server.jobs.runs import enqueue
from pixmill_server.jobs.scope import chunk_size, pin_scope
from pixmill_server.jobs.tables import JobRow, RunRow
from pixmill_server.kernel.ids import new_id


def plan_launch(jobs: Jobs, actor: Actor, request: LaunchRequest) -> LaunchPlan:
    """What the launch would do; raises what makes it impossible. Nothing is written."""
    return prepare(jobs, actor.organization_id, request).plan()


def launch(jobs: Jobs, actor: Actor, request: LaunchRequest) -> str:
    """The id of the new Job; raises what makes it impossible, and then nothing was written."""
    prepared = prepare(jobs, actor.organization_id, request)
    job_id = new_id("job")
    run = new_run(jobs, prepared, job_id=job_id, number=1)
    with jobs.database.transaction() as session:
        session.add(_job(jobs, actor, prepared, job_id))
        session.flush()
        enqueue(session, run)
        open_ledger(session, run.id, assets=run.assets, size=run.chunk_size)
    return job_id


@dataclass(frozen=True, slots=True)
class Pins:
    """What the results of two Runs may differ by."""

    input_number: int
    code_digest: str
    model_digests: dict[str, str]
    parameters: dict[str, object]
    label_map: dict[str, str] | None


def new_run(jobs: Jobs, prepared: Prepared, *, job_id: str, number: int) -> RunRow:
    """A Run with its pins; the list of its assets is stored, the row is not added yet."""
    run_id = new_id("run")
    arrays = select_asset_ids(jobs.datasets, prepared.pinned, prepared.where)
    assets = pin_scope(jobs.objects, run_id, (asset_id for array in arrays for asset_id in array.to_pylist()))
    model, processing = prepared.model, prepared.processing
    return RunRow(
        id=run_id,
        job_id=job_id,
        number=number,
        compute_id=prepared.compute.id,
        status="pending",
        input_number=prepared.pinned.number,
        processing_version_id=processing.version_id,
        processing_number=processing.number,
        code_digest=processing.code_digest,
        model_version_id=model.id if model else None,
        model_digests=model.digests if model else {},
        given=dict(prepared.request.parameters),
        parameters=dict(prepared.parameters),
        read_versions={name: read.as_json() for name, read in prepared.read_versions.items()},
        label_map=dict(prepared.matching.mapped) if prepared.matching else None,
        labels=[label.name for label in prepared.pinned.labels],
        on_failure=str(prepared.policy),
        priority=prepared.request.priority,
        timeouts=dict(prepared.timeouts),
        chunk_size=chunk_size(assets, batch_size=prepared.batch_size),
        created_at=jobs.clock.now(),
        assets=assets,
        new_version=prepared.new_version,
        price_per_hour=prepared.compute.price_per_hour,
    )


def pins_of(run: RunRow) -> Pins:
    """What the Run has pinned."""
    return Pins(
        input_number=run.input_number,
        code_digest=run.code_digest,
        model_digests=run.model_digests,
        parameters=run.parameters,
        label_map=run.label_map,
    )


def _job(jobs: Jobs, actor: Actor, prepared: Prepared, job_id: str) -> JobRow:
    request = prepared.request
    return JobRow(
        id=job_id,
        organization_id=actor.organization_id,
        version_id=prepared.pinned.version_id,
        processing_id=prepared.processing.id,
        model_version_id=prepared.model.id if prepared.model else None,
        model=request.model,
        compute_id=prepared.compute.id,
        parameters=dict(request.parameters),
        label_map=dict(request.label_map),
        scope=request.scope.to_json(),
        existing=request.existing,
        on_failure=str(prepared.policy),
        timeouts=dict(request.timeouts),
        created_by=actor.user_id,
        created_at=jobs.clock.now(),
    )
