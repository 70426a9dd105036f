"""Everything that a launch or a re-run decides before it is written down: what is refused is refused here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from pixmill.errors import InvalidInput
from pixmill.parameters import ParameterType, validate
from pixmill_server.computes.computes import LOCAL, Compute, compute_in
from pixmill_server.datasets.addresses import parse_address
from pixmill_server.datasets.counting import facets
from pixmill_server.datasets.errors import AssetNotFound, VersionLocked
from pixmill_server.datasets.filter_text import in_words
from pixmill_server.datasets.filters import AssetFilter
from pixmill_server.datasets.queries import address_of, find_version, pinned, version_by_id
from pixmill_server.datasets.read import assets_page, count_assets
from pixmill_server.datasets.records import Pinned
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.errors import NothingInScope
from pixmill_server.jobs.matching import Matching, NothingToAnnotate, match_classes, require_something
from pixmill_server.jobs.new_version import name_new_version
from pixmill_server.jobs.pins import PinnedModel, PinnedProcessing, pin_model, pin_processing
from pixmill_server.jobs.policy import FailurePolicy
from pixmill_server.jobs.read_versions import ReadVersion, pin_versions
from pixmill_server.jobs.request import LaunchPlan, LaunchRequest, Scope
from pixmill_server.jobs.timeouts import merged
from pixmill_server.processings.secrets import require_set

_ASSET_ID = re.compile(r"[0-9a-f]{32}")
EXISTING = ("keep", "replace", "add")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A launch that nothing speaks against."""

    request: LaunchRequest
    address: str
    """`street/v1`."""
    pinned: Pinned
    processing: PinnedProcessing
    model: PinnedModel | None
    compute: Compute
    parameters: Mapping[str, Any]
    """All of them."""
    read_versions: Mapping[str, ReadVersion]
    """By Parameter: those that are other versions."""
    matching: Matching | None
    """None: the Processing takes no model."""
    where: AssetFilter
    assets: int
    """In scope."""
    notes: tuple[str, ...]
    policy: FailurePolicy
    timeouts: Mapping[str, float]
    """The limits that hold: seconds by name."""
    new_version: str | None
    """The name, within the Dataset, of the version that the Run makes; None: it makes none."""

    @property
    def batch_size(self) -> int:
        """Images for each call; 0 for a whole-version function."""
        return 0 if self.processing.whole_version else int(self.parameters["batch_size"])

    def plan(self) -> LaunchPlan:
        """What would be done."""
        return LaunchPlan(
            version=f"{self.address}@{self.pinned.number}",
            processing=self.processing.name,
            processing_number=self.processing.number,
            model=self.model.name if self.model else None,
            compute=self.compute.name,
            parameters=self.parameters,
            assets=self.assets,
            matching=self.matching,
            existing=self.request.existing,
            on_failure=str(self.policy),
            priority=self.request.priority,
            timeouts=self.timeouts,
            secrets=self.processing.secrets,
            new_version=f"{self.address.partition('/')[0]}/{self.new_version}" if self.new_version else None,
            notes=self.notes,
        )


def prepare(jobs: Jobs, organization_id: str, request: LaunchRequest) -> Prepared:
    """Find, pin and check everything; raises what makes the launch impossible."""
    if request.existing not in EXISTING:
        raise InvalidInput(
            f"Existing annotations cannot be treated as '{request.existing}'.",
            hint=f"Choose one of {', '.join(EXISTING)}.",
            field="existing",
        )
    policy = FailurePolicy.parse(request.on_failure)
    with jobs.database.reading() as session:
        found = _find(session, organization_id, request)
    parameters = _parameters(found, request)
    matching = _match(found, request)
    where = filter_of(request.scope)
    _require_listed(jobs, found.pinned, request.scope)
    assets = count_assets(jobs.datasets, found.pinned, where)
    if assets == 0:
        raise NothingInScope(
            f"No asset of {found.address}@{found.pinned.number} is in scope: {_described(request.scope, where)}.",
            hint="Import images with `pixmill datasets import`, or choose other assets.",
            field="scope",
        )
    return Prepared(
        request=request,
        address=found.address,
        pinned=found.pinned,
        processing=found.processing,
        model=found.model,
        compute=found.compute,
        parameters=parameters,
        read_versions=found.read_versions,
        matching=matching,
        where=where,
        assets=assets,
        notes=_notes(jobs, found, request, where),
        policy=policy,
        timeouts=merged(request.timeouts, found.compute.timeouts, jobs.timeouts),
        new_version=found.new_version,
    )


@dataclass(frozen=True, slots=True)
class NewestPins:
    """What a launch would pin now."""

    processing: PinnedProcessing
    model: PinnedModel | None
    parameters: Mapping[str, Any]
    compute: Compute
    new_version: str | None


def newest_pins(jobs: Jobs, organization_id: str, request: LaunchRequest) -> NewestPins:
    """What the launch would pin now, whatever is in scope; raises where it could not."""
    with jobs.database.reading() as session:
        found = _find(session, organization_id, request)
    return NewestPins(found.processing, found.model, _parameters(found, request), found.compute, found.new_version)


def filter_of(scope: Scope) -> AssetFilter:
    """The scope as a filter; a list is one of ids where every entry looks like one, else one of paths.

    Raises `InvalidInput` where its conditions speak of the same and differ.
    """
    said = scope.filter
    if scope.label is not None and said.labels not in ((), (scope.label,)):
        raise _said_twice("a Label")
    if scope.unannotated and (said.annotated or said.labels):
        raise _said_twice("annotations")
    listed = _listed(scope)
    return replace(
        said,
        ids=listed.ids,
        paths=listed.paths,
        labels=said.labels if scope.label is None else (scope.label,),
        tags=said.tags if scope.tag is None else tuple(dict.fromkeys((*said.tags, scope.tag))),
        annotated=False if scope.unannotated else said.annotated,
    )


def _said_twice(what: str) -> InvalidInput:
    return InvalidInput(
        f"The scope says something of {what}, and its filter something else.", hint="Say it once.", field="scope"
    )


@dataclass(frozen=True, slots=True)
class _Found:
    address: str
    pinned: Pinned
    processing: PinnedProcessing
    model: PinnedModel | None
    compute: Compute
    new_version: str | None
    read_versions: Mapping[str, ReadVersion]


def _find(session: Session, organization_id: str, request: LaunchRequest) -> _Found:
    if request.version.startswith("ver_"):
        version, number = version_by_id(session, organization_id, request.version), None
    else:
        address = parse_address(request.version)
        version, number = find_version(session, organization_id, address), address.number
    processing = pin_processing(session, organization_id, request.processing)
    if version.locked and not processing.new_version:
        # Refused now, and not when the Run has done all of its work.
        raise VersionLocked(str(address_of(session, version.id)))
    require_set(session, organization_id, processing.secrets, processing=processing.name)
    compute = request.compute or processing.compute_id or LOCAL
    given = {**processing.defaults, **request.parameters}
    return _Found(
        address=str(address_of(session, version.id)),
        pinned=pinned(session, version.id, number),
        processing=processing,
        model=_model(session, organization_id, processing, request),
        compute=compute_in(session, organization_id, compute),
        new_version=name_new_version(session, processing, version, request.to),
        read_versions=pin_versions(session, organization_id, processing.specs, given),
    )


def _model(
    session: Session, organization_id: str, processing: PinnedProcessing, request: LaunchRequest
) -> PinnedModel | None:
    parameter = processing.model_parameter
    if parameter is None:
        if request.model is not None:
            raise InvalidInput(f"{processing.name} takes no model.", hint="Leave --model out.", field="model")
        return None
    name = request.model or request.parameters.get(parameter) or processing.defaults.get(parameter)
    if name is None:
        raise InvalidInput(
            f"{processing.name} takes a model, and none was given.",
            hint="Give one with --model, as in --model smart-city-yolo/1. See them with `pixmill models ls`.",
            field="model",
        )
    model = pin_model(session, organization_id, str(name))
    _require_fit(processing, parameter, model)
    return model


def _require_fit(processing: PinnedProcessing, parameter: str, model: PinnedModel) -> None:
    taken = processing.schema["takes"][parameter]
    task, frameworks = taken.get("task"), taken.get("frameworks")
    if task and model.task != task:
        raise InvalidInput(
            f"{processing.name} takes a model for {task}; {model.name} is for {model.task}.", field="model"
        )
    if frameworks and model.framework not in frameworks:
        raise InvalidInput(
            f"{processing.name} takes a model of {' or '.join(frameworks)}; {model.name} is of {model.framework}.",
            field="model",
        )


def _parameters(found: _Found, request: LaunchRequest) -> Mapping[str, Any]:
    processing = found.processing
    given = {**processing.defaults, **request.parameters}
    if found.model is not None and processing.model_parameter is not None:
        given[processing.model_parameter] = found.model.name
    parameters = validate(processing.specs, given)
    for spec in processing.specs:
        value = parameters[spec.name]
        if spec.type is ParameterType.LABEL and value is not None:
            found.pinned.label_named(str(value))
    return {**parameters, **{name: read.address for name, read in found.read_versions.items()}}


def _match(found: _Found, request: LaunchRequest) -> Matching | None:
    labels = [label.name for label in found.pinned.labels]
    address = f"{found.address}@{found.pinned.number}"
    if found.model is None:
        if request.label_map:
            raise InvalidInput(f"{found.processing.name} takes no model whose classes could be mapped.", field="map")
        if found.processing.annotates and not labels:
            raise NothingToAnnotate(
                f"{address} has no Labels, so nothing that {found.processing.name} finds could be kept.",
                hint=f"Set some first: pixmill labels set {found.address} NAME ...",
                field="version",
            )
        return None
    matching = match_classes(found.model.labels, labels, request.label_map)
    if found.processing.annotates:
        require_something(matching, model=found.model.name, version=address, labels=labels)
    return matching


def _notes(jobs: Jobs, found: _Found, request: LaunchRequest, where: AssetFilter) -> tuple[str, ...]:
    if request.existing != "keep" or not found.processing.annotates:
        return ()
    annotated = facets(jobs.datasets, found.pinned, where).annotated
    if not annotated:
        return ()
    kept = "what is found on them is not kept, unless existing annotations are replaced or added to."
    return (f"{annotated} of these assets have annotations: {kept}",)


def _listed(scope: Scope) -> AssetFilter:
    if scope.assets is None:
        return AssetFilter()
    if scope.assets and all(_ASSET_ID.fullmatch(name) for name in scope.assets):
        return AssetFilter(ids=scope.assets)
    return AssetFilter(paths=scope.assets)


def _require_listed(jobs: Jobs, pinned: Pinned, scope: Scope) -> None:
    """Raise `AssetNotFound` for the first listed asset that the version does not have."""
    listed = _listed(scope)
    if scope.assets is None or count_assets(jobs.datasets, pinned, listed) == len(set(scope.assets)):
        return
    found: set[str] = set()
    after: str | None = ""
    while after is not None:
        page = assets_page(jobs.datasets, pinned, after=after or None, limit=1000, where=listed)
        found |= {name for asset in page.items for name in (asset.id, asset.path)}
        after = page.next_cursor
    for name in scope.assets:
        if name not in found:
            raise AssetNotFound(name)


def _described(scope: Scope, where: AssetFilter) -> str:
    listed = [] if scope.assets is None else [f"a list of {len(scope.assets)}"]
    conditions = [*listed, in_words(where)] if in_words(where) else listed
    return ", ".join(conditions) or "all of its assets, of which there are none"
