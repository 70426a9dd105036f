"""What goes wrong on machines, other than by kills: every promise is kept as well."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from pixmill_server.jobs.lifecycle import RunStatus
from pixmill_server.jobs.queue import LEASE
from tests.chaos.proxy import bad_weather
from tests.chaos.world import BrokenPromiseError, NewDatabase, World, let_go, order, wait_until, world
from tests.postgresql_server import PostgresqlServer
from tests.real_services import missing

POINTER = "commit: move the pointer"


@pytest.fixture(scope="module")
def calm(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A Pixmill that is used again for the next mishap."""
    with world(tmp_path_factory.mktemp("chaos"), database_url=new_database()) as made:
        yield made


def held_at(made: World, point: str) -> tuple[str, str]:
    """The version and the Job of a Run whose server waits at a point."""
    address = made.fresh_version()
    order(made, point, 1)
    job_id = made.launch(address)
    wait_until((made.line / "reached").exists, f"{point} is reached")
    return address, job_id


def test_a_supervisor_that_slept_past_its_lease_changes_nothing(calm: World) -> None:
    address, job_id = held_at(calm, "stage asked")
    supervisor = calm.supervisor(calm.run(job_id))
    assert supervisor is not None
    supervisor.suspend()
    let_go(calm)
    wait_until(lambda: calm.run(job_id).state.is_over, "its lease is over")
    if supervisor.is_running():
        supervisor.send_signal(signal.SIGCONT)
    assert calm.require_all_kept(address, job_id) == RunStatus.FAILED
    assert calm.run(job_id).reason == "lost"


def test_a_run_that_ended_while_there_was_no_worker_leaves_nothing(calm: World) -> None:
    address, job_id = held_at(calm, "finish done")
    for victim in ("worker", "supervisor"):
        calm.require_victim(victim, job_id).kill()
    let_go(calm)
    calm.start_again("worker")
    assert calm.require_all_kept(address, job_id) == RunStatus.SUCCEEDED


def test_a_label_that_was_added_during_a_commit_is_not_lost(calm: World) -> None:
    address, job_id = held_at(calm, POINTER)
    calm.client.labels.add(address, ["dark"])
    let_go(calm)
    assert calm.require_all_kept(address, job_id) == RunStatus.SUCCEEDED
    assert [label.name for label in calm.client.labels.list(address)] == ["bright", "dark"]


def test_two_workers_share_the_runs_and_none_is_run_twice(calm: World) -> None:
    second = calm.start_worker("second worker")
    jobs = [(address, calm.launch(address)) for address in (calm.fresh_version() for _ in range(6))]
    assert {calm.require_all_kept(address, job_id) for address, job_id in jobs} == {RunStatus.SUCCEEDED}
    second.terminate()
    second.wait()


def test_drops_delays_and_cut_answers_cost_time_and_nothing_else(calm: World) -> None:
    assert calm.worker is not None
    calm.worker.terminate()
    calm.worker.wait()
    calm.worker = None
    with bad_weather(calm.port, seed=3) as proxy:
        through = calm.start_worker("worker behind a proxy", server=f"http://127.0.0.1:{proxy.port}")
        jobs = [(address, calm.launch(address)) for address in (calm.fresh_version() for _ in range(3))]
        assert {calm.require_all_kept(address, job_id) for address, job_id in jobs} == {RunStatus.SUCCEEDED}
        assert proxy.weather["refused"] + proxy.weather["answer lost"] + proxy.weather["answer cut"] > 0
        through.terminate()
        through.wait()
        calm.worker = None
    calm.start_worker()


def test_a_clock_that_jumps_an_hour_ends_no_run_half_way(new_database: NewDatabase, tmp_path: Path) -> None:
    with world(tmp_path, database_url=new_database()) as made:
        address, job_id = held_at(made, "stage done")
        (made.line / "clock").write_text("3600")
        let_go(made)
        made.require_all_kept(address, job_id)
        later = made.fresh_version()
        assert made.require_all_kept(later, made.launch(later)) == RunStatus.SUCCEEDED


def test_a_database_that_restarts_in_the_middle_of_a_commit_loses_nothing(
    postgresql_server: PostgresqlServer, postgresql: str, tmp_path: Path
) -> None:
    with world(tmp_path, database_url=postgresql) as made:
        address, job_id = held_at(made, POINTER)
        postgresql_server.restart()
        let_go(made)
        made.require_all_kept(address, job_id)
        again = made.fresh_version()
        assert made.require_all_kept(again, made.launch(again)) == RunStatus.SUCCEEDED


def test_a_run_outlasts_a_database_that_is_away_for_longer_than_a_lease(
    postgresql_server: PostgresqlServer, postgresql: str, tmp_path: Path
) -> None:
    with world(tmp_path, database_url=postgresql) as made:
        address, job_id = held_at(made, "finish asked")
        over = made.services.clock.now() + LEASE + timedelta(seconds=2)
        with postgresql_server.away():
            let_go(made)
            wait_until(lambda: made.services.clock.now() > over, "its lease is over")
        assert made.require_all_kept(address, job_id) == RunStatus.SUCCEEDED


def fill(filler: Path) -> None:
    """Until nothing more can be written."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 20))


def test_a_run_outlasts_a_full_disk(new_database: NewDatabase, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        missing("tmpfs", "only root may mount one")
    try:
        with world(small / "world", database_url=new_database()) as made:
            shutil.move(made.line, tmp_path / "line")  # the line to the server is not to be full
            made.line.symlink_to(tmp_path / "line")
            address, job_id = held_at(made, "stage asked")
            filler, asked = small / "filler", made.orders
            fill(filler)
            order(made, "stage done", 1)
            (made.line / f"go-{asked}").touch()
            wait_until((made.line / "reached").exists, "staging is refused")
            filler.unlink()
            let_go(made)
            assert made.require_all_kept(address, job_id) == RunStatus.SUCCEEDED
            again = made.fresh_version()
            assert made.require_all_kept(again, made.launch(again)) == RunStatus.SUCCEEDED
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_the_suite_notices_that_nobody_restores_before_a_commit(new_database: NewDatabase, tmp_path: Path) -> None:
    with world(tmp_path, database_url=new_database(), mutants=["without the restore"]) as made:
        _, job_id = held_at(made, POINTER)
        made.require_victim("server", job_id).kill()
        made.start_again("server")
        let_go(made)
        log = made.folder / "server.log"
        # What the dead server wrote is in the way of every commit from now on, so that the Run would never end.
        wait_until(lambda: "has no fragment" in log.read_text(), "the next commit meets what the dead server left")
        assert not made.run(job_id).state.is_over


def test_the_suite_notices_that_the_head_is_moved_whoever_moved_it_before(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    with world(tmp_path, database_url=new_database(), mutants=["without the compare-and-swap"]) as made:
        address, job_id = held_at(made, POINTER)
        made.client.labels.add(address, ["dark"])
        let_go(made)
        made.require_all_kept(address, job_id)
        with pytest.raises(BrokenPromiseError, match="has the Labels"):
            made.require_labels(address, ["bright", "dark"])


def test_a_run_outlasts_a_server_that_is_away_longer_than_a_lease(calm: World) -> None:
    address, job_id = held_at(calm, "stage asked")
    assert calm.server is not None
    calm.server.kill()
    calm.server.wait()
    lease = calm.run(job_id).lease_expires_at
    assert lease is not None
    wait_until(lambda: calm.services.clock.now() > lease + timedelta(seconds=2), "its lease is over")
    assert calm.run(job_id).state is RunStatus.RUNNING
    calm.start_server()
    assert calm.require_all_kept(address, job_id) == RunStatus.SUCCEEDED
