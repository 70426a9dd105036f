"""The decorator that makes a class or a function a Processing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pixmill.errors import ProcessingError
from pixmill.parameters.secrets import why_not_name

ATTRIBUTE: Final = "__pixmill_processing__"
DEFAULT_BATCH_SIZE: Final = 8

_Code = TypeVar("_Code", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the decorator was told."""

    kind: str
    batch_size: int
    network: bool
    secrets: tuple[str, ...] = ()


def processing(
    *, kind: str, batch_size: int = DEFAULT_BATCH_SIZE, network: bool = False, secrets: Sequence[str] = ()
) -> Callable[[_Code], _Code]:
    """Declare a Processing: a callable class is called per batch, a function `(ctx, dataset, *, ...)` once per version.

    `kind` groups it in lists ("pre-annotation", "tagging", ...); `batch_size` is the default of the Parameter of that
    name; without `network` it runs with no network at all. `secrets` names those of `pixmill secrets` that it gets as
    environment variables; wherever one shows in its log, it is masked.
    """
    for name in secrets:
        if why := why_not_name(name):
            raise ProcessingError(f"A secret cannot be called '{name}': {why}.", hint='As in secrets=["HF_TOKEN"].')
    if batch_size < 1:
        raise ProcessingError(f"A batch cannot have {batch_size} images.", hint="Give batch_size=1 or more.")

    def declare(code: _Code) -> _Code:
        setattr(code, ATTRIBUTE, Declaration(kind, batch_size, network, tuple(secrets)))
        return code

    return declare
