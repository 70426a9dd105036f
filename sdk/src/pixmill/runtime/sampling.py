"""What a Run takes, sampled with every heartbeat: CPUs and memory of its whole process tree, from /proc."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pixmill.runtime.plan import Sample
from pixmill.runtime.process_tree import descendants, memory_bytes

_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_USER: Final = 11
"""Of the fields after a process's name in /proc/PID/stat: user, system, and both of children that are gone."""


@dataclass(slots=True)
class Sampler:
    """Samples a process and all below it; CPUs are those since the sample before."""

    pid: int
    _seconds: float = 0.0
    _at: float = field(default_factory=time.monotonic)

    def take(self, *, log_lag_bytes: int) -> Sample:
        seconds, now = cpu_seconds(self.pid), time.monotonic()
        # Of a process that its parent did not wait for the time is lost: never less than nothing.
        cpus = max(0.0, seconds - self._seconds) / max(now - self._at, 1e-3)
        self._seconds, self._at = seconds, now
        return Sample(cpus, memory_bytes(self.pid), log_lag_bytes)


def cpu_seconds(pid: int) -> float:
    """What a process, all below it, and those of them that are gone have computed so far."""
    return sum(_ticks(each) for each in (pid, *descendants(pid))) / _TICKS_PER_SECOND


def _ticks(pid: int) -> int:
    with suppress(OSError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, after_name[_USER : _USER + 4]))
    return 0
