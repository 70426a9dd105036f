"""What a Run may take, and by what each limit and each wall holds: as values, for the Run's page and for `doctor`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from pixmill.environments.sandbox import Tier

SIGNALS_SINCE: Final = 6
"""The version of Landlock that refuses signals to processes outside."""

_WATCH: Final = "watch"
_RLIMIT_AND_WATCH: Final = "rlimit and watch"
_CGROUP: Final = "cgroup"


@dataclass(frozen=True, slots=True)
class Limits:
    """For one Run; 0: no limit."""

    cpus: float
    memory_bytes: int = 0
    processes: int = 0
    """Processes and threads at once."""
    scratch_bytes: int = 0
    """What it may write."""


def held_by(limits: Limits, tier: Tier, *, cgroup: Collection[str], is_root: bool) -> dict[str, str]:
    """By what each limit holds.

    `cgroup`: the controllers that the Run has. `rlimit`: the kernel refuses what is far too much, also between two
    looks. `watch`: the supervisor looks, and ends a Run that has too much. `threads`: engines are told how many to
    use. `none`: there is no limit.
    """
    if tier is Tier.CONTAINER:
        cgroup = ("cpu", "memory", "pids")
    counted = _RLIMIT_AND_WATCH if tier is Tier.BUBBLEWRAP and not is_root else _WATCH
    return {
        "cpus": _CGROUP if "cpu" in cgroup else "threads",
        "memory": _by(limits.memory_bytes, _CGROUP if "memory" in cgroup else _RLIMIT_AND_WATCH),
        "processes": _by(limits.processes, _CGROUP if "pids" in cgroup else counted),
        "scratch": _by(limits.scratch_bytes, _WATCH if tier is Tier.CONTAINER else _RLIMIT_AND_WATCH),
    }


def walls(tier: Tier, *, network: bool, landlock: int) -> Mapping[str, str]:
    """By what a Run is kept from everything else; `open`: by nothing. `landlock` is the version of the kernel's."""
    if tier is Tier.CONTAINER:
        shut = dict.fromkeys(("files", "processes", "signals"), "container")
        return {**shut, "network": "open" if network else "container"}
    if tier is Tier.BUBBLEWRAP:
        shut = dict.fromkeys(("files", "processes", "signals"), "namespace")
        return {**shut, "network": "open" if network else "namespace"}
    by_landlock = tier is Tier.LANDLOCK
    return {
        "files": "landlock" if by_landlock else "open",
        "processes": "landlock" if by_landlock else "open",
        "signals": "landlock" if by_landlock and landlock >= SIGNALS_SINCE else "open",
        "network": "open" if network else "seccomp",
    }


def _by(limit: int, mechanism: str) -> str:
    return mechanism if limit else "none"
