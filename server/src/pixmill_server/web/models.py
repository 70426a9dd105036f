"""The registry's Models with their versions, one ModelVersion, and the Hub's list."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import PixmillError
from pixmill_server.jobs.queries import JobFilter, list_jobs
from pixmill_server.model_registry.hub import HubModel
from pixmill_server.model_registry.pull import pull
from pixmill_server.model_registry.queries import find_model, find_model_version, list_models
from pixmill_server.model_registry.records import Model, ModelVersion
from pixmill_server.web.jobs import job_line
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.phrases import size

JOBS_SHOWN = 10
HUB_SOURCE = "hub:"
# Addresses below /models that are pages of their own.
NOT_NAMES = frozenset({"new"})

router = page_router()


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A Model in the list, described by its newest version."""

    name: str
    href: str
    newest: ModelVersion
    versions: Sequence[ModelVersion]
    size: str


@dataclass(frozen=True, slots=True)
class HubLine:
    """A model of the Hub, and where it is once it was brought in."""

    model: HubModel
    size: str
    classes: int
    pull_href: str
    here: ModelVersion | None


@router.get("/models")
def models_page(request: Request, services: Services, visitor: Visitor, q: str = "", task: str = "") -> Response:
    """One's own, and what one click brings in."""
    return _models(request, services, visitor, q=q, task=task)


@router.post("/models/hub/{name}/pull")
def pull_model(request: Request, services: Services, visitor: Visitor, name: str) -> Response:
    """Bring one of the Hub in, for browsers without JavaScript; the answer comes when it is there."""
    try:
        done = pull(services.registry, visitor, name, progress=_nobody_looks)
    except PixmillError as error:
        return _models(request, services, visitor, refused=error.message, hint=error.hint)
    return RedirectResponse(href_of(done), HTTPStatus.SEE_OTHER)


@router.get("/models/{model}")
def model_page(request: Request, services: Services, visitor: Visitor, model: str) -> Response:
    """A Model with its versions, newest first."""
    found = find_model(services.registry, visitor.organization_id, model)
    return render(request, "model.html", model=found, versions=[(one, href_of(one)) for one in found.versions])


@router.get("/models/{model}/{version}")
def model_version_page(
    request: Request, services: Services, visitor: Visitor, model: str, version: str, saved: str = ""
) -> Response:
    """Labels, files, where it came from, and the Jobs that used it."""
    found = find_model_version(services.registry, visitor.organization_id, f"{model}/{version}")
    with services.database.reading() as session:
        jobs = list_jobs(
            session,
            visitor.organization_id,
            where=JobFilter(model_version_id=found.id),
            before=None,
            limit=JOBS_SHOWN,
            now=services.clock.now(),
        )
    return render(
        request,
        "model_version.html",
        version=found,
        model_href=f"/models/{quote(found.model, safe='')}",
        files=[(file, size(file.size_bytes), _file_href(found, file.name)) for file in found.files],
        parameters=[(name, _shown(value)) for name, value in found.parameters.items()],
        jobs=[job_line(record) for record in jobs],
        saved=saved,
    )


def href_of(version: ModelVersion) -> str:
    """The address of its page."""
    return f"/models/{quote(version.model, safe='')}/{quote(version.version, safe='')}"


def _models(
    request: Request,
    services: Services,
    visitor: Visitor,
    *,
    q: str = "",
    task: str = "",
    refused: str = "",
    hint: str = "",
) -> Response:
    models = list_models(services.registry, visitor.organization_id)
    lines = [_line(model) for model in models if model.versions]
    here = {version.source: version for model in models for version in reversed(model.versions)}
    return render(
        request,
        "models.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        models=[line for line in lines if _fits(line, q, task)],
        total=len(lines),
        tasks=[("", "all"), *((one, one) for one in sorted({line.newest.task for line in lines}))],
        chosen={"q": q, "task": task},
        hub=[_hub_line(services, model, here.get(HUB_SOURCE + model.name)) for model in services.registry.hub.models],
        refused=refused,
        hint=hint,
    )


def _line(model: Model) -> ModelLine:
    newest = model.versions[0]
    total = sum(file.size_bytes for file in newest.files)
    name = model.id if model.name in NOT_NAMES else model.name
    return ModelLine(model.name, f"/models/{quote(name, safe='')}", newest, model.versions, size(total))


def _fits(line: ModelLine, q: str, task: str) -> bool:
    text = f"{line.name} {line.newest.family or ''} {line.newest.licence or ''} {' '.join(line.newest.labels)}".lower()
    return all(word in text for word in q.lower().split()) and task in ("", line.newest.task)


def _hub_line(services: Services, model: HubModel, here: ModelVersion | None) -> HubLine:
    classes = len(services.registry.hub.labels_of(model))
    return HubLine(model, size(model.size_bytes), classes, f"/models/hub/{quote(model.name, safe='')}/pull", here)


def _file_href(version: ModelVersion, name: str) -> str:
    return f"/api/v1/model-versions/{version.id}/files/{quote(name)}"


def _shown(value: object) -> str:
    return " x ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def _nobody_looks(_received: int, _total: int) -> None:
    """The page without JavaScript only waits."""
