"""What can be chosen in the Process form: Processings, the ModelVersions that fit one, and where its classes go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pixmill.parameters import ParameterSpec
from pixmill_server.computes.computes import Compute
from pixmill_server.datasets.records import Label
from pixmill_server.jobs.matching import Matching
from pixmill_server.model_registry.compatibility import why_not
from pixmill_server.model_registry.hub import HubModel
from pixmill_server.model_registry.records import Model, ModelVersion
from pixmill_server.processings.records import Processing
from pixmill_server.web.process_form import CLASS_PREFIX

_GIBIBYTE = 1 << 30


@dataclass(frozen=True, slots=True)
class Card:
    """A Processing to be chosen."""

    name: str
    title: str
    kind: str
    takes: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ModelChoices:
    """What fits the Processing's task and framework."""

    versions: Sequence[tuple[str, str]]
    """Address, and what is shown."""
    to_pull: Sequence[HubModel]
    """Models of the Hub that fit, and are not in the registry yet."""
    wanted: str
    """In words: `a detection model, as ONNX`."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class of the model, and the Labels it may go to."""

    name: str
    field: str
    value: str
    """The Label it goes to; empty: ignored."""
    options: Sequence[tuple[str, str]]
    proposal: str
    """Why a Label of almost the same name may be meant; empty for none."""


@dataclass(frozen=True, slots=True)
class LabelCoverage:
    """One Label of the version, and the classes that go to it."""

    name: str
    color: str
    classes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClassMapping:
    """Where the classes go."""

    rows: Sequence[ClassRow]
    """Those that go to a Label or may be meant to."""
    others: Sequence[ClassRow]
    """The rest: ignored."""
    labels: Sequence[LabelCoverage]
    covered: int
    """Labels that get something."""
    mapped: int
    """Classes that go to a Label."""
    classes: int
    proposals: Sequence[tuple[str, str]]
    """Field and Label."""


def cards(processings: Sequence[Processing], chosen: str) -> list[Card]:
    """All of them; those that fit no search are hidden by the browser."""
    return [Card(one.name, one.title, one.kind, wanted(one.newest.specs), one.name == chosen) for one in processings]


def wanted(specs: Sequence[ParameterSpec]) -> str:
    """What model it takes, in words; empty for none."""
    spec = model_spec(specs)
    if spec is None:
        return ""
    of = f", as {' or '.join(spec.frameworks)}" if spec.frameworks else ""
    return f"a {spec.task} model{of}" if spec.task else f"a model{of}"


def model_spec(specs: Sequence[ParameterSpec]) -> ParameterSpec | None:
    """The Parameter that takes the model."""
    return next((spec for spec in specs if spec.type == "model"), None)


def model_choices(spec: ParameterSpec, models: Sequence[Model], hub: Sequence[HubModel]) -> ModelChoices:
    """Newest versions first, by Model."""

    def fits(model: ModelVersion | HubModel) -> bool:
        wish = {"wanted_task": spec.task, "wanted_frameworks": spec.frameworks}
        return why_not(task=model.task, framework=model.framework, **wish) is None  # type: ignore[arg-type]  # one a text, one texts

    versions = [version for model in models for version in model.versions if fits(version)]
    pulled = {version.source for model in models for version in model.versions}
    return ModelChoices(
        versions=[(one.address, f"{one.address}: {one.framework}, {len(one.labels)} classes") for one in versions],
        to_pull=[one for one in hub if fits(one) and f"hub:{one.name}" not in pulled],
        wanted=wanted([spec]),
    )


def mapping(
    classes: Sequence[str], labels: Sequence[Label], matching: Matching, typed: Mapping[str, str]
) -> ClassMapping:
    """The table of classes, those first that matter."""
    names = [label.name for label in labels]
    proposed = {one.model_class: one for one in matching.proposals}
    rows: list[ClassRow] = []
    others: list[ClassRow] = []
    for name in dict.fromkeys(classes):
        proposal = proposed.get(name)
        row = ClassRow(
            name=name,
            field=CLASS_PREFIX + name,
            value=matching.mapped.get(name, ""),
            options=_options(name, names),
            proposal=f"Perhaps “{proposal.label}”: it {proposal.why}." if proposal else "",
        )
        (rows if name in matching.mapped or proposal or typed.get(row.field) else others).append(row)
    going = [(name, label) for name, label in matching.mapped.items()]
    coverage = [
        LabelCoverage(label.name, label.color, [name for name, to in going if to == label.name]) for label in labels
    ]
    return ClassMapping(
        rows=rows,
        others=others,
        labels=coverage,
        covered=sum(bool(one.classes) for one in coverage),
        mapped=len(matching.mapped),
        classes=len(rows) + len(others),
        proposals=[(CLASS_PREFIX + one.model_class, one.label) for one in matching.proposals],
    )


def compute_options(computes: Sequence[Compute]) -> list[tuple[str, str]]:
    """Each with what a Run gets there."""
    return [(one.name, f"{one.name}: {_described(one)}") for one in computes]


def _options(name: str, labels: Sequence[str]) -> list[tuple[str, str]]:
    # A class of a Label's own name goes there by itself; it can be sent elsewhere, not left out.
    nothing = [] if name in labels else [("", "ignored")]
    return [*nothing, *((label, label) for label in labels)]


def _described(compute: Compute) -> str:
    parts = [f"{compute.cpus:g} CPUs"]
    if compute.memory_bytes:
        parts.append(f"{compute.memory_bytes / _GIBIBYTE:.0f} GiB")
    if compute.gpus:
        parts.append(f"{compute.gpus} GPUs")
    if compute.price_per_hour:
        parts.append(f"{compute.price_per_hour:g} an hour")
    return ", ".join(parts)
