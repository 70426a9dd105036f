"""Whether values may be given to the Parameters of a Processing. The same rules hold at launch and in a test run."""

import math
from collections.abc import Iterable, Mapping

from pixmill.errors import ParameterError, UnknownParameter
from pixmill.parameters.spec import ParameterSpec, ParameterType, ParameterValue, Scalar


def validate(specs: Iterable[ParameterSpec], values: Mapping[str, object]) -> dict[str, ParameterValue]:
    """Every Parameter with its value, defaults filled in, whole numbers made floats where a float is asked for.

    Raises `UnknownParameter` for a name that no spec has, `ParameterError` for a value that is missing or not allowed.
    """
    known = {spec.name: spec for spec in specs}
    for name in values:
        if name not in known:
            raise UnknownParameter(name, known=list(known))
    return {name: _value(spec, values) for name, spec in known.items()}


def _value(spec: ParameterSpec, values: Mapping[str, object]) -> ParameterValue:
    if spec.name not in values:
        if spec.required:
            raise ParameterError(spec.name, None, expected=f"a value: it has no default ({_expected(spec)})")
        return spec.default
    value = values[spec.name]
    if value is None:
        if spec.optional or (spec.default is None and not spec.required):
            return None
        raise ParameterError(spec.name, value, expected=_expected(spec))
    if spec.type is ParameterType.LIST:
        if not isinstance(value, (list, tuple)):
            raise ParameterError(spec.name, value, expected=_expected(spec))
        return [_scalar(spec, spec.item or ParameterType.STR, item) for item in value]
    return _scalar(spec, spec.type, value)


def _scalar(spec: ParameterSpec, kind: ParameterType, value: object) -> Scalar:
    match kind:
        case ParameterType.BOOL if isinstance(value, bool):
            return value
        case ParameterType.CHOICE if isinstance(value, (bool, int, float, str)) and _is_choice(spec, value):
            return value
        case ParameterType.INT if isinstance(value, int) and not isinstance(value, bool) and _in_range(spec, value):
            return value
        case ParameterType.FLOAT if isinstance(value, (int, float)) and not isinstance(value, bool):
            if math.isfinite(value) and _in_range(spec, value):
                return float(value)
        case ParameterType.STR if isinstance(value, str):
            return value
        case ParameterType.LABEL | ParameterType.MODEL | ParameterType.DATASET_VERSION if isinstance(value, str):
            if value:
                return value
        case _:
            pass
    raise ParameterError(spec.name, value, expected=_expected(spec))


def _is_choice(spec: ParameterSpec, value: Scalar) -> bool:
    return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in spec.choices)


def _in_range(spec: ParameterSpec, value: float) -> bool:
    low = -math.inf if spec.minimum is None else spec.minimum
    high = math.inf if spec.maximum is None else spec.maximum
    return low <= value <= high


def _expected(spec: ParameterSpec) -> str:
    if spec.type is ParameterType.LIST:
        return f"a list, each item {_expected_scalar(spec, spec.item or ParameterType.STR)}"
    return _expected_scalar(spec, spec.type)


def _expected_scalar(spec: ParameterSpec, kind: ParameterType) -> str:
    match kind:
        case ParameterType.BOOL:
            return "true or false"
        case ParameterType.CHOICE:
            return "one of " + ", ".join(str(choice) for choice in spec.choices)
        case ParameterType.INT:
            return f"a whole number{_range(spec)}"
        case ParameterType.FLOAT:
            return f"a number{_range(spec)}"
        case ParameterType.STR:
            return "a text"
        case ParameterType.LABEL:
            return "the name of a Label"
        case ParameterType.MODEL:
            return "the address of a ModelVersion, such as smart-city-yolo/1"
        case ParameterType.DATASET_VERSION:
            return "the address of a DatasetVersion, such as street/v1"
        case ParameterType.LIST:
            return "a list"


def _range(spec: ParameterSpec) -> str:
    match spec.minimum, spec.maximum:
        case None, None:
            return ""
        case low, None:
            return f", {low:g} or more"
        case None, high:
            return f", {high:g} or less"
        case low, high:
            return f", {low:g} to {high:g}"
