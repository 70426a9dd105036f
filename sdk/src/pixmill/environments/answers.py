"""What a describing child may answer. User code runs in it and can write anything there, so nothing is believed."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from pixmill.errors import ProcessingError
from pixmill.parameters import ParameterSpec, ParameterType, spec_from_json
from pixmill.parameters.secrets import why_not_name
from pixmill.parameters.spec import Scalar

_LARGEST_BATCH: Final = 4096
_HINT: Final = "Let @processing describe it, and leave the answer of the import to Pixmill."

_Name = Annotated[str, Meta(pattern=r"^[\w-]{1,200}\Z")]
_Identifier = Annotated[str, Meta(pattern=r"^[^\W\d]\w{0,199}\Z")]


class _Model(Struct, forbid_unknown_fields=True):
    type: Literal["model"]
    task: str
    frameworks: list[str]


class _Parameter(Struct, forbid_unknown_fields=True):
    """`pixmill.parameters.spec_to_json` writes it."""

    name: _Identifier
    type: ParameterType
    required: bool
    default: Scalar | list[Scalar] | None
    minimum: float | None
    maximum: float | None
    choices: list[Scalar]
    item: ParameterType | None
    optional: bool
    help: str
    task: str
    frameworks: list[str]


class DescribedProcessing(Struct, forbid_unknown_fields=True):
    """`pixmill.authoring.schema.ProcessingSchema`, and nothing beside it: no image, no command."""

    name: _Name
    title: str
    description: str
    kind: str
    form: Literal["batch", "version"]
    entry: _Identifier
    batch_size: Annotated[int, Meta(ge=0, le=_LARGEST_BATCH)]
    takes: dict[str, _Model]
    parameters: list[_Parameter]
    requires_network: bool
    secrets: list[str]
    new_version: Literal["", "fork", "empty"]
    reads_annotations: bool


class _Answer(Struct, forbid_unknown_fields=True):
    schema: DescribedProcessing | None = None
    refused: str = ""
    hint: str = ""


def read_answer(written: bytes) -> dict[str, Any] | None:
    """The schema; None: nothing was answered. Raises `ProcessingError` for a refusal, and for what is no schema."""
    if not written:
        return None
    try:
        told = msgspec.json.decode(written)
        answer = msgspec.convert(told, _Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProcessingError(f"What the file says of itself is no schema: {error}.", hint=_HINT) from error
    if answer.schema is None:
        raise ProcessingError(answer.refused or "The file says nothing of itself.", hint=answer.hint)
    schema: dict[str, Any] = told["schema"]
    _require_names(answer.schema, [spec_from_json(one) for one in schema["parameters"]])
    return schema


def _require_names(described: DescribedProcessing, specs: list[ParameterSpec]) -> None:
    for name in described.secrets:
        if why := why_not_name(name):
            raise ProcessingError(f"A secret cannot be called '{name}': {why}.", hint='As in secrets=["HF_TOKEN"].')
    models = {spec.name for spec in specs if spec.type is ParameterType.MODEL}
    if described.takes.keys() != models or len({spec.name for spec in specs}) != len(specs):
        raise ProcessingError("What the file says of its Parameters does not fit together.", hint=_HINT)
