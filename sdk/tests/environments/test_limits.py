"""By what limits hold, and what is written into a cgroup; the folder here has the kernel's names, not its powers."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest

from pixmill.environments import Limits, Tier, held_by, make_cgroup, walls
from pixmill.runtime.guard import Guard, look_again_seconds

SOME = Limits(cpus=1.5, memory_bytes=1 << 30, processes=100, scratch_bytes=1 << 30)


def test_a_cgroup_holds_what_its_controllers_can_and_the_watch_the_rest() -> None:
    holding = held_by(SOME, Tier.BUBBLEWRAP, cgroup=("memory", "pids"), is_root=True)
    assert holding == {"cpus": "threads", "memory": "cgroup", "processes": "cgroup", "scratch": "rlimit and watch"}


def test_the_kernel_counts_processes_only_where_a_run_has_users_of_its_own() -> None:
    assert held_by(SOME, Tier.BUBBLEWRAP, cgroup=(), is_root=False)["processes"] == "rlimit and watch"
    assert held_by(SOME, Tier.BUBBLEWRAP, cgroup=(), is_root=True)["processes"] == "watch"
    assert held_by(SOME, Tier.LANDLOCK, cgroup=(), is_root=False)["processes"] == "watch"


def test_what_is_not_limited_is_held_by_nothing() -> None:
    holding = held_by(Limits(cpus=1), Tier.NONE, cgroup=("cpu", "memory", "pids"), is_root=False)
    assert holding == {"cpus": "cgroup", "memory": "none", "processes": "none", "scratch": "none"}


def test_an_old_landlock_lets_signals_out() -> None:
    assert walls(Tier.LANDLOCK, network=False, landlock=5)["signals"] == "open"
    assert walls(Tier.LANDLOCK, network=False, landlock=6)["signals"] == "landlock"


def test_limits_are_written_where_the_kernel_reads_them(tmp_path: Path) -> None:
    cgroup = make_cgroup(tmp_path)
    assert cgroup is not None
    for name in ("cpu.max", "memory.max", "pids.max"):
        (cgroup.folder / name).touch()
    found = make_cgroup(tmp_path)
    assert found is not None
    assert found.controllers == ("cpu", "memory", "pids")
    found.limit(SOME)
    written = {name: (found.folder / name).read_text() for name in ("cpu.max", "memory.max", "pids.max")}
    assert written == {"cpu.max": "150000 100000", "memory.max": str(1 << 30), "pids.max": "100"}


def test_an_end_for_want_of_memory_is_read_from_the_cgroups_events(tmp_path: Path) -> None:
    cgroup = make_cgroup(tmp_path)
    assert cgroup is not None
    assert not cgroup.ended_for_memory()
    (cgroup.folder / "memory.events").write_text("low 0\noom 1\noom_kill 0\n")
    assert not cgroup.ended_for_memory()
    (cgroup.folder / "memory.events").write_text("low 0\noom 1\noom_kill 2\n")
    assert cgroup.ended_for_memory()


def test_a_run_that_the_cgroup_refuses_processes_is_ended_for_it(tmp_path: Path) -> None:
    cgroup = make_cgroup(tmp_path)
    assert cgroup is not None
    guard = Guard(os.getpid(), tmp_path, SOME, {"processes": "cgroup"}, cgroup)
    (cgroup.folder / "pids.events").write_text("max 0\n")
    guard.look()
    calm = guard.excess
    (cgroup.folder / "pids.events").write_text("max 3\n")
    guard.look()
    assert calm is None
    assert guard.excess is not None
    assert guard.excess.kind == "processes-exceeded"
    assert "100 processes" in guard.excess.error.message


@pytest.mark.parametrize(("memory", "tasks", "seconds"), [(None, None, 0.25), (8 << 30, 1000, 0.25), (0, None, 0.02)])
def test_the_less_is_left_the_sooner_the_guard_looks_again(
    memory: int | None, tasks: int | None, seconds: float
) -> None:
    assert look_again_seconds(memory, tasks) == seconds


def test_a_folder_that_cannot_be_looked_into_is_too_much_written() -> None:
    # Not pytest's own folder, which only its user may enter: root becomes nobody here, who is refused like others.
    with TemporaryDirectory() as around:
        scratch = Path(around)
        scratch.chmod(0o755)
        (scratch / "hidden").mkdir(mode=0)
        guard = Guard(os.getpid(), scratch, SOME, {})
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            guard.watch_scratch(Event())
        finally:
            if is_root:
                os.seteuid(0)
    assert guard.excess is not None
    assert "hidden" in guard.excess.error.message
