"""Parameters as a person types them: `-p confidence=0.3 -p classes=a,b`."""

from collections.abc import Iterable, Mapping

from pixmill.errors import ParameterError, UnknownParameter
from pixmill.parameters.spec import ParameterSpec, ParameterType, ParameterValue, Scalar

_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def values_from_text(specs: Iterable[ParameterSpec], texts: Mapping[str, str]) -> dict[str, ParameterValue]:
    """Each text as a value of its Parameter's type, not yet validated; the items of a list are parted by commas.

    Raises `UnknownParameter`, and `ParameterError` for what cannot be read as the type.
    """
    known = {spec.name: spec for spec in specs}
    values: dict[str, ParameterValue] = {}
    for name, text in texts.items():
        if name not in known:
            raise UnknownParameter(name, known=list(known))
        values[name] = _read(known[name], text)
    return values


def _read(spec: ParameterSpec, text: str) -> ParameterValue:
    if spec.optional and text.lower() in {"", "none"}:
        return None
    if spec.type is ParameterType.LIST:
        item = spec.item or ParameterType.STR
        return [_scalar(spec, item, part.strip()) for part in text.split(",") if part.strip()]
    return _scalar(spec, spec.type, text)


def _scalar(spec: ParameterSpec, kind: ParameterType, text: str) -> Scalar:
    match kind:
        case ParameterType.BOOL:
            if text.lower() not in _TRUTH:
                raise ParameterError(spec.name, text, expected="true or false")
            return _TRUTH[text.lower()]
        case ParameterType.INT:
            return int(_number(spec, text, whole=True))
        case ParameterType.FLOAT:
            return _number(spec, text, whole=False)
        case ParameterType.CHOICE:
            named = {str(choice): choice for choice in spec.choices}
            return named.get(text, text)
        case _:
            return text


def _number(spec: ParameterSpec, text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError as error:
        raise ParameterError(spec.name, text, expected="a whole number" if whole else "a number") from error
