"""What every executor has to do; a new one is found by its module's name."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pixmill_server.executors import create_executor, executor_names
from pixmill_server.executors.contract import Executor, Exited, Handle, LaunchSpec, Running, State, Vanished

MARK = f"31536001.{os.getpid()}"
"""How long that sleeps which is looked for: known from those of other tests on this machine."""
PATIENCE_SECONDS = 240
ENGINES_OWN = {"HOME", "HOSTNAME", "LC_CTYPE", "PATH", "TERM", "container"}


@pytest.fixture(params=executor_names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def engine(name: str, request: pytest.FixtureRequest) -> str:
    """Of those executors that need one: it is here what says so, since the machine may have another."""
    if create_executor(name, "unix:///nowhere").why_unavailable() is None:
        return ""
    return str(request.getfixturevalue("podman").address)


@pytest.fixture
def executor(name: str, engine: str) -> Executor:
    executor = create_executor(name, engine)
    if why := executor.why_unavailable():
        pytest.skip(why)
    return executor


@pytest.fixture
def launch(
    executor: Executor, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Handle]]:
    launched: list[Handle] = []
    image = request.getfixturevalue("podman").plain_image if engine else ""

    def start(code: str, *, stdin: bytes = b"", **environment: str) -> Handle:
        command = [sys.executable, "-c", code]
        spec = LaunchSpec(command, stdin, environment, tmp_path, cpus=1, memory_bytes=0, image=image)
        launched.append(executor.launch(spec))
        return launched[-1]

    yield start
    for handle in launched:
        executor.stop(handle, 0)


def wait_until_ended(executor: Executor, handle: Handle) -> State:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if not isinstance(state := executor.poll(handle), Running):
            return state
        time.sleep(0.01)
    raise AssertionError("it still runs")


def wait_for(path: Path) -> str:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return text.strip()
        time.sleep(0.01)
    raise AssertionError(f"no {path}")


def running(mark: str) -> list[psutil.Process]:
    """Processes with this among their arguments, wherever they run on this machine."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(mark in argument for argument in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_a_program_runs_and_its_exit_code_is_known(executor: Executor, launch: Callable[..., Handle]) -> None:
    assert wait_until_ended(executor, launch("raise SystemExit(3)")) == Exited(3)


def test_a_program_gets_its_stdin_and_no_variable_but_those_given(
    executor: Executor, launch: Callable[..., Handle], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXMILL_DATABASE_URL", "postgresql://user:secret@host/db")
    # An engine of containers says a few things of its own; nothing of the caller's is among them.
    code = f"import os, sys; print(sys.stdin.read(), sorted(set(os.environ) - {ENGINES_OWN!r}))"
    handle = launch(code, stdin=b"a secret", GIVEN="yes")
    assert wait_until_ended(executor, handle) == Exited(0)
    assert (tmp_path / "output.log").read_text() == "a secret ['GIVEN']\n"


def test_what_runs_is_stopped_even_if_it_is_deaf_and_so_is_all_below_it(
    executor: Executor, launch: Callable[..., Handle], tmp_path: Path
) -> None:
    code = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
below = subprocess.Popen(["/bin/sleep", "{MARK}"], start_new_session=True)
open({str(tmp_path / "ready")!r}, "w").write("yes\\n")
time.sleep({MARK})
"""
    handle = launch(code)
    wait_for(tmp_path / "ready")
    assert len(running(MARK)) == 2
    executor.stop(handle, 0.5)
    assert not isinstance(executor.poll(handle), Running)
    assert not running(MARK)


def test_a_program_may_use_its_grace_to_end_in_its_own_way(
    executor: Executor, launch: Callable[..., Handle], tmp_path: Path
) -> None:
    code = f"""
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
open({str(tmp_path / "ready")!r}, "w").write("yes\\n")
time.sleep(300)
"""
    handle = launch(code)
    wait_for(tmp_path / "ready")
    asked = time.monotonic()
    executor.stop(handle, PATIENCE_SECONDS)
    # It waited for the end, and not for the end of the grace.
    assert time.monotonic() - asked < PATIENCE_SECONDS
    assert executor.poll(handle) == Exited(5)


def test_stopping_what_has_ended_does_nothing(executor: Executor, launch: Callable[..., Handle]) -> None:
    handle = launch("pass")
    wait_until_ended(executor, handle)
    executor.stop(handle, 0)
    assert executor.poll(handle) == Exited(0)


def test_another_instance_understands_a_stored_handle(
    name: str, engine: str, executor: Executor, launch: Callable[..., Handle]
) -> None:
    handle = launch("import time; time.sleep(300)")
    other = create_executor(name, engine)
    assert other.poll(handle) == Running()
    other.stop(handle, 0)
    assert not isinstance(executor.poll(handle), Running)
    assert other.poll(handle) == Vanished()


def test_what_a_killed_program_leaves_behind_is_found_and_ended(
    executor: Executor, launch: Callable[..., Handle], tmp_path: Path
) -> None:
    code = f"""
import subprocess, time
below = subprocess.Popen(["/bin/sleep", "{MARK}"], start_new_session=True)
open({str(tmp_path / "ready")!r}, "w").write("yes\\n")
time.sleep(300)
"""
    handle = launch(code)
    wait_for(tmp_path / "ready")
    for process in running(MARK):
        if "sleep" not in process.name():
            process.kill()
    wait_until_ended(executor, handle)
    executor.stop(handle, 0)
    assert not running(MARK)


def test_a_program_that_cannot_be_found_ends_and_says_why(
    executor: Executor, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    image = request.getfixturevalue("podman").plain_image if engine else ""
    spec = LaunchSpec(["/nowhere/at-all"], b"", {}, tmp_path, cpus=1, memory_bytes=0, image=image)
    try:
        handle = executor.launch(spec)
    except FileNotFoundError:
        return
    state = wait_until_ended(executor, handle)
    assert isinstance(state, Exited)
    assert state.code != 0
    assert "/nowhere/at-all" in (tmp_path / "output.log").read_text()
