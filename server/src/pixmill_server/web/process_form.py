"""The Process form: fields out of a Processing's Parameters, and what was typed back into a launch. Values, no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pixmill.errors import InvalidInput
from pixmill.parameters import ParameterSpec, values_from_text
from pixmill_server.datasets.filter_text import filter_of_text
from pixmill_server.jobs.request import LaunchRequest, Scope
from pixmill_server.processings.records import Processing

PARAMETER_PREFIX = "p."
EXISTING = {
    "keep": "Keep: leave out assets that have any annotation",
    "replace": "Replace what the same Processing and Model wrote",
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


def parameter_fields(processing: Processing, typed: Mapping[str, str], *, labels: Sequence[str]) -> list[Field]:
    """A field for every Parameter but the model; empty ones of an optional Parameter mean none."""
    return [
        _field(spec, _shown(spec, processing, typed), labels)
        for spec in processing.newest.specs
        if spec.type != "model"
    ]


def launch_request(processing: Processing, typed: Mapping[str, str], *, version: str) -> LaunchRequest:
    """What the form asks for. Raises `ParameterError` for what cannot be read as its type."""
    specs = [spec for spec in processing.newest.specs if spec.type != "model"]
    texts = {spec.name: typed[key].strip() for spec in specs if (key := PARAMETER_PREFIX + spec.name) in typed}
    return LaunchRequest(
        processing=processing.name,
        version=version,
        model=typed.get("model") or None,
        parameters=values_from_text(specs, texts),
        label_map=_label_map(typed.get("map", "")),
        scope=Scope(
            label=typed.get("label") or None,
            tag=typed.get("tag") or None,
            unannotated=typed.get("unannotated") == "true",
            filter=filter_of_text(typed.get("where", "")),
        ),
        existing=typed.get("existing") or "keep",
        compute=typed.get("compute") or None,
    )


def text_of(value: object) -> str:
    """A Parameter's value as one types it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


def _label_map(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, equals, label = part.partition("=")
        if not equals or not name.strip() or not label.strip():
            raise InvalidInput(
                f"'{part.strip()}' is no pair of a class and a Label.", hint="Write class=Label.", field="map"
            )
        pairs[name.strip()] = label.strip()
    return pairs


def _shown(spec: ParameterSpec, processing: Processing, typed: Mapping[str, str]) -> str:
    given = typed.get(PARAMETER_PREFIX + spec.name)
    if given is not None:
        return given
    return text_of(processing.defaults.get(spec.name, spec.default))


def _field(spec: ParameterSpec, value: str, labels: Sequence[str]) -> Field:
    name = PARAMETER_PREFIX + spec.name
    nothing = [("", "none")] if spec.optional else []
    match spec.type:
        case "bool":
            return Field(name, spec.name, "select", value, spec.help, [*nothing, ("true", "yes"), ("false", "no")])
        case "choice":
            options = [(str(choice), str(choice)) for choice in spec.choices]
            return Field(name, spec.name, "select", value, spec.help, [*nothing, *options])
        case "label":
            return Field(name, spec.name, "select", value, spec.help, [*nothing, *((one, one) for one in labels)])
        case "int" | "float":
            step = "1" if spec.type == "int" else "any"
            return Field(
                name,
                spec.name,
                "number",
                value,
                spec.help,
                minimum="" if spec.minimum is None else f"{spec.minimum:g}",
                maximum="" if spec.maximum is None else f"{spec.maximum:g}",
                step=step,
                is_required=not spec.optional,
            )
        case _:
            return Field(name, spec.name, "text", value, spec.help, is_required=spec.required)
