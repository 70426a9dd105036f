"""The line between Pixmill's code and the user's, inside the child: loads a Processing, and calls it."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Final, TypeVar

from pixmill.errors import ProcessingError

MODULE: Final = "processing"
_OURS: Final = str(Path(__file__).parent)
_IMPORTING: Final = ("<frozen importlib", str(Path(importlib.__file__).parent))
_MEMORY_WORDS: Final = ("bad allocation", "bad_alloc", "failed to allocate", "out of memory", "insufficient memory")

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Trouble:
    """What user code raised."""

    type: str
    message: str
    traceback: str
    """As Python prints it, from the first line of user code on."""
    out_of_memory: bool
    is_in_log: bool = False
    """Whether its traceback was printed already."""

    @property
    def reason(self) -> str:
        """In one line."""
        first = self.message.strip().splitlines()
        return f"{self.type}: {first[0]}" if first else self.type


def attempt(call: Callable[[], _Result]) -> _Result | Trouble:
    """What user code returned, or what it raised; an exit that it asks for is trouble too."""
    try:
        return call()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever user code raises is an answer
        kept = _without_our_frames(error.__traceback__)
        return Trouble(
            type=type(error).__name__,
            message=str(error),
            traceback="".join(traceback.format_exception(type(error), error, kept)),
            out_of_memory=_is_out_of_memory(error),
        )


def load_module(source: Path, name: str = "") -> ModuleType:
    """The Processing's module, run from its file; of a folder by its name, with `source` first on the path."""
    if name:
        sys.path.insert(0, str(source))
        return importlib.import_module(name)
    found = importlib.util.spec_from_file_location(MODULE, source)
    if found is None or found.loader is None:
        raise ProcessingError(f"'{source.name}' is not a Python file.", hint="Give a file that ends in .py.")
    module = importlib.util.module_from_spec(found)
    sys.modules[MODULE] = module
    found.loader.exec_module(module)
    return module


def _without_our_frames(trace: TracebackType | None) -> TracebackType | None:
    kept = trace
    while kept is not None and kept.tb_frame.f_code.co_filename.startswith((_OURS, *_IMPORTING)):
        kept = kept.tb_next
    return kept if kept is not None else trace


def _is_out_of_memory(error: BaseException) -> bool:
    """Engines have errors of their own for it, known by their words alone."""
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in text for word in _MEMORY_WORDS)
