"""Processes below a process: who they are, what memory they take, and how they end. From /proc."""

import ctypes
import os
import signal
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_SUBREAPER: Final = 36
_KIBIBYTE: Final = 1024
_LOOK_EVERY_SECONDS: Final = 0.02
_OWN_MEMORY: Final = ("RssAnon:", "RssShmem:")


def adopt_orphans() -> None:
    """From now on, whoever loses their parent below this process becomes its child, and can be found and ended."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)


def descendants(pid: int) -> list[int]:
    """Children, their children, and so on; each after its parent."""
    found: list[int] = []
    for child in _children(pid):
        found += [child, *descendants(child)]
    return found


def memory_bytes(pid: int) -> int:
    """Memory that is the processes' own, of a process and all below it; files they share with others do not count."""
    return sum(_own_memory(each) for each in (pid, *descendants(pid)))


def oom_kills() -> int:
    """How often the kernel has ended a process of this machine because memory ran out; 0 where it does not say."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def terminate(pids: Sequence[int], *, below: int) -> None:
    """Ask some processes, and all below one, to end."""
    for each in (*descendants(below), *pids):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(each, signal.SIGTERM)


def kill_descendants(pid: int, *, but: Collection[int], within_seconds: float) -> bool:
    """End all below a process, also those that are started meanwhile, but for some. Whether none is left."""
    until = time.monotonic() + within_seconds
    while remaining := [each for each in descendants(pid) if each not in but]:
        for each in remaining:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(each, os.WNOHANG)
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_EVERY_SECONDS)
    return True


def _children(pid: int) -> Iterator[int]:
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                yield from map(int, (task / "children").read_text().split())


def _own_memory(pid: int) -> int:
    total = 0
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(_OWN_MEMORY):
                total += int(line.split()[1]) * _KIBIBYTE
    return total
