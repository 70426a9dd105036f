"""Process: choose a Processing for a version, see what it will do, and launch it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import InvalidInput, PixmillError
from pixmill_server.computes.computes import list_computes
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.queries import find_version, pin
from pixmill_server.jobs.launch import launch, plan_launch
from pixmill_server.jobs.request import LaunchPlan
from pixmill_server.model_registry.queries import list_models
from pixmill_server.processings.queries import find_processing, list_processings
from pixmill_server.processings.records import Processing
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.process_form import EXISTING, Field, launch_request, parameter_fields

IGNORED_SHOWN = 12

router = page_router()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the launch would be refused, and which field it is about ("" for none)."""

    message: str
    hint: str
    field: str


@router.get("/datasets/{dataset}/{version}/process")
def process_page(request: Request, services: Services, visitor: Visitor, dataset: str, version: str) -> Response:
    """The form; once something is typed, also what the launch would do."""
    typed = dict(request.query_params)
    address = f"{dataset}/{version}"
    page = _page(services, visitor, VersionAddress(dataset, version, None), typed)
    if page["processing"] and typed.get("check"):
        page |= _checked(services, visitor, page["processing"], typed, address)
    return render(request, "process.html", **page)


async def typed_form(request: Request) -> dict[str, str]:
    """What the form sent, without files."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


@router.post("/datasets/{dataset}/{version}/process")
def process(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    typed: Annotated[dict[str, str], Depends(typed_form)],
) -> Response:
    """Launch what the form asks for, and show the Job; a refusal shows the form again, with the reason."""
    address = f"{dataset}/{version}"
    page = _page(services, visitor, VersionAddress(dataset, version, None), typed)
    found = page["processing"]
    if found is None:
        raise InvalidInput("A launch needs a Processing.", hint="Choose one.", field="processing")
    try:
        job_id = launch(services.jobs, visitor, launch_request(found, typed, version=address))
    except PixmillError as error:
        return render(
            request, "process.html", status=HTTPStatus.UNPROCESSABLE_ENTITY, **page | {"refusal": _refusal(error)}
        )
    return RedirectResponse(f"/jobs/{job_id}", HTTPStatus.SEE_OTHER)


def _page(services: Services, visitor: Visitor, address: VersionAddress, typed: Mapping[str, str]) -> dict[str, Any]:
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, address)
    pinned = pin(services.datasets, row.id)
    labels = [label.name for label in pinned.labels]
    name = typed.get("processing", "")
    found = find_processing(services.processings, visitor.organization_id, name) if name else None
    return {
        "address": f"{address.dataset}/{address.version}",
        "assets": pinned.counts.assets,
        "labels": labels,
        "processings": list_processings(services.processings, visitor.organization_id),
        "processing": found,
        "takes_model": found is not None and any(spec.type == "model" for spec in found.newest.specs),
        "fields": parameter_fields(found, typed, labels=labels) if found else [],
        "choices": _choices(services, visitor, found, typed, labels) if found else [],
        "typed": typed,
        "plan": None,
        "ignored": "",
        "refusal": None,
    }


def _choices(
    services: Services, visitor: Visitor, found: Processing, typed: Mapping[str, str], labels: Sequence[str]
) -> list[Field]:
    computes = [(compute.name, compute.name) for compute in list_computes(services.computes, visitor.organization_id)]
    fields = [
        Field("label", "Only assets with the Label", "select", typed.get("label", ""), "", _or_any(labels)),
        Field(
            "unannotated",
            "Annotated or not",
            "select",
            typed.get("unannotated", ""),
            "",
            [("", "all assets"), ("true", "only assets without annotations")],
        ),
        Field("tag", "Only assets with the tag", "text", typed.get("tag", "")),
        Field("existing", "Existing annotations", "select", typed.get("existing", "keep"), "", [*EXISTING.items()]),
        Field("compute", "Compute", "select", typed.get("compute") or found.compute, "", computes),
    ]
    models = _fitting_models(services, visitor, found)
    if models is not None:
        chosen = typed.get("model", "")
        nothing_fits = "" if models else "No ModelVersion fits yet: push one, or pull one from the Hub (see Models)."
        fields.insert(0, Field("model", "ModelVersion", "select", chosen, nothing_fits, models, is_required=True))
        help_text = "Classes go to the Label of the same name. Others: class=Label, class=Label."
        fields.append(Field("map", "Classes to Labels", "text", typed.get("map", ""), help_text))
    return fields


def _or_any(labels: Sequence[str]) -> list[tuple[str, str]]:
    return [("", "any or none"), *((label, label) for label in labels)]


def _fitting_models(services: Services, visitor: Visitor, found: Processing) -> list[tuple[str, str]] | None:
    """None: the Processing takes no model."""
    spec = next((spec for spec in found.newest.specs if spec.type == "model"), None)
    if spec is None:
        return None
    versions = [
        version for model in list_models(services.registry, visitor.organization_id) for version in model.versions
    ]
    return [
        (version.address, version.address)
        for version in versions
        if spec.task in ("", version.task) and (not spec.frameworks or version.framework in spec.frameworks)
    ]


def _checked(
    services: Services, visitor: Visitor, found: Processing, typed: Mapping[str, str], address: str
) -> dict[str, Any]:
    try:
        plan = plan_launch(services.jobs, visitor, launch_request(found, typed, version=address))
    except PixmillError as error:
        return {"refusal": _refusal(error)}
    return {"plan": plan, "ignored": _ignored(plan)}


def _ignored(plan: LaunchPlan) -> str:
    if plan.matching is None:
        return ""
    rest = len(plan.matching.ignored) - IGNORED_SHOWN
    shown = ", ".join(plan.matching.ignored[:IGNORED_SHOWN])
    return f"{shown} and {rest} more" if rest > 0 else shown


def _refusal(error: PixmillError) -> Refusal:
    return Refusal(error.message, error.hint, getattr(error, "field", ""))
