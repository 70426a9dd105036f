"""The Process form: fields out of a Processing's Parameters, and what was typed back into a launch. Values, no I/O."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from pixmill.errors import InvalidInput, ParameterError
from pixmill.parameters import ParameterSpec, validate, values_from_text
from pixmill.parameters.timeouts import parse_timeouts
from pixmill_server.datasets.filter_text import filter_of_text
from pixmill_server.datasets.filters import ALL, AssetFilter
from pixmill_server.jobs.request import LaunchRequest, Scope
from pixmill_server.processings.records import Processing

PARAMETER_PREFIX: Final = "p."
CLASS_PREFIX: Final = "map."
WHOLE: Final = "all"
NEW_VERSION: Final = "to"
MOST_PRIORITY: Final = 100
EXISTING: Final = {
    "keep": "Keep: assets that have any annotation are skipped",
    "replace": "Replace what the same Processing and Model made before",
    "add": "Add to them",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form."""

    name: str
    label: str
    control: str
    """`number`, `text` or `select`."""
    value: str
    help: str = ""
    options: Sequence[tuple[str, str]] = ()
    """Of a select: value and what is shown."""
    minimum: str = ""
    maximum: str = ""
    step: str = ""
    is_required: bool = False
    default: str = ""
    """What it is where nobody types anything."""
    may_be: str = ""
    """Its range in words."""


def ways_with_existing(kind: str) -> dict[str, str]:
    """What may become of the annotations that there are, in words; only pre-annotation passes annotated assets by."""
    is_work = kind != "pre-annotation"
    return EXISTING | ({"keep": "Keep: assets that have any annotation get no more"} if is_work else {})


def parameter_fields(
    processing: Processing, typed: Mapping[str, str], *, labels: Sequence[str], versions: Sequence[str]
) -> list[Field]:
    """A field for every Parameter but the model; empty ones of an optional Parameter mean none.

    `labels` and `versions` are what a Label and a DatasetVersion can be chosen from.
    """
    return [
        _field(spec, _shown(spec, processing, typed), _default(spec, processing), labels, versions)
        for spec in processing.newest.specs
        if spec.type != "model"
    ]


def parameter_errors(processing: Processing, typed: Mapping[str, str]) -> dict[str, str]:
    """For each Parameter that cannot be what was typed, why."""
    errors = {}
    for spec in _typed_specs(processing):
        text = typed.get(PARAMETER_PREFIX + spec.name)
        try:
            given = {} if text is None else values_from_text([spec], {spec.name: text.strip()})
            if given or spec.name not in processing.defaults:
                validate([spec], given)
        except ParameterError as error:
            errors[spec.name] = error.message
    return errors


def filter_of(typed: Mapping[str, str]) -> AssetFilter:
    """What part of the version is meant. Raises `InvalidInput`."""
    return ALL if typed.get("scope") == WHOLE else filter_of_text(typed.get("where", ""))


def launch_request(
    processing: Processing, typed: Mapping[str, str], *, version: str, classes: Sequence[str] = ()
) -> LaunchRequest:
    """What the form asks for; `classes` are the model's. Raises `ParameterError` for what is not of its type."""
    specs = _typed_specs(processing)
    texts = {spec.name: typed[key].strip() for spec in specs if (key := PARAMETER_PREFIX + spec.name) in typed}
    return LaunchRequest(
        processing=processing.name,
        version=version,
        model=typed.get("model") or None,
        parameters=values_from_text(specs, texts),
        label_map=label_map(typed, classes),
        scope=Scope(filter=filter_of(typed)),
        existing=typed.get("existing") or "keep",
        on_failure=typed.get("on_failure") or "continue",
        priority=_priority(typed.get("priority", "").strip()),
        timeouts=_timeouts(typed.get("timeouts", "")),
        compute=typed.get("compute") or None,
        to=(typed.get(NEW_VERSION) or None) if processing.newest.new_version else None,
    )


def free_name(taken: Collection[str]) -> str:
    """A name for a new version that none has: `v2`, or the first free one after it."""
    return next(name for number in count(2) if (name := f"v{number}") not in taken)


def text_of(value: object) -> str:
    """A Parameter's value as one types it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def _timeouts(text: str) -> dict[str, float | None]:
    said = parse_timeouts(part for part in text.split(",") if part.strip())
    return {str(name): seconds for name, seconds in said.items()}


def _priority(text: str) -> int:
    try:
        number = int(text or 0)
    except ValueError:
        number = MOST_PRIORITY + 1
    if abs(number) > MOST_PRIORITY:
        expected = f"Give a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}."
        raise InvalidInput(f"The priority cannot be '{text}'.", hint=expected, field="priority")
    return number


def label_map(typed: Mapping[str, str], classes: Sequence[str]) -> dict[str, str]:
    """Class to Label, of those that do not go to the Label of their own name anyway."""
    said = {name: typed.get(CLASS_PREFIX + name, "") for name in classes}
    return {name: label for name, label in said.items() if label and label != name}


def _typed_specs(processing: Processing) -> list[ParameterSpec]:
    return [spec for spec in processing.newest.specs if spec.type != "model"]


def _default(spec: ParameterSpec, processing: Processing) -> str:
    return text_of(processing.defaults.get(spec.name, spec.default))


def _shown(spec: ParameterSpec, processing: Processing, typed: Mapping[str, str]) -> str:
    return typed.get(PARAMETER_PREFIX + spec.name, _default(spec, processing))


def _field(spec: ParameterSpec, value: str, default: str, labels: Sequence[str], versions: Sequence[str]) -> Field:
    name = PARAMETER_PREFIX + spec.name
    nothing = [("", "none")] if spec.optional else []
    match spec.type:
        case "bool":
            options = [*nothing, ("true", "yes"), ("false", "no")]
            return Field(name, spec.name, "select", value, spec.help, options, default=default)
        case "choice":
            options = [*nothing, *((str(choice), str(choice)) for choice in spec.choices)]
            return Field(name, spec.name, "select", value, spec.help, options, default=default)
        case "label":
            options = [*nothing, *((one, one) for one in labels)]
            return Field(name, spec.name, "select", value, spec.help, options, default=default)
        case "dataset_version":
            # One Revision of a version can be asked for too: by the address of a Run before, or a default.
            addresses = [*versions, value] if value and value not in versions else versions
            first = ("", "none" if spec.optional else "choose a version")
            options = [first, *((one, one) for one in addresses)]
            return Field(name, spec.name, "select", value, spec.help, options, default=default)
        case "int" | "float":
            return Field(
                name,
                spec.name,
                "number",
                value,
                spec.help,
                minimum="" if spec.minimum is None else f"{spec.minimum:g}",
                maximum="" if spec.maximum is None else f"{spec.maximum:g}",
                step="1" if spec.type == "int" else "any",
                is_required=not spec.optional,
                default=default,
                may_be=_range(spec),
            )
        case _:
            may_be = "several, with commas between" if spec.type == "list" else ""
            return Field(
                name, spec.name, "text", value, spec.help, is_required=spec.required, default=default, may_be=may_be
            )


def _range(spec: ParameterSpec) -> str:
    whole = "a whole number" if spec.type == "int" else "a number"
    if spec.minimum is None and spec.maximum is None:
        return whole
    if spec.maximum is None:
        return f"{whole}, {spec.minimum:g} or more"
    if spec.minimum is None:
        return f"{whole}, {spec.maximum:g} or less"
    return f"{whole} from {spec.minimum:g} to {spec.maximum:g}"
