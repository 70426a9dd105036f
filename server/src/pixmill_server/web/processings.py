"""The list of Processings, public and one's own alike, and what is inside one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response

from pixmill.parameters import ParameterSpec
from pixmill_server.jobs.queries import JobFilter, list_jobs
from pixmill_server.processings.queries import find_processing, list_processings, read_source
from pixmill_server.processings.records import Processing
from pixmill_server.web.jobs import job_line
from pixmill_server.web.page import Services, Visitor, page_router, render

JOBS_SHOWN = 10
DIGEST_SHOWN = 16

router = page_router()


@dataclass(frozen=True, slots=True)
class ProcessingLine:
    """A Processing in the list."""

    name: str
    href: str
    title: str
    kind: str
    public: bool
    takes: str
    defaults: str
    number: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """A Parameter as its table shows it."""

    name: str
    type: str
    range: str
    default: str
    is_own_default: bool
    help: str


@router.get("/processings")
def processings_page(request: Request, services: Services, visitor: Visitor) -> Response:
    """Public and own, by name."""
    found = list_processings(services.processings, visitor.organization_id)
    return render(request, "processings.html", processings=[_line(item) for item in found])


@router.get("/processings/{name}")
def processing_page(request: Request, services: Services, visitor: Visitor, name: str) -> Response:
    """Description, Parameters, code, versions and the Jobs that used it."""
    found = find_processing(services.processings, visitor.organization_id, name)
    with services.database.reading() as session:
        jobs = list_jobs(
            session,
            visitor.organization_id,
            where=JobFilter(processing=found.id),
            before=None,
            limit=JOBS_SHOWN,
            now=services.clock.now(),
        )
    return render(
        request,
        "processing.html",
        processing=_line(found),
        description=found.description,
        compute=found.compute,
        dependencies=found.newest.requires.get("dependencies") or [],
        parameters=[_parameter(spec, found) for spec in found.newest.specs],
        versions=[
            (version.number, version.code_digest[:DIGEST_SHOWN], version.created_at) for version in found.versions
        ],
        source=read_source(services.processings, found.newest).decode("utf-8", errors="replace"),
        jobs=[job_line(record) for record in jobs],
    )


def _line(found: Processing) -> ProcessingLine:
    specs = found.newest.specs
    return ProcessingLine(
        name=found.name,
        href=f"/processings/{quote(found.name, safe='')}",
        title=found.title,
        kind=found.kind,
        public=found.public,
        takes=_takes(specs),
        defaults=", ".join(f"{name} {value}" for name, value in found.defaults.items()),
        number=found.newest.number,
        changed_at=found.newest.created_at,
    )


def _takes(specs: Sequence[ParameterSpec]) -> str:
    models = [spec for spec in specs if spec.type == "model"]
    if not models:
        return "no Model"
    spec = models[0]
    task = f"{spec.task} " if spec.task else ""
    frameworks = f" ({', '.join(spec.frameworks)})" if spec.frameworks else ""
    return f"a {task}ModelVersion{frameworks}"


def _parameter(spec: ParameterSpec, found: Processing) -> ParameterLine:
    own = found.defaults.get(spec.name)
    default = spec.default if own is None else own
    return ParameterLine(
        name=spec.name,
        type=f"list of {spec.item}" if spec.item else str(spec.type),
        range=_range(spec),
        default="required" if spec.required and own is None else str(default),
        is_own_default=own is not None,
        help=spec.help,
    )


def _range(spec: ParameterSpec) -> str:
    if spec.choices:
        return ", ".join(str(choice) for choice in spec.choices)
    if spec.minimum is not None and spec.maximum is not None:
        return f"{spec.minimum:g} to {spec.maximum:g}"
    if spec.minimum is not None:
        return f"{spec.minimum:g} or more"
    return f"{spec.maximum:g} or less" if spec.maximum is not None else ""
