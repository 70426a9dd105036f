"""Control groups (version 2), where this process may make some: the kernel itself then holds a Run to its limits.

They are delegated where systemd runs Pixmill with `Delegate=yes`, or as a user's own unit. Found out by making one.
"""

import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pixmill.environments.limits import Limits

CONTROLLERS: Final = ("cpu", "memory", "pids")
_MOUNTED: Final = Path("/proc/self/mountinfo")
_OWN: Final = Path("/proc/self/cgroup")
_NAME: Final = "pixmill-run-{pid}"
_END_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.01
_PERIOD_MICROSECONDS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One of our own; whoever joins it stays in it, with all they start."""

    folder: Path
    controllers: tuple[str, ...]

    def limit(self, limits: Limits) -> None:
        """Set what the kernel is to hold, as far as it has the controllers."""
        if "cpu" in self.controllers:
            self._write("cpu.max", f"{round(limits.cpus * _PERIOD_MICROSECONDS)} {_PERIOD_MICROSECONDS}")
        if "memory" in self.controllers and limits.memory_bytes:
            self._write("memory.max", str(limits.memory_bytes))
            # A Run whose one process is ended is of no use to anyone; swap would only put that off.
            for name, value in (("memory.oom.group", "1"), ("memory.swap.max", "0")):
                with suppress(OSError):
                    self._write(name, value)
        if "pids" in self.controllers and limits.processes:
            self._write("pids.max", str(limits.processes))

    def ended_for_memory(self) -> bool:
        """Whether the kernel has ended anyone here because the memory was used up."""
        with suppress(OSError):
            events = (self.folder / "memory.events").read_text()
            return re.search(r"^oom_kill [1-9]", events, re.MULTILINE) is not None
        return False

    def refused_processes(self) -> bool:
        """Whether the kernel has refused anyone here another process or thread."""
        with suppress(OSError):
            events = (self.folder / "pids.events").read_text()
            return re.search(r"^max [1-9]", events, re.MULTILINE) is not None
        return False

    def kill(self) -> None:
        """End all that is in it at one stroke, however fast it starts others."""
        with suppress(OSError):
            self._write("cgroup.kill", "1")

    def remove(self) -> None:
        """End all that is in it, and take it away; nothing happens the second time."""
        self.kill()
        until = time.monotonic() + _END_SECONDS
        while self.folder.exists():
            with suppress(OSError):
                self.folder.rmdir()
            if time.monotonic() > until:
                return
            time.sleep(_LOOK_SECONDS)

    def _write(self, name: str, value: str) -> None:
        (self.folder / name).write_text(value)


def make_cgroup(above: Path | None = None) -> Cgroup | None:
    """One for this process to put a Run in; None where none can be made. Removes what the dead have left.

    One without controllers holds no limit, but all that is in it can be ended at one stroke.
    """
    for folder in _delegated() if above is None else (above,):
        made = _make_in(folder)
        if made is not None:
            return made
    return None


def _make_in(above: Path) -> Cgroup | None:
    _sweep(above)
    folder = above / _NAME.format(pid=os.getpid())
    try:
        with suppress(OSError):
            (above / "cgroup.subtree_control").write_text(" ".join(f"+{each}" for each in CONTROLLERS))
        folder.mkdir(exist_ok=True)
    except OSError:
        return None
    found = tuple(each for each in CONTROLLERS if os.access(folder / f"{_LIMIT_FILE[each]}", os.W_OK))
    return Cgroup(folder, found)


def why_not_cgroup() -> str:
    """Why cgroups hold no limit here, in words for an operator; empty if they do. Tries it."""
    above = _own_folder()
    if above is None:
        return "This machine has no cgroups of version 2."
    made = make_cgroup()
    if made is not None:
        made.remove()
    if made is None or not made.controllers:
        return f"No cgroup with limits can be made in {above}: run Pixmill as a unit of systemd with Delegate=yes."
    missing = [each for each in CONTROLLERS if each not in made.controllers]
    return f"The cgroups here do not limit {', '.join(missing)}." if missing else ""


_LIMIT_FILE: Final = {"cpu": "cpu.max", "memory": "memory.max", "pids": "pids.max"}


def _delegated() -> tuple[Path, ...]:
    """Where this process may make cgroups without leaving what its operator gave it: its own, or the one above.

    Only an ordinary user is held by the folders' owners; for root, systemd's mark of a delegated one decides.
    """
    own = _own_folder()
    if own is None:
        return ()
    with suppress(OSError):
        if os.getuid() != 0 or os.getxattr(own.parent, "trusted.delegate") == b"1":
            return own, own.parent
    return (own,)


def _own_folder() -> Path | None:
    """Where this process is, in the one hierarchy of version 2."""
    try:
        mounts = [line.split() for line in _MOUNTED.read_text().splitlines()]
        own = next(line[3:] for line in _OWN.read_text().splitlines() if line.startswith("0::"))
    except (OSError, StopIteration):
        return None
    points: Sequence[str] = [fields[4] for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"]
    folder = Path(points[0] + own) if points else None
    return folder if folder is not None and folder.is_dir() else None


def _sweep(above: Path) -> None:
    for folder in above.glob(_NAME.format(pid="*")):
        pid = folder.name.rpartition("-")[2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            Cgroup(folder, ()).remove()
