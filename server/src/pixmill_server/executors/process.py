"""Executor `process`: a program on this machine, in a session of its own, so that it outlives whoever started it.

CPUs and memory are not limited from here: the program that is started watches over what it starts.
"""

import ctypes
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from pixmill_server.executors.contract import Exited, Handle, LaunchSpec, Running, State, Vanished

_SUBREAPER: Final = 36
_KILL_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.01
_SAME_START_SECONDS: Final = 0.02


def create(_engine: str = "") -> "ProcessExecutor":
    """Whoever loses their parent below this process is found and ended by it: it becomes their reaper."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)
    return ProcessExecutor()


@dataclass(slots=True)
class ProcessExecutor:
    """Knows the exit codes of its own children; of others only whether they run."""

    _children: "dict[Handle, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def launch(self, spec: LaunchSpec) -> Handle:
        with (spec.scratch / "output.log").open("ab") as output:
            process = subprocess.Popen(
                spec.command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(spec.environment),
                cwd=spec.scratch,
                start_new_session=True,
            )
        with suppress(psutil.NoSuchProcess):
            started = psutil.Process(process.pid).create_time()
            handle = Handle(json.dumps({"pid": process.pid, "started": started, "scratch": str(spec.scratch)}))
            self._children[handle] = process
            if process.stdin is not None:
                with suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(spec.stdin_bytes)
            return handle
        raise ProcessLookupError(f"'{spec.command[0]}' was gone before it could be looked at.")

    def poll(self, handle: Handle) -> State:
        child = self._children.get(handle)
        if child is not None:
            code = child.poll()
            return Running() if code is None else Exited(code)
        return Vanished() if _find(handle) is None else Running()

    def stop(self, handle: Handle, grace_seconds: float) -> None:
        child = self._children.get(handle)
        process = _find(handle)
        if process is not None:
            tree = [process, *_below(process)]
            with suppress(psutil.NoSuchProcess):
                process.terminate()
            _wait(process, child, grace_seconds)
            _kill([*tree, *_below(process)])
        _kill(list(_left_behind(handle)))
        if child is not None:
            _wait(None, child, _KILL_SECONDS)
        _reap_adopted({each.pid for each in self._children.values()})

    def why_unavailable(self) -> str | None:
        return None

    def scratch_of(self, handle: Handle) -> str:
        """The folder that the program was given."""
        return str(json.loads(handle)["scratch"])


def _find(handle: Handle) -> psutil.Process | None:
    """The process, if it still runs; another one that got its number later is not it."""
    told = json.loads(handle)
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(told["pid"])
        same = abs(process.create_time() - told["started"]) < _SAME_START_SECONDS
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def _below(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


def _left_behind(handle: Handle) -> Iterator[psutil.Process]:
    """What was started below and has lost its parent: it stands in the scratch folder, or was told of it."""
    scratch = json.loads(handle)["scratch"]
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            stands_there = Path(process.cwd()).is_relative_to(scratch)
            if stands_there or any(value.startswith(scratch) for value in process.environ().values()):
                yield process


def _reap_adopted(own: set[int]) -> None:
    """Let go of the dead that lost their parents and became ours; they are of other sessions than our own children."""
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess, ProcessLookupError, ChildProcessError):
            adopted = process.pid not in own and os.getsid(process.pid) != os.getsid(0)
            if adopted and process.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(process.pid, os.WNOHANG)


def _wait(process: psutil.Process | None, child: "subprocess.Popen[bytes] | None", seconds: float) -> None:
    """A child of ours is waited for by its `Popen` alone: who else did would take its exit code away."""
    with suppress(psutil.TimeoutExpired, subprocess.TimeoutExpired):
        if child is not None:
            child.wait(seconds)
        elif process is not None:
            process.wait(seconds)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    until = time.monotonic() + _KILL_SECONDS
    while any(_runs(process) for process in processes) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
