"""The decorator that makes a class or a function a Processing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, get_args

from pixmill.errors import ProcessingError
from pixmill.parameters.secrets import why_not_name

ATTRIBUTE: Final = "__pixmill_processing__"
DEFAULT_BATCH_SIZE: Final = 8

NewVersion = Literal["", "fork", "empty"]
"""How the new version begins that each Run makes: as a fork of what it reads, or empty. "": a Run makes none."""

_Code = TypeVar("_Code", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the decorator was told."""

    kind: str
    batch_size: int
    network: bool
    secrets: tuple[str, ...] = ()
    new_version: NewVersion = ""
    reads_annotations: bool = False


def processing(
    *,
    kind: str,
    batch_size: int = DEFAULT_BATCH_SIZE,
    network: bool = False,
    secrets: Sequence[str] = (),
    new_version: NewVersion = "",
    reads_annotations: bool = False,
) -> Callable[[_Code], _Code]:
    """Declare a Processing: a callable class is called per batch, a function `(ctx, dataset, *, ...)` once per version.

    `kind` groups it in lists ("pre-annotation", "tagging", ...); `batch_size` is the default of the Parameter of that
    name; without `network` it runs with no network at all. `secrets` names those of `pixmill secrets` that it gets as
    environment variables; wherever one shows in its log, it is masked.

    With `new_version` each Run makes a new version, named at launch, and nothing happens to the one that it reads:
    "fork" begins as that one, with all its assets and annotations; "empty" has only the assets that are added with
    `Asset.derive`. With `reads_annotations` each asset comes with its `annotations`.
    """
    if new_version not in get_args(NewVersion):
        raise ProcessingError(f"A new version cannot begin as '{new_version}'.", hint='Write "fork" or "empty".')
    for name in secrets:
        if why := why_not_name(name):
            raise ProcessingError(f"A secret cannot be called '{name}': {why}.", hint='As in secrets=["HF_TOKEN"].')
    if batch_size < 1:
        raise ProcessingError(f"A batch cannot have {batch_size} images.", hint="Give batch_size=1 or more.")

    def declare(code: _Code) -> _Code:
        declared = Declaration(kind, batch_size, network, tuple(secrets), new_version, reads_annotations)
        setattr(code, ATTRIBUTE, declared)
        return code

    return declare
