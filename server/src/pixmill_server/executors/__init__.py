"""Where programs are started: one file each, found by its module's name, which is the executor's name.

To add one, write `executors/NAME.py` with `create() -> Executor` (see `contract.py`); the contract's tests find it.
"""

import importlib
import pkgutil
from collections.abc import Mapping

from pixmill_server.executors.contract import Executor

_NOT_EXECUTORS = {"contract"}


def executor_names() -> tuple[str, ...]:
    """Every executor there is."""
    return tuple(sorted(each.name for each in pkgutil.iter_modules(__path__) if each.name not in _NOT_EXECUTORS))


def create_executors() -> Mapping[str, Executor]:
    """One of each, by name; whether it can be used here, it says itself."""
    return {name: create_executor(name) for name in executor_names()}


def create_executor(name: str) -> Executor:
    """The executor of that name. Raises `ModuleNotFoundError` where there is none."""
    executor: Executor = importlib.import_module(f"{__name__}.{name}").create()
    return executor
