"""From an argument of a Processing's signature to its Parameter."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from inspect import Parameter
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pixmill.authoring.markers import Between, Label, Takes
from pixmill.authoring.models import ModelVersion
from pixmill.authoring.versions import DatasetVersion
from pixmill.errors import ParameterError, ProcessingError
from pixmill.parameters import ParameterSpec, ParameterType, ParameterValue, validate
from pixmill.parameters.spec import Scalar

_TYPES: Final[Mapping[object, ParameterType]] = {
    bool: ParameterType.BOOL,
    int: ParameterType.INT,
    float: ParameterType.FLOAT,
    str: ParameterType.STR,
    Label: ParameterType.LABEL,
    ModelVersion: ParameterType.MODEL,
    DatasetVersion: ParameterType.DATASET_VERSION,
}


def spec_of(argument: Parameter, hints: Mapping[str, Any], help_text: str) -> ParameterSpec:
    """The Parameter that an argument stands for. Raises `ProcessingError` where its type or default cannot be one."""
    if argument.name not in hints:
        raise ProcessingError(f"Parameter '{argument.name}' has no type.", hint="Annotate it: `name: float = 0.5`.")
    hint, markers = _without_annotated(hints[argument.name])
    hint, optional = _without_none(hint)
    hint, inner_markers = _without_annotated(hint)
    kind, item, choices = _type_of(argument.name, hint)
    bounds = next((m for m in (*markers, *inner_markers) if isinstance(m, Between)), Between())
    takes = next((m for m in (*markers, *inner_markers) if isinstance(m, Takes)), Takes())
    required = argument.default is Parameter.empty
    spec = ParameterSpec(
        name=argument.name,
        type=kind,
        required=required,
        default=None if required else _default(argument.default),
        minimum=bounds.minimum,
        maximum=bounds.maximum,
        choices=choices,
        item=item,
        optional=optional,
        help=help_text,
        task=takes.task,
        frameworks=takes.frameworks,
    )
    return spec if required else _with_checked_default(spec)


def _without_annotated(hint: Any) -> tuple[Any, tuple[object, ...]]:
    if get_origin(hint) is Annotated:
        base, *markers = get_args(hint)
        return base, tuple(markers)
    return hint, ()


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in {Union, UnionType}:
        rest = [part for part in get_args(hint) if part is not NoneType]
        if len(rest) == 1:
            return rest[0], True
    return hint, False


def _type_of(name: str, hint: Any) -> tuple[ParameterType, ParameterType | None, tuple[Scalar, ...]]:
    if get_origin(hint) is Literal:
        return ParameterType.CHOICE, None, get_args(hint)
    if get_origin(hint) in {list, tuple} or hint is list:
        inner, _ = _without_annotated(next(iter(get_args(hint)), str))
        kind, _, choices = _type_of(name, inner)
        if kind is ParameterType.LIST:
            raise ProcessingError(f"Parameter '{name}' is a list of lists.", hint="A form has no field for that.")
        if kind is ParameterType.DATASET_VERSION:
            raise ProcessingError(
                f"Parameter '{name}' is a list of DatasetVersions.", hint="Take each as a Parameter of its own."
            )
        return ParameterType.LIST, kind, choices
    if hint in _TYPES:
        return _TYPES[hint], None, ()
    raise ProcessingError(
        f"Parameter '{name}' cannot be of type {hint}.",
        hint="Use bool, int, float, str, Literal, Label, ModelVersion, DatasetVersion, or a list of simple ones.",
    )


def _default(default: Any) -> ParameterValue:
    return list(default) if isinstance(default, Iterable) and not isinstance(default, str) else default


def _with_checked_default(spec: ParameterSpec) -> ParameterSpec:
    if spec.default is None and spec.optional:
        return spec
    try:
        return replace(spec, default=validate([spec], {spec.name: spec.default})[spec.name])
    except ParameterError as error:
        raise ProcessingError(f"Its default does not fit Parameter '{spec.name}': {error}") from error
