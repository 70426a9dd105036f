"""Processes below a process: who they are, what they take, and how they end. From /proc; standard library only.

Run as a program, `process_tree.py SUPERVISOR CGROUP COMMAND...`, it is the *keeper* of one command: it stands between
the supervisor and a child without a process namespace, adopts whoever loses their parent below it, and ends all of
them when the command or the supervisor has ended, however that came. CGROUP is the folder of one to join, or empty.
"""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SUBREAPER: Final = 36
_KIBIBYTE: Final = 1024
_LOOK_EVERY_SECONDS: Final = 0.02
_MANY: Final = 16
_REAP_EVERY_MILLISECONDS: Final = 250
_KEEPER_SECONDS: Final = 4.0
_OWN_MEMORY: Final = ("RssAnon:", "RssShmem:")
_THREADS: Final = "Threads:"


@dataclass(frozen=True, slots=True)
class Usage:
    """What some processes hold."""

    memory_bytes: int
    """Their own; files that they share with others do not count."""
    tasks: int
    """Processes and threads."""


def keeper_command(cgroup: Path | None, command: Sequence[str]) -> list[str]:
    """What to start, so that a command has a keeper that ends it with this process."""
    isolated = [sys.executable, "-I", "-S", __file__]
    return [*isolated, str(os.getpid()), str(cgroup or ""), *command]


def adopt_orphans() -> None:
    """From now on, whoever loses their parent below this process becomes its child, and can be found and ended."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)


def descendants(pid: int, *, enough: int = 0) -> list[int]:
    """Children, their children, and so on; each after its parent. With `enough`: no more are sought from so many on."""
    found: list[int] = []
    unread = [pid]
    while unread and not 0 < enough <= len(found):
        children = _children(unread.pop())
        found += children
        unread += children
    return found


def usage(pid: int, *, enough_tasks: int = 0) -> Usage:
    """Of a process and all below it. With `enough_tasks`: from that many processes on, nothing but their number."""
    below = descendants(pid, enough=enough_tasks)
    if enough_tasks and len(below) >= enough_tasks:
        return Usage(0, len(below))
    held = [_held(each) for each in (pid, *below)]
    return Usage(sum(each.memory_bytes for each in held), sum(each.tasks for each in held))


def memory_bytes(pid: int) -> int:
    """Memory that is the processes' own, of a process and all below it; files they share with others do not count."""
    return usage(pid).memory_bytes


def oom_kills() -> int:
    """How often the kernel has ended a process of this machine because memory ran out; 0 where it does not say."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def terminate(pids: Sequence[int]) -> None:
    """Ask some processes to end."""
    for each in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(each, signal.SIGTERM)


def kill_descendants(pid: int, *, but: Collection[int], within_seconds: float) -> bool:
    """End all below a process, also those that are started meanwhile, but for some. Whether none is left."""
    until = time.monotonic() + within_seconds
    spared = {_group(each) for each in (pid, *but)}
    ended: set[int] = set()
    while True:
        # Each as soon as it is seen: a fork bomb is faster than a walk through all of it.
        met = 0
        unread = [pid]
        while unread:
            for child in _children(unread.pop()):
                if child not in but:
                    met += 1
                    _kill(child, spared)
                unread += () if child in but or child in ended else (child,)
                ended.add(child)
        if not met:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_EVERY_SECONDS if met < _MANY else 0)


def _kill(pid: int, spared: Collection[int]) -> None:
    """With its whole group: nobody in it can start another meanwhile."""
    group = _group(pid)
    if group and group not in spared:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _group(pid: int) -> int:
    """0 for one that is gone."""
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a fork bomb is counted many times a second
            with suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def _held(pid: int) -> Usage:
    memory = tasks = 0
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(_OWN_MEMORY):
                memory += int(line.split()[1]) * _KIBIBYTE
            elif line.startswith(_THREADS):
                tasks = int(line.split()[1])
    return Usage(memory, tasks)


def _keep(supervisor: int, cgroup: str, command: Sequence[str]) -> int:
    """Start the command and stay until it or the supervisor is gone; its wait status."""
    adopt_orphans()
    # The command is asked to end by whoever asks the keeper; the keeper itself outlives it. A handler, unlike an
    # ignored signal, is not inherited.
    signal.signal(signal.SIGTERM, lambda *_: None)
    if cgroup:
        Path(cgroup, "cgroup.procs").write_text("0")
    watched = os.pidfd_open(supervisor)
    command_pid = os.fork()
    if command_pid == 0:
        os.execvp(command[0], list(command))  # noqa: S606 - there is no shell in it
    _let_go(but=watched)
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.register(os.pidfd_open(command_pid), select.POLLIN)
    status: int | None = None
    # A supervisor that was gone before it could be watched has left this process to another parent.
    while status is None and os.getppid() == supervisor:
        gone = {descriptor for descriptor, _ in poll.poll(_REAP_EVERY_MILLISECONDS)}
        status = _reap(command_pid)
        if watched in gone:
            break
    kill_descendants(os.getpid(), but=(), within_seconds=_KEEPER_SECONDS)
    return signal.SIGKILL if status is None else status


def _let_go(*, but: int) -> None:
    """Of the command's pipes: whoever reads them is to see when the command has ended."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not files
        descriptor = int(name)
        if descriptor > 2 and descriptor != but:  # noqa: PLR2004 - the three standard ones stay
            with suppress(OSError):
                os.close(descriptor)


def _reap(awaited: int) -> int | None:
    """Let go of all who have ended; the wait status of the one that is awaited, if it is among them."""
    status: int | None = None
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == awaited:
                status = ended[1]
    return status


if __name__ == "__main__":
    told = _keep(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
    if os.WIFSIGNALED(told):
        signal.signal(os.WTERMSIG(told), signal.SIG_DFL) if os.WTERMSIG(told) != signal.SIGKILL else None
        os.kill(os.getpid(), os.WTERMSIG(told))
    os._exit(os.waitstatus_to_exitcode(told))
