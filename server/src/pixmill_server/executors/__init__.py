"""Where programs are started: one file each, found by its module's name, which is the executor's name.

To add one, write `executors/NAME.py` with `create(engine) -> Executor` (see `contract.py`); the tests of the
contract find it.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from pixmill_server.executors.contract import Executor

_NOT_EXECUTORS = {"contract"}


def executor_names() -> tuple[str, ...]:
    """Every executor there is."""
    return tuple(sorted(each.name for each in pkgutil.iter_modules(__path__) if each.name not in _NOT_EXECUTORS))


def create_executors(engine: str = "") -> Mapping[str, Executor]:
    """One of each, by name; whether it can be used here, it says itself."""
    return {name: create_executor(name, engine) for name in executor_names()}


def create_executor(name: str, engine: str = "") -> Executor:
    """The executor of that name. `engine`: where Docker or Podman listens; empty: where they usually do.

    Raises `ModuleNotFoundError` where there is none.
    """
    executor: Executor = importlib.import_module(f"{__name__}.{name}").create(engine)
    return executor
