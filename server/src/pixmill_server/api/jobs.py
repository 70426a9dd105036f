"""Jobs and their Runs."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from pixmill.wire import jobs as wire
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.job_records import job_of, limits_of, outcome_of, plan_of, run_of
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from pixmill_server.datasets.addresses import parse_address
from pixmill_server.datasets.filter_text import filter_of_text
from pixmill_server.datasets.queries import find_version, pin
from pixmill_server.datasets.read import assets_by_id
from pixmill_server.jobs.launch import launch, plan_launch
from pixmill_server.jobs.lifecycle import RunStatus
from pixmill_server.jobs.queries import (
    JobFilter,
    find_job,
    find_run,
    list_jobs,
    outcomes_of,
    show_job,
)
from pixmill_server.jobs.request import Again, LaunchRequest, Scope
from pixmill_server.jobs.rerun import rerun
from pixmill_server.jobs.resume import resume
from pixmill_server.jobs.runs import cancel

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.post("", status_code=201)
def launch_job(
    services: Services, actor: CurrentActor, request: wire.LaunchJob, response: Response, *, dry_run: bool = False
) -> wire.Job | wire.LaunchPlan:
    """Launch a Job; with `dry_run` nothing is launched, and the answer is the plan."""
    asked = _request(request)
    if dry_run:
        response.status_code = 200
        return plan_of(plan_launch(services.jobs, actor, asked))
    return show(services, actor, launch(services.jobs, actor, asked))


@router.get("")
def list_all_jobs(
    services: Services,
    actor: CurrentActor,
    status: RunStatus | None = None,
    version: Annotated[str | None, Query(description="`street/v1`")] = None,
    processing: str | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> wire.JobPage:
    """Newest first, each with its newest Run."""
    now = services.clock.now()
    with services.database.reading() as session:
        version_id = find_version(session, actor.organization_id, parse_address(version)).id if version else None
        found = list_jobs(
            session,
            actor.organization_id,
            where=JobFilter(status, version_id, processing),
            before=decode_cursor(cursor),
            limit=limit + 1,
            now=now,
        )
        items = [job_of(services, record) for record in found[:limit]]
    return wire.JobPage(items=items, next_cursor=encode_cursor(items[-1].id) if len(found) > limit else None)


@router.get("/{job_id}")
def show_one_job(services: Services, actor: CurrentActor, job_id: str) -> wire.Job:
    """With all its Runs; any beginning of the id that only one Job has is accepted."""
    return show(services, actor, job_id)


@router.post("/{job_id}/rerun", status_code=201)
def rerun_job(services: Services, actor: CurrentActor, job_id: str, request: wire.RerunJob) -> wire.Job:
    """A new Run, on the newest code, model and Revision; refused while one waits or works."""
    rerun(services.jobs, actor, job_id, _again(request))
    return show(services, actor, job_id)


@router.post("/{job_id}/resume", status_code=201)
def resume_job(services: Services, actor: CurrentActor, job_id: str, request: wire.ResumeJob) -> wire.Job:
    """A new Run that goes on where the newest, which failed or was cancelled, stopped."""
    resume(services.jobs, actor, job_id, _again(request))
    return show(services, actor, job_id)


@router.post("/{job_id}/cancel")
def cancel_job(services: Services, actor: CurrentActor, job_id: str) -> wire.Job:
    """End the Job's Run: at once where it waits, else as soon as its supervisor has ended the child."""
    with services.database.transaction() as session:
        job = find_job(session, actor.organization_id, job_id)
        cancel(session, job.id, now=services.clock.now())
    return show(services, actor, job_id)


@router.get("/{job_id}/runs")
def list_runs(services: Services, actor: CurrentActor, job_id: str) -> list[wire.Run]:
    """Newest first."""
    return show(services, actor, job_id).runs


@router.get("/{job_id}/runs/{number}")
def show_run(services: Services, actor: CurrentActor, job_id: str, number: int) -> wire.Run:
    """One attempt."""
    with services.database.reading() as session:
        job = find_job(session, actor.organization_id, job_id)
        find_run(session, job.id, number)
        record = show_job(session, job, now=services.clock.now())
        return next(run_of(services, run) for run in record.runs if run.row.number == number)


@router.get("/{job_id}/runs/{number}/outcomes")
def list_outcomes(
    services: Services,
    actor: CurrentActor,
    job_id: str,
    number: int,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    outcome: Literal["failed", "skipped"] | None = None,
) -> wire.RunOutcomePage:
    """Assets that the Run failed on or skipped, each with the reason; `outcome` for one kind alone."""
    with services.database.reading() as session:
        job = find_job(session, actor.organization_id, job_id)
        run = find_run(session, job.id, number)
        found = outcomes_of(session, run.id, outcome=outcome, after=decode_cursor(cursor), limit=limit + 1)
    page = found[:limit]
    pinned = pin(services.jobs.datasets, job.version_id, run.input_number)
    unnamed = [row.asset_id for row in page if not row.path]
    paths: dict[str, str] = {asset.id: asset.path for asset in assets_by_id(services.jobs.datasets, pinned, unnamed)}
    items = [outcome_of(row, row.path or paths.get(row.asset_id, "")) for row in page]
    following = encode_cursor(page[-1].asset_id) if len(found) > limit else None
    return wire.RunOutcomePage(items=items, next_cursor=following)


def show(services: Services, actor: CurrentActor, job_id: str) -> wire.Job:
    """A Job as it stands now."""
    with services.database.reading() as session:
        job = find_job(session, actor.organization_id, job_id)
        return job_of(services, show_job(session, job, now=services.clock.now()))


def _again(request: wire.RerunJob | wire.ResumeJob) -> Again:
    return Again(request.parameters, request.on_failure, request.priority, limits_of(request.timeouts), request.to)


def _request(request: wire.LaunchJob) -> LaunchRequest:
    scope = request.scope
    return LaunchRequest(
        processing=request.processing,
        version=request.version,
        model=request.model,
        parameters=request.parameters,
        label_map=request.map,
        scope=Scope(
            assets=None if scope.assets is None else tuple(scope.assets),
            label=scope.label,
            tag=scope.tag,
            unannotated=scope.unannotated,
            filter=filter_of_text(scope.filter),
        ),
        existing=request.existing,
        on_failure=request.on_failure,
        priority=request.priority,
        timeouts=limits_of(request.timeouts),
        compute=request.compute,
        to=request.to,
    )
