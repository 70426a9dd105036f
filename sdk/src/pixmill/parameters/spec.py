"""What a Parameter is: its name, type, default and range, and how that is written in JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = bool | int | float | str
ParameterValue: TypeAlias = Scalar | list[Scalar] | None


class ParameterType(StrEnum):
    """What kind of value a Parameter takes; a model or a version is given by its address, a label by its name."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"
    CHOICE = "choice"
    LIST = "list"
    LABEL = "label"
    MODEL = "model"
    DATASET_VERSION = "dataset_version"


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One Parameter."""

    name: str
    type: ParameterType
    required: bool = False
    default: ParameterValue = None
    """What it is when not given; without meaning where it is required."""
    minimum: float | None = None
    """The least number allowed, also of each item of a list; None: no bound."""
    maximum: float | None = None
    choices: tuple[Scalar, ...] = ()
    """What a choice, or each item of a list of choices, may be."""
    item: ParameterType | None = None
    """Of a list: what its items are. None for what is not a list."""
    optional: bool = False
    """Whether None may be given."""
    help: str = ""
    task: str = ""
    """Of a model: the task it must be for; empty: any."""
    frameworks: tuple[str, ...] = ()
    """Of a model: the frameworks it may be of; empty: any."""


def spec_to_json(spec: ParameterSpec) -> dict[str, object]:
    """Every field by its name, so that a form needs no second look-up."""
    return {
        "name": spec.name,
        "type": spec.type.value,
        "required": spec.required,
        "default": spec.default,
        "minimum": spec.minimum,
        "maximum": spec.maximum,
        "choices": list(spec.choices),
        "item": spec.item.value if spec.item else None,
        "optional": spec.optional,
        "help": spec.help,
        "task": spec.task,
        "frameworks": list(spec.frameworks),
    }


def spec_from_json(written: Mapping[str, object]) -> ParameterSpec:
    """The inverse of `spec_to_json`; a field that is not there has its usual value."""
    fields = {key: value for key, value in written.items() if key in ParameterSpec.__dataclass_fields__}
    fields["type"] = ParameterType(str(written["type"]))
    fields["item"] = ParameterType(str(written["item"])) if written.get("item") else None
    for name in ("choices", "frameworks"):
        values = written.get(name)
        fields[name] = tuple(values) if isinstance(values, (list, tuple)) else ()
    return ParameterSpec(**fields)  # type: ignore[arg-type]  # the JSON edge: written by spec_to_json
