"""The defective executors behave as they are meant to, so that tests which use them mean something."""

import sys
from pathlib import Path

import pytest

from pixmill_server.executors.contract import Executor, LaunchSpec, Running, Vanished
from pixmill_server.executors.process import create
from server.tests.executors.fakes import (
    CrashingExecutor,
    DeafExecutor,
    NeverExecutor,
    SlowExecutor,
    VanishingExecutor,
)


@pytest.fixture
def spec(tmp_path: Path) -> LaunchSpec:
    return LaunchSpec([sys.executable, "-c", "import time; time.sleep(60)"], b"", {}, tmp_path, 1, 0)


def test_a_deaf_executor_lets_what_it_started_run_on(spec: LaunchSpec) -> None:
    inner = create()
    deaf: Executor = DeafExecutor(inner)
    handle = deaf.launch(spec)
    deaf.stop(handle, 0)
    assert deaf.poll(handle) == Running()
    inner.stop(handle, 0)


def test_a_crashing_executor_starts_nothing(spec: LaunchSpec) -> None:
    crashing: Executor = CrashingExecutor()
    with pytest.raises(OSError, match="on fire"):
        crashing.launch(spec)


def test_a_vanishing_executor_does_not_know_what_it_started(spec: LaunchSpec) -> None:
    vanishing: Executor = VanishingExecutor(create())
    assert vanishing.poll(vanishing.launch(spec)) == Vanished()


def test_a_never_executor_says_that_something_runs(spec: LaunchSpec) -> None:
    never: Executor = NeverExecutor()
    assert never.poll(never.launch(spec)) == Running()


def test_a_slow_executor_works_in_the_end(spec: LaunchSpec) -> None:
    slow: Executor = SlowExecutor(create(), seconds=0.1)
    handle = slow.launch(spec)
    assert slow.poll(handle) == Running()
    slow.stop(handle, 0)
