"""The list of Jobs, and a Job with its Runs and the live log of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from pixmill_server.jobs.errors import ActiveRunExists
from pixmill_server.jobs.lifecycle import RunStatus
from pixmill_server.jobs.queries import (
    JobFilter,
    JobRecord,
    RunRecord,
    find_job,
    find_run,
    list_jobs,
    outcomes_of,
    show_job,
)
from pixmill_server.jobs.rerun import rerun
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.phrases import count_of, duration

JOBS_SHOWN = 50
OUTCOMES_SHOWN = 200
DIGEST_SHOWN = 16

router = page_router()


@dataclass(frozen=True, slots=True)
class Progress:
    """Of how many assets how many are finished."""

    finished: int
    total: int


@dataclass(frozen=True, slots=True)
class JobLine:
    """A Job as its list and the head of its own page show it."""

    id: str
    href: str
    status: str
    is_active: bool
    outcome: str
    processing: str
    version: str
    version_href: str
    model: str | None
    compute: str
    created_by: str
    created_at: datetime
    running_seconds: float
    progress: Progress


@dataclass(frozen=True, slots=True)
class RunLine:
    """A Run in the list of its Job's."""

    number: int
    href: str
    status: str
    running_seconds: float


@dataclass(frozen=True, slots=True)
class RunFailure:
    """What ended a Run: the last line first in sight, the whole stack trace below it."""

    last_line: str
    traceback: str


@dataclass(frozen=True, slots=True)
class RunShown:
    """The chosen Run."""

    number: int
    status: str
    is_active: bool
    outcome: str
    progress: Progress
    tiles: Sequence[tuple[str, str]]
    error: RunFailure | None
    inputs: Sequence[tuple[str, str]]
    parameters: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    state_href: str
    log_href: str
    log_stream_href: str


@router.get("/jobs")
def jobs_page(
    request: Request, services: Services, visitor: Visitor, status: RunStatus | None = None, before: str = ""
) -> Response:
    """Newest first; `status` shows only Jobs whose newest Run is in it."""
    return render(request, "jobs.html", tabs=_tabs(status), **_listed(services, visitor, status, before))


@router.get("/jobs/table")
def jobs_table(
    request: Request, services: Services, visitor: Visitor, status: RunStatus | None = None, before: str = ""
) -> Response:
    """The table of the same page alone: what is asked again while something goes on."""
    return render(request, "jobs_table.html", **_listed(services, visitor, status, before))


@router.get("/jobs/{job_id}")
def job_page(
    request: Request, services: Services, visitor: Visitor, job_id: str, run: int | None = None, refused: str = ""
) -> Response:
    """A Job; `run` (None: the newest) chooses whose log and figures are shown."""
    record, chosen = _chosen(services, visitor, job_id, run)
    with services.database.reading() as session:
        outcomes = outcomes_of(session, chosen.row.id, after=None, limit=OUTCOMES_SHOWN)
    return render(
        request,
        "job.html",
        job=job_line(record),
        run=_run_shown(record, chosen),
        runs=[_run_line(record, item) for item in record.runs],
        outcomes=outcomes,
        refused="A Run of this Job is still pending or running." if refused == "active" else "",
    )


@router.get("/jobs/{job_id}/state")
def run_state(request: Request, services: Services, visitor: Visitor, job_id: str, run: int) -> Response:
    """Where a Run stands: what is asked again while it goes on."""
    record, chosen = _chosen(services, visitor, job_id, run)
    return render(request, "run_state.html", run=_run_shown(record, chosen))


@router.post("/jobs/{job_id}/rerun")
def rerun_job(services: Services, visitor: Visitor, job_id: str) -> Response:
    """Start a new Run with the same Parameters, and show it."""
    try:
        rerun(services.jobs, visitor, job_id, {})
    except ActiveRunExists:
        return RedirectResponse(f"/jobs/{job_id}?refused=active", HTTPStatus.SEE_OTHER)
    return RedirectResponse(f"/jobs/{job_id}", HTTPStatus.SEE_OTHER)


def _listed(services: Services, visitor: Visitor, status: RunStatus | None, before: str) -> dict[str, Any]:
    with services.database.reading() as session:
        found = list_jobs(
            session,
            visitor.organization_id,
            where=JobFilter(status),
            before=before or None,
            limit=JOBS_SHOWN + 1,
            now=services.clock.now(),
        )
    jobs = [job_line(record) for record in found[:JOBS_SHOWN]]
    address = _query(status, before)
    return {
        "jobs": jobs,
        "is_filtered": status is not None or bool(before),
        "is_live": any(job.is_active for job in jobs),
        "live_href": f"/jobs/table{address}",
        "next_href": f"/jobs{_query(status, jobs[-1].id)}" if len(found) > JOBS_SHOWN else None,
    }


def _tabs(chosen: RunStatus | None) -> list[dict[str, object]]:
    return [
        {
            "name": str(status or "all").capitalize(),
            "href": f"/jobs{_query(status, '')}",
            "is_current": status == chosen,
        }
        for status in (None, *RunStatus)
    ]


def _query(status: RunStatus | None, before: str) -> str:
    values = {name: value for name, value in (("status", status), ("before", before)) if value}
    return f"?{urlencode(values)}" if values else ""


def _chosen(services: Services, visitor: Visitor, job_id: str, number: int | None) -> tuple[JobRecord, RunRecord]:
    with services.database.reading() as session:
        job = find_job(session, visitor.organization_id, job_id)
        run = find_run(session, job.id, number)
        record = show_job(session, job, now=services.clock.now())
    return record, next(item for item in record.runs if item.row.number == run.number)


def job_line(record: JobRecord) -> JobLine:
    """A Job as lists show it."""
    newest = record.runs[0]
    return JobLine(
        id=record.row.id,
        href=f"/jobs/{record.row.id}",
        status=newest.row.status,
        is_active=newest.row.state.is_active,
        outcome=newest.outcome,
        processing=record.processing,
        version=record.version,
        version_href=f"/datasets/{record.version}",
        model=record.model,
        compute=record.compute,
        created_by=record.created_by,
        created_at=record.row.created_at,
        running_seconds=newest.running_seconds,
        progress=_progress(newest),
    )


def _run_line(record: JobRecord, run: RunRecord) -> RunLine:
    href = f"/jobs/{record.row.id}?run={run.row.number}"
    return RunLine(run.row.number, href, run.row.status, run.running_seconds)


def _run_shown(record: JobRecord, run: RunRecord) -> RunShown:
    row = run.row
    api = f"/api/v1/jobs/{record.row.id}/runs/{row.number}"
    return RunShown(
        number=row.number,
        status=row.status,
        is_active=row.state.is_active,
        outcome=f"waits for {run.waits_for}" if run.waits_for else run.outcome,
        progress=_progress(run),
        tiles=_tiles(run),
        error=_failure(run),
        inputs=_inputs(record, run),
        parameters=[(name, str(value)) for name, value in row.parameters.items()],
        facts=_facts(row.facts or {}),
        state_href=f"/jobs/{record.row.id}/state?run={row.number}",
        log_href=f"{api}/log",
        log_stream_href=f"{api}/log/stream",
    )


def _progress(run: RunRecord) -> Progress:
    said = run.row.counts or run.row.progress or {}
    return Progress(sum(int(said.get(name) or 0) for name in ("done", "failed", "skipped")), run.row.assets)


def _tiles(run: RunRecord) -> list[tuple[str, str]]:
    row, progress = run.row, _progress(run)
    speed = (row.progress or {}).get("images_per_second")
    tiles = [
        ("running time", duration(run.running_seconds)),
        ("assets", f"{count_of(progress.finished)} of {count_of(progress.total)}"),
    ]
    if speed:
        tiles.append(("images/s", f"{speed:.1f}"))
        if row.state.is_active:
            tiles.append(("left", duration((progress.total - progress.finished) / speed)))
    names = {"failed": "failed", "skipped": "skipped", "shapes_added": "shapes added", "shapes_removed": "replaced"}
    counts = row.counts or {}
    tiles += [(name, count_of(counts[key])) for key, name in names.items() if counts.get(key)]
    if row.price_per_hour:
        tiles.append(("cost", f"{run.cost:.4f}"))
    return tiles


def _failure(run: RunRecord) -> RunFailure | None:
    row = run.row
    if row.state is not RunStatus.FAILED:
        return None
    said = ": ".join(part for part in (row.error_type, row.error_message) if part)
    return RunFailure(said or row.message or row.reason or "failed", row.error_traceback or "")


def _inputs(record: JobRecord, run: RunRecord) -> list[tuple[str, str]]:
    row = run.row
    inputs = [
        ("Revision", f"{record.version}@{row.input_number}"),
        ("Result", f"{record.version}@{row.result_number}" if row.result_number else "nothing committed"),
        ("Processing", f"{record.processing}, version {row.processing_number}"),
        ("Code", row.code_digest[:DIGEST_SHOWN]),
    ]
    inputs += [("Model file", f"{name} {digest[:DIGEST_SHOWN]}") for name, digest in row.model_digests.items()]
    inputs += [("Class to Label", f"{name} → {label}") for name, label in (row.label_map or {}).items()]
    inputs.append(("Existing annotations", record.row.existing))
    return inputs


def _facts(facts: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            shown += _facts(value, f"{prefix}{name} ")
        elif value not in (None, "", []):
            shown.append((f"{prefix}{name}".replace("_", " "), str(value)))
    return shown
