"""How a child is shut in: what it sees, and by what.

Three tiers, the best that works here: *bubblewrap* (namespaces of its own for processes, mounts, users and, without a
declared network, the network), *landlock* (the kernel refuses files outside the room), *none*. The tier is shown on the
Run. Which works is found out by trying, not by asking for versions.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from pixmill.environments.building import Environment
from pixmill.errors import EnvironmentFailed

_INSIDE: Final = Path("/pixmill")
_SYSTEM: Final = ("/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin")
# What a C library or an engine reads to find shared objects, the time zone and the CPU's caches. Never all of /etc.
_SYSTEM_FILES: Final = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/alternatives",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
)
_NETWORK_FILES: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl", "/etc/ca-certificates")
_NAMESPACES: Final = ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
_NOBODY: Final = "65534"
_PROBE_SECONDS: Final = 60
"""Of a trial of a tier: a machine that has much else to do must not take a worse one for that."""
_TEMPORARY_BYTES: Final = 256 << 20
"""Of /tmp, which lies in memory; `TMPDIR` is the scratch folder."""


class Tier(StrEnum):
    """By what a child is shut in."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    NONE = "none"
    CONTAINER = "container"
    """In a container of its own: only for a Processing that is an image."""

    @property
    def has_paths_of_its_own(self) -> bool:
        """Whether the child sees its files elsewhere than they are."""
        return self in {Tier.BUBBLEWRAP, Tier.CONTAINER}


@dataclass(frozen=True, slots=True)
class LandlockRules:
    """What a child may still open, with all below it, once it has shut itself in."""

    readable: tuple[str, ...]
    writable: tuple[str, ...]
    network: bool


@dataclass(frozen=True, slots=True)
class Room:
    """All that a child may see: its environment, its files (read-only) and a folder to write in."""

    environment: Environment
    scratch: Path
    files: Mapping[str, Path] = field(default_factory=dict)
    """By their relative path inside (`models/yolo.onnx`), where they really are."""
    network: bool = False
    memory_bytes: int = 0
    """What the child may have of memory; 0: no limit."""

    def seen(self, name: str, tier: Tier) -> Path:
        """Where the child finds one of its files."""
        return _INSIDE / name if tier.has_paths_of_its_own else self.files[name]

    def seen_scratch(self, tier: Tier) -> Path:
        """Where the child finds its folder to write in."""
        return _INSIDE / "scratch" if tier.has_paths_of_its_own else self.scratch

    def command(self, tier: Tier, arguments: Sequence[str]) -> list[str]:
        """What to start, so that the environment's Python gets the arguments inside the room."""
        if tier is not Tier.BUBBLEWRAP:
            return [str(self.environment.python), *arguments]
        return [*_bubblewrap(self), "--", str(_INSIDE / "environment/bin/python"), *arguments]

    def variables(self, tier: Tier, *, threads: int) -> dict[str, str]:
        """The whole environment of the child; nothing of the caller's is in it."""
        scratch = str(self.seen_scratch(tier))
        programs = _INSIDE / "environment/bin" if tier is Tier.BUBBLEWRAP else self.environment.folder / "bin"
        pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
        return {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": scratch,
            "TMPDIR": scratch,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
            "PYTHONFAULTHANDLER": "1",
            "OPENCV_LOG_LEVEL": "ERROR",
            **dict.fromkeys(pools, str(threads)),
        }

    def landlock_rules(self) -> LandlockRules:
        """What the child may still open, in the tier `landlock`."""
        system = [*_SYSTEM, *_SYSTEM_FILES, "/proc", "/dev/urandom", "/dev/random"]
        readable = [*system, *(_NETWORK_FILES if self.network else ())]
        own = [self.environment.folder, self.environment.base, *self.files.values()]
        return LandlockRules(
            readable=(*readable, *map(str, own)),
            writable=(str(self.scratch), "/dev/null", "/dev/zero"),
            network=self.network,
        )


def choose_tier(policy: str = "auto") -> Tier:
    """The best tier that works here; any other policy than `auto` is a tier that must work, or `EnvironmentFailed`."""
    tiers = [Tier.BUBBLEWRAP, Tier.LANDLOCK, Tier.NONE] if policy == "auto" else [Tier(policy)]
    for tier in tiers:
        if tier is Tier.NONE or (tier is Tier.LANDLOCK and not why_not_landlock()):
            return tier
        if tier is Tier.BUBBLEWRAP and not why_not_bubblewrap():
            return tier
    raise EnvironmentFailed(
        f"The sandbox '{policy}' does not work on this machine.", hint=f"{why_not_bubblewrap()} {why_not_landlock()}"
    )


def why_not_bubblewrap() -> str:
    """Why bubblewrap cannot be used here, in words for an operator; empty if it works. Tries it."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (the package is called bubblewrap)."
    system = [argument for path in _SYSTEM for argument in _bind_system(path)]
    command = ["bwrap", *_NAMESPACES, "--unshare-net", *_identity(), "--die-with-parent", *system, *_DEVICES, "true"]
    try:
        tried = subprocess.run(command, capture_output=True, check=False, timeout=_PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        return "bubblewrap hangs."
    if tried.returncode == 0:
        return ""
    return f"bubblewrap does not work here: {tried.stderr.decode(errors='replace').strip()}"


def why_not_landlock() -> str:
    """The same of Landlock."""
    return _try_landlock().stderr.strip()


def landlock_version() -> int:
    """Of the kernel's interface, tried; 0 where it cannot be used."""
    tried = _try_landlock()
    return int(tried.stdout) if tried.returncode == 0 else 0


def _try_landlock() -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pixmill.runtime.landlock"]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=_PROBE_SECONDS)


_DEVICES: Final = ("--proc", "/proc", "--dev", "/dev")


def _bubblewrap(room: Room) -> list[str]:
    base = str(room.environment.base)
    command = ["bwrap", *_NAMESPACES, *_identity(), "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    command += [] if room.network else ["--unshare-net"]
    command += [argument for path in _SYSTEM for argument in _bind_system(path)]
    for path in (*_SYSTEM_FILES, *(_NETWORK_FILES if room.network else ())):
        command += ["--ro-bind-try", path, path]
    command += [*_DEVICES, "--size", str(_TEMPORARY_BYTES), "--tmpfs", "/tmp"]  # noqa: S108 - an empty one of its own
    # What is shared between processes lies in memory that no process has: it may be as much again as half of theirs.
    command += ["--size", str(room.memory_bytes // 2)] if room.memory_bytes else []
    command += ["--tmpfs", "/dev/shm"]  # noqa: S108 - as above
    if not base.startswith("/usr/") and base != "/usr":
        command += ["--ro-bind", base, base]
    command += ["--ro-bind", str(room.environment.folder), str(_INSIDE / "environment")]
    for name, path in room.files.items():
        command += ["--ro-bind", str(path), str(_INSIDE / name)]
    scratch = str(_INSIDE / "scratch")
    command += ["--bind", str(room.scratch), scratch, "--chdir", scratch, "--hostname", "pixmill"]
    # Folders that bubblewrap made lie in memory too.
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/"]


def _identity() -> tuple[str, ...]:
    """An ordinary user inside, also where Pixmill itself runs as root."""
    return ("--uid", _NOBODY, "--gid", _NOBODY)


def _bind_system(path: str) -> list[str]:
    """On most systems /lib and /bin are links into /usr: they stay links."""
    if os.path.islink(path):  # noqa: PTH114 - a fact about a name, not about a file that is read
        return ["--symlink", os.readlink(path), path]  # noqa: PTH115 - as above
    return ["--ro-bind-try", path, path]
