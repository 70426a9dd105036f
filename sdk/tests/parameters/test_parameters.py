import pytest

from pixmill.errors import ParameterError, UnknownParameter
from pixmill.parameters import (
    ParameterSpec,
    ParameterType,
    spec_from_json,
    spec_to_json,
    validate,
    values_from_text,
)

CONFIDENCE = ParameterSpec("confidence", ParameterType.FLOAT, default=0.25, minimum=0, maximum=1)
ENGINE = ParameterSpec("engine", ParameterType.CHOICE, default="auto", choices=("auto", "openvino"))
COUNT = ParameterSpec("count", ParameterType.INT, required=True, minimum=1)
CLASSES = ParameterSpec("classes", ParameterType.LIST, default=[], item=ParameterType.STR)
SEED = ParameterSpec("seed", ParameterType.INT, optional=True)
ALL = [CONFIDENCE, ENGINE, COUNT, CLASSES, SEED]


def test_what_is_not_given_has_its_default() -> None:
    values = validate(ALL, {"count": 3})
    assert values == {"confidence": 0.25, "engine": "auto", "count": 3, "classes": [], "seed": None}


def test_a_whole_number_is_a_float_where_a_float_is_asked_for() -> None:
    value = validate([CONFIDENCE], {"confidence": 1})["confidence"]
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("spec", "value", "message"),
    [
        (CONFIDENCE, 1.5, "Parameter 'confidence' cannot be 1.5: expected a number, 0 to 1."),
        (CONFIDENCE, float("nan"), "Parameter 'confidence' cannot be nan: expected a number, 0 to 1."),
        (CONFIDENCE, "0.5", "Parameter 'confidence' cannot be '0.5': expected a number, 0 to 1."),
        (CONFIDENCE, True, "Parameter 'confidence' cannot be True: expected a number, 0 to 1."),
        (ENGINE, "magic", "Parameter 'engine' cannot be 'magic': expected one of auto, openvino."),
        (COUNT, 0, "Parameter 'count' cannot be 0: expected a whole number, 1 or more."),
        (COUNT, 2.5, "Parameter 'count' cannot be 2.5: expected a whole number, 1 or more."),
        (COUNT, None, "Parameter 'count' cannot be None: expected a whole number, 1 or more."),
        (CLASSES, "car", "Parameter 'classes' cannot be 'car': expected a list, each item a text."),
        (CLASSES, [1], "Parameter 'classes' cannot be 1: expected a list, each item a text."),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_the_reason(
    spec: ParameterSpec, value: object, message: str
) -> None:
    with pytest.raises(ParameterError) as refused:
        validate([spec], {spec.name: value})
    assert str(refused.value) == message


def test_a_parameter_without_a_default_must_be_given() -> None:
    with pytest.raises(ParameterError, match="'count' cannot be None: expected a value: it has no default"):
        validate([COUNT], {})


def test_an_unknown_name_is_refused_and_the_known_ones_are_listed() -> None:
    with pytest.raises(UnknownParameter, match=r"There is no Parameter 'conf'. Its Parameters are: confidence, engine"):
        validate([CONFIDENCE, ENGINE], {"conf": 0.3})


def test_what_a_person_types_becomes_values_of_the_right_type() -> None:
    typed = {"confidence": "0.3", "count": "2", "classes": "car, bus", "engine": "openvino", "seed": "none"}
    assert validate(ALL, values_from_text(ALL, typed)) == {
        "confidence": 0.3,
        "count": 2,
        "classes": ["car", "bus"],
        "engine": "openvino",
        "seed": None,
    }


def test_what_a_person_types_and_is_no_number_is_refused() -> None:
    with pytest.raises(ParameterError, match="'confidence' cannot be 'high': expected a number"):
        values_from_text(ALL, {"confidence": "high"})


@pytest.mark.parametrize("spec", ALL)
def test_a_spec_is_the_same_after_json(spec: ParameterSpec) -> None:
    assert spec_from_json(spec_to_json(spec)) == spec
