"""Process: choose a Processing for a version, a filter or a selection, see what it will do, and launch it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import InvalidInput, PixmillError
from pixmill_server.computes.computes import list_computes
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.filter_text import in_words, text_of
from pixmill_server.datasets.filters import AssetFilter
from pixmill_server.datasets.queries import find_version, list_versions, pin
from pixmill_server.datasets.read import count_assets
from pixmill_server.datasets.records import Pinned
from pixmill_server.jobs.launch import launch, plan_launch
from pixmill_server.jobs.matching import match_classes
from pixmill_server.jobs.new_version import taken_names
from pixmill_server.jobs.request import LaunchPlan
from pixmill_server.model_registry.queries import find_model_version, list_models
from pixmill_server.model_registry.records import ModelVersion
from pixmill_server.processings.queries import find_processing, list_processings
from pixmill_server.processings.records import Processing
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.process_choices import (
    ClassMapping,
    ModelChoices,
    cards,
    compute_options,
    mapping,
    model_choices,
    model_spec,
)
from pixmill_server.web.process_form import (
    NEW_VERSION,
    WHOLE,
    Field,
    filter_of,
    free_name,
    label_map,
    launch_request,
    parameter_errors,
    parameter_fields,
    ways_with_existing,
)

router = page_router()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the launch would be refused, and which field it is about ("" for none)."""

    message: str
    hint: str
    field: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A version and a part of it, as the address says."""

    address: str
    href: str
    pinned: Pinned
    locked: bool
    part: AssetFilter
    """What the grid's filter means, whether it is chosen or not."""
    part_assets: int


@dataclass(slots=True)
class Form:
    """The form as it stands."""

    processing: Processing | None = None
    models: ModelChoices | None = None
    """None: it takes no model."""
    model: ModelVersion | None = None
    mapping: ClassMapping | None = None
    fields: list[Field] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    """Parameter name, or `model`, `map`, `existing`, `compute`, to what is wrong with it."""
    plan: LaunchPlan | None = None
    refusal: Refusal | None = None

    @property
    def reads(self) -> list[tuple[str, str]]:
        """Parameters that are other versions, each with the Revision that the Run would read."""
        if self.processing is None or self.plan is None:
            return []
        named = [spec.name for spec in self.processing.newest.specs if spec.type == "dataset_version"]
        return [(name, str(self.plan.parameters[name])) for name in named if self.plan.parameters[name]]


def version_addresses(services: Services, organization_id: str) -> list[str]:
    """Of all versions that there are, by Dataset."""
    with services.database.reading() as session:
        return [one.address for one in list_versions(session, organization_id)]


async def typed_form(request: Request) -> dict[str, str]:
    """What the form sent, without files."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


@router.get("/datasets/{dataset}/{version}/process")
def process_page(request: Request, services: Services, visitor: Visitor, dataset: str, version: str) -> Response:
    """The form, and what the launch would do; the address keeps all that was typed."""
    typed = dict(request.query_params)
    asked = _asked(services, visitor, VersionAddress(dataset, version, None), typed)
    return _shown(request, services, visitor, asked, typed, _form(services, visitor, asked, typed))


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
    asked = _asked(services, visitor, VersionAddress(dataset, version, None), typed)
    form = _form(services, visitor, asked, typed)
    if form.processing is None:
        raise InvalidInput("A launch needs a Processing.", hint="Choose one.", field="processing")
    if not form.errors and form.refusal is None:
        classes = form.model.labels if form.model else ()
        wish = launch_request(form.processing, typed, version=asked.address, classes=classes)
        try:
            return RedirectResponse(f"/jobs/{launch(services.jobs, visitor, wish)}", HTTPStatus.SEE_OTHER)
        except PixmillError as error:
            _refuse(form, error)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return _shown(request, services, visitor, asked, typed, form, status=status)


def _asked(services: Services, visitor: Visitor, address: VersionAddress, typed: Mapping[str, str]) -> Asked:
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, address)
    pinned = pin(services.datasets, row.id)
    part = filter_of({"where": typed.get("where", "")})
    return Asked(
        address=f"{address.dataset}/{address.version}",
        href=f"/datasets/{quote(address.dataset, safe='')}/{quote(address.version, safe='')}",
        pinned=pinned,
        locked=row.locked,
        part=part,
        part_assets=count_assets(services.datasets, pinned, part),
    )


def _form(services: Services, visitor: Visitor, asked: Asked, typed: dict[str, str]) -> Form:
    """As it stands by what was typed; where one ModelVersion alone fits, it is chosen."""
    form = Form()
    if not typed.get("processing"):
        return form
    form.processing = find_processing(services.processings, visitor.organization_id, typed["processing"])
    labels = [label.name for label in asked.pinned.labels]
    versions = version_addresses(services, visitor.organization_id)
    form.fields = parameter_fields(form.processing, typed, labels=labels, versions=versions)
    if form.processing.newest.new_version:
        with services.database.reading() as session:
            typed.setdefault(NEW_VERSION, free_name(taken_names(session, asked.pinned.version_id)))
    form.errors = parameter_errors(form.processing, typed)
    try:
        _choose_model(services, visitor, form, form.processing, asked, typed)
        if not form.errors and (form.models is None or form.model is not None):
            classes = form.model.labels if form.model else ()
            wish = launch_request(form.processing, typed, version=asked.address, classes=classes)
            form.plan = plan_launch(services.jobs, visitor, wish)
    except PixmillError as error:
        _refuse(form, error)
    return form


def _choose_model(
    services: Services, visitor: Visitor, form: Form, processing: Processing, asked: Asked, typed: dict[str, str]
) -> None:
    spec, registry = model_spec(processing.newest.specs), services.registry
    if spec is None:
        return
    form.models = model_choices(spec, list_models(registry, visitor.organization_id), registry.hub.models)
    addresses = [address for address, _ in form.models.versions]
    default = str(processing.defaults.get(spec.name) or "")
    typed["model"] = typed.get("model") or default or (addresses[0] if len(addresses) == 1 else "")
    if not typed["model"]:
        return
    form.model = find_model_version(registry, visitor.organization_id, typed["model"])
    typed["model"] = form.model.address
    classes, labels = form.model.labels, asked.pinned.labels
    names = [label.name for label in labels]
    proposed = match_classes(classes, names, {}).proposals if typed.pop("proposals", "") else ()
    typed |= {f"map.{one.model_class}": one.label for one in proposed if not typed.get(f"map.{one.model_class}")}
    given = {name: label for name, label in label_map(typed, classes).items() if label in names}
    form.mapping = mapping(classes, labels, match_classes(classes, names, given), typed)


def _refuse(form: Form, error: PixmillError) -> None:
    about = str(getattr(error, "field", ""))
    form.refusal = Refusal(error.message, error.hint, about)
    form.errors.setdefault(about or "launch", error.message)


def _shown(
    request: Request,
    services: Services,
    visitor: Visitor,
    asked: Asked,
    typed: Mapping[str, str],
    form: Form,
    *,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    processings = list_processings(services.processings, visitor.organization_id)
    offered = [one for one in processings if one.newest.new_version or not asked.locked]
    kept = {"where": typed.get("where", ""), "scope": typed.get("scope", ""), "processing": typed.get("processing", "")}
    values: dict[str, Any] = {
        "asked": asked,
        "form": form,
        "typed": typed,
        "is_whole": typed.get("scope") == WHOLE or asked.part.is_all,
        "part_in_words": in_words(asked.part),
        "grid_href": f"{asked.href}?{text_of(asked.part)}" if text_of(asked.part) else asked.href,
        "processings": cards(offered, form.processing.name if form.processing else ""),
        "left_out": [one.name for one in processings if one not in offered],
        "kinds": sorted({one.kind for one in offered}),
        "existing": ways_with_existing(form.processing.kind if form.processing else ""),
        "computes": compute_options(list_computes(services.computes, visitor.organization_id)),
        "compute": typed.get("compute") or (form.processing.compute if form.processing else ""),
        "reset_href": "?" + urlencode({name: value for name, value in kept.items() if value}),
    }
    return render(request, "process.html", status=status, **values)
