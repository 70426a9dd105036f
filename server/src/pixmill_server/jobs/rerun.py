"""Run a Job again: with the newest code, model, images and Labels, and the same or edited Parameters."""

from collections.abc import Mapping

from pixmill_server.accounts.actor import Actor
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.launch import Pins, new_run, pins_of
from pixmill_server.jobs.ledger import open_ledger
from pixmill_server.jobs.prepare import prepare
from pixmill_server.jobs.queries import find_job
from pixmill_server.jobs.request import Again, LaunchRequest, Scope
from pixmill_server.jobs.runs import enqueue, require_none_active
from pixmill_server.jobs.tables import JobRow, RunRow


def rerun(jobs: Jobs, actor: Actor, job_id: str, again: Again | None = None) -> str:
    """The id of the new Run.

    Raises `ActiveRunExists` while a Run of the Job waits or works, and whatever makes a launch impossible.
    """
    with jobs.database.reading() as session:
        job = find_job(session, actor.organization_id, job_id)
        before = require_none_active(session, job.id)
    prepared = prepare(jobs, actor.organization_id, request_again(job, before, again or Again()))
    run = new_run(jobs, prepared, job_id=job.id, number=before.number + 1)
    run.differs = differences(pins_of(before), pins_of(run))
    with jobs.database.transaction() as session:
        require_none_active(session, job.id)
        enqueue(session, run)
        open_ledger(session, run.id, assets=run.assets, size=run.chunk_size)
    return run.id


def differences(before: Pins, after: Pins) -> list[str]:
    """What is not as in the Run before, in sentences' beginnings: `code: 1a2b3c4d -> 5e6f7a8b`."""
    found = []
    if before.input_number != after.input_number:
        found.append(f"input revision: {before.input_number} -> {after.input_number}")
    if before.code_digest != after.code_digest:
        found.append(f"code: {before.code_digest[:8]} -> {after.code_digest[:8]}")
    if before.model_digests != after.model_digests:
        found.append(f"model files: {_short(before.model_digests)} -> {_short(after.model_digests)}")
    if before.label_map != after.label_map:
        found.append("classes that go to Labels")
    for name in sorted({*before.parameters, *after.parameters}):
        old, new = before.parameters.get(name), after.parameters.get(name)
        if old != new:
            found.append(f"{name}: {old} -> {new}")
    return found


def request_again(job: JobRow, before: RunRow, again: Again) -> LaunchRequest:
    """The launch of a Job, asked for once more with the Parameters of its Run before and some of its own."""
    return LaunchRequest(
        processing=job.processing_id,
        version=job.version_id,
        model=job.model,
        parameters={**before.given, **again.parameters},
        label_map=job.label_map,
        scope=Scope.from_json(job.scope),
        existing=job.existing,
        on_failure=again.on_failure or before.on_failure,
        priority=before.priority if again.priority is None else again.priority,
        timeouts={**job.timeouts, **again.timeouts},
        compute=job.compute_id,
        to=again.to or before.new_version,
    )


def _short(digests: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {digest[:8]}" for name, digest in sorted(digests.items())) or "none"
