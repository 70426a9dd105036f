"""Watches what a Run takes, where the kernel does not hold it to that, and says when it is too much."""

import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final

from pixmill.environments import Cgroup, Limits
from pixmill.runtime.plan import RunError
from pixmill.runtime.process_tree import descendants, usage

_SELDOM_SECONDS: Final = 0.25
_OFTEN_SECONDS: Final = 0.02
_FASTEST_BYTES_PER_SECOND: Final = 8 << 30
"""At which memory can be taken; twice what two cores were seen to do."""
_FASTEST_TASKS_PER_SECOND: Final = 4000
_SCRATCH_SECONDS: Final = 0.1
_SCRATCH_SHARE: Final = 10
"""Looking through the scratch folder may take one part in so many of a core."""
_BLOCK: Final = 512
_LEAST_FILE: Final = 4096


@dataclass(frozen=True, slots=True)
class Excess:
    """What a Run took too much of."""

    limit: str
    kind: str
    error: RunError
    facts: dict[str, Any]


@dataclass(slots=True)
class Guard:
    """Of the processes below one, and of the folder that they write in."""

    pid: int
    scratch: Path
    limits: Limits
    held_by: dict[str, str]
    cgroup: Cgroup | None = None
    excess: Excess | None = None
    """The first that was found; it stays."""

    def look(self) -> float:
        """At memory and processes; in how many seconds to look again."""
        allowed = self.limits
        if self.cgroup is not None and self.cgroup.refused_processes():
            # What was refused is seldom tried for by anything that could go on without it: it would wait for ever.
            message = f"The Run wanted more than the {allowed.processes} processes and threads that its Compute grants."
            self._note("processes", message, used=allowed.processes, allowed=allowed.processes)
        watched = self._watches("memory", "watch"), self._watches("processes", "watch")
        if not any(watched):
            return _SELDOM_SECONDS
        used = usage(self.pid, enough_tasks=allowed.processes + 1 if watched[1] else 0)
        if watched[0] and used.memory_bytes > allowed.memory_bytes:
            self._note_memory(used.memory_bytes)
        if watched[1] and used.tasks > allowed.processes:
            message = f"The Run had {used.tasks} processes and threads; its Compute grants {allowed.processes}."
            self._note("processes", message, used=used.tasks, allowed=allowed.processes)
        return look_again_seconds(
            allowed.memory_bytes - used.memory_bytes if watched[0] else None,
            allowed.processes - used.tasks if watched[1] else None,
        )

    def look_at_the_end(self) -> None:
        """Whether the kernel has ended the Run for us."""
        if self.cgroup is not None and self.cgroup.ended_for_memory():
            self._note_memory(self.limits.memory_bytes)

    def watch_scratch(self, over: Event) -> None:
        """Until it is too large, or the event is set; in a thread of its own, as a folder may be of many files."""
        if not self.limits.scratch_bytes:
            return
        pause = _SCRATCH_SECONDS
        while not over.wait(pause):
            began = time.monotonic()
            try:
                used = self._written(self.limits.scratch_bytes)
            except OSError as error:
                message = (
                    f"The Run made a folder that cannot be looked into, so what it writes cannot be counted: {error}"
                )
                self._note("scratch", message, allowed_bytes=self.limits.scratch_bytes)
                return
            if used > self.limits.scratch_bytes:
                message = f"The Run wrote {used >> 20} MiB; its Compute grants {self.limits.scratch_bytes >> 20} MiB."
                self._note("scratch", message, used_bytes=used, allowed_bytes=self.limits.scratch_bytes)
                return
            pause = max(_SCRATCH_SECONDS, _SCRATCH_SHARE * (time.monotonic() - began))

    def _watches(self, limit: str, mechanism: str) -> bool:
        return mechanism in self.held_by.get(limit, "")

    def _note_memory(self, used: int) -> None:
        allowed = self.limits.memory_bytes
        message = f"The Run used {used >> 20} MiB of memory; its Compute grants {allowed >> 20} MiB."
        self._note("memory", message, used_bytes=used, allowed_bytes=allowed)

    def _note(self, what: str, message: str, **facts: Any) -> None:
        if self.excess is None:
            self.excess = Excess(what, f"{what}-exceeded", RunError(f"{what.capitalize()}Exceeded", message), facts)

    def _written(self, enough: int) -> int:
        """Bytes on disk: files in the scratch folder, and those that lost their name while somebody has them open."""
        total = _on_disk(self.scratch, enough)
        seen: set[tuple[int, int]] = set()
        for pid in descendants(self.pid) if total <= enough else ():
            for nameless in _nameless(pid):
                if (nameless.st_dev, nameless.st_ino) not in seen:
                    seen.add((nameless.st_dev, nameless.st_ino))
                    total += nameless.st_blocks * _BLOCK
        return total


def look_again_seconds(memory_bytes: int | None, tasks: int | None) -> float:
    """Before this much more could have been taken; None: it is not watched."""
    left = [_SELDOM_SECONDS]
    if memory_bytes is not None:
        left.append(memory_bytes / _FASTEST_BYTES_PER_SECOND)
    if tasks is not None:
        left.append(tasks / _FASTEST_TASKS_PER_SECOND)
    return max(_OFTEN_SECONDS, min(left))


def _on_disk(folder: Path, enough: int) -> int:
    """Also an empty file takes some. Stops counting once there is more than enough.

    Raises `OSError` for a folder that cannot be looked into: there could be anything in it.
    """
    total = 0
    unread = [str(folder)]
    while unread and total <= enough:
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(unread.pop()) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        unread.append(entry.path)
                    total += max(entry.stat(follow_symlinks=False).st_blocks * _BLOCK, _LEAST_FILE)
    return total


def _nameless(pid: int) -> list[os.stat_result]:
    found: list[os.stat_result] = []
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - numbers, not files
            with suppress(OSError):
                opened = os.stat(f"/proc/{pid}/fd/{name}")  # noqa: PTH116 - as above
                if stat.S_ISREG(opened.st_mode) and not opened.st_nlink:
                    found.append(opened)
    return found
