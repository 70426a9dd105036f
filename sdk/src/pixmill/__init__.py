"""Pixmill: run code over image datasets; the SDK, the command line, the authoring API and the runtime of a Run.

`Client` is imported when it is asked for: a Run's child imports this package too, and needs none of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixmill.client import Client

__version__ = "0.1.0"
__all__ = ["Client", "__version__"]

_HOMES = {"Client": "pixmill.client"}


def __getattr__(name: str) -> object:
    """Look a public name up in its home."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)
