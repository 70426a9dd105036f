"""The list of all Jobs: filtered, live, newest first."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import Response

from pixmill.errors import InvalidInput
from pixmill_server.datasets.addresses import parse_address
from pixmill_server.datasets.queries import find_version
from pixmill_server.jobs.lifecycle import RunStatus
from pixmill_server.jobs.queries import JobFilter, JobRecord, RunRecord, list_jobs, used_in_jobs
from pixmill_server.web.page import Services, Visitor, page_router, render

JOBS_SHOWN = 50
Choices = Sequence[tuple[str, str]]
"""Value and what is shown."""

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
    existing: str
    created_by: str
    created_at: datetime
    running_seconds: float
    progress: Progress


@dataclass(frozen=True, slots=True)
class JobsAsked:
    """What the address asks for; empty is no condition."""

    status: str = ""
    processing: str = ""
    version: str = ""
    """`street/v1`"""
    model: str = ""
    """The id of a ModelVersion."""
    by: str = ""
    """The id of a user."""
    before: str = ""
    """The last Job of the page before."""

    def query(self, **other: str) -> str:
        """The address's end, with some of it changed."""
        values = {name: value for name, value in (asdict(self) | other).items() if value}
        return f"?{urlencode(values)}" if values else ""

    @property
    def is_filtered(self) -> bool:
        """Not simply all of them from the top."""
        return any(asdict(self).values())


Asked = Annotated[JobsAsked, Depends()]


@router.get("/jobs")
def jobs_page(request: Request, services: Services, visitor: Visitor, asked: Asked) -> Response:
    """Newest first; a status means that of the newest Run."""
    return render(
        request,
        "jobs.html",
        tabs=_tabs(asked),
        asked=asked,
        filters=_filters(services, visitor, asked),
        **_listed(services, visitor, asked),
    )


@router.get("/live/jobs")
def jobs_table(request: Request, services: Services, visitor: Visitor, asked: Asked) -> Response:
    """The table of the same page alone: what is asked again and again."""
    return render(request, "jobs_table.html", **_listed(services, visitor, asked))


def _listed(services: Services, visitor: Visitor, asked: JobsAsked) -> dict[str, Any]:
    with services.database.reading() as session:
        wanted = parse_address(asked.version) if asked.version else None
        version = find_version(session, visitor.organization_id, wanted) if wanted else None
        found = list_jobs(
            session,
            visitor.organization_id,
            where=_where(asked, version.id if version else None),
            before=asked.before or None,
            limit=JOBS_SHOWN + 1,
            now=services.clock.now(),
        )
    jobs = [job_line(record) for record in found[:JOBS_SHOWN]]
    return {
        "jobs": jobs,
        "is_filtered": asked.is_filtered,
        "is_busy": any(job.is_active for job in jobs),
        "live_href": f"/live/jobs{asked.query()}",
        "next_href": f"/jobs{asked.query(before=jobs[-1].id)}" if len(found) > JOBS_SHOWN else None,
    }


def _where(asked: JobsAsked, version_id: str | None) -> JobFilter:
    return JobFilter(
        status=_status(asked.status),
        version_id=version_id,
        processing=asked.processing or None,
        model_version_id=asked.model or None,
        created_by=asked.by or None,
    )


def _status(text: str) -> RunStatus | None:
    if not text:
        return None
    if text not in set(RunStatus):
        raise InvalidInput(f"No Job is '{text}'.", hint=f"A status is {', '.join(RunStatus)}.", field="status")
    return RunStatus(text)


def _filters(services: Services, visitor: Visitor, asked: JobsAsked) -> list[tuple[str, str, Choices, str]]:
    """Name, label, choices and value of each filter that has something to choose."""
    with services.database.reading() as session:
        used = used_in_jobs(session, visitor.organization_id)
    fields = [
        ("processing", "Processing", [(name, name) for name in used.processings], asked.processing),
        ("version", "Version", [(address, address) for address in used.versions], asked.version),
        ("model", "ModelVersion", used.models, asked.model),
        ("by", "Launched by", used.users, asked.by),
    ]
    return [(name, label, [("", "any"), *choices], value) for name, label, choices, value in fields if choices]


def _tabs(asked: JobsAsked) -> list[dict[str, object]]:
    return [
        {
            "name": str(status or "all").capitalize(),
            "href": f"/jobs{asked.query(status=status, before='')}",
            "is_current": status == asked.status,
        }
        for status in ("", *RunStatus)
    ]


def job_line(record: JobRecord) -> JobLine:
    """A Job as lists show it."""
    newest = record.runs[0]
    return JobLine(
        id=record.row.id,
        href=f"/jobs/{record.row.id}",
        status=newest.row.status,
        is_active=newest.row.state.is_active,
        outcome=outcome_beside_status(newest),
        processing=record.processing,
        version=record.version,
        version_href=f"/datasets/{record.version}",
        model=record.model,
        compute=record.compute,
        existing=record.row.existing,
        created_by=record.created_by,
        created_at=record.row.created_at,
        running_seconds=newest.running_seconds,
        progress=progress_of(newest),
    )


def outcome_beside_status(run: RunRecord) -> str:
    """Without the status, where a page shows that beside it."""
    return run.outcome.removeprefix(f"{run.row.status}: ")


def progress_of(run: RunRecord) -> Progress:
    """By the ledger where the Run is over, else as its supervisor told."""
    said = run.row.counts or run.row.progress or {}
    return Progress(sum(int(said.get(name) or 0) for name in ("done", "failed", "skipped")), run.row.assets)
