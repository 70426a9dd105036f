"""A worker while no server answers, and after."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pixmill_server.db.engine import open_database
from pixmill_server.jobs.queue import LEASE
from pixmill_server.wiring import open_services
from pixmill_server.worker.loop import Stop, Worker
from pixmill_server.worker.workplace import Workplace
from server.tests.jobs.acting import Stage
from tests.running_server import RunningServer


@dataclass(slots=True)
class Ahead:
    """The machine's clock, and some time more."""

    offset: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody answers."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_a_worker_ends_no_run_of_another_worker_while_the_server_is_away(server: RunningServer, nobody: str) -> None:
    stage = Stage(server)
    stage.launch(timeouts={"progress": 60})
    supervisor = stage.supervisor()
    supervisor.start()
    clock = Ahead(timedelta(hours=1))
    services = open_services(server.services.settings, clock=clock)
    idle = Worker(Workplace.of(services, nobody))
    idle._reap()
    assert stage.run(supervisor).status == "running"
    idle.workplace = replace(idle.workplace, server_url=server.url)
    back_at = clock.now()
    idle._reap()
    run = stage.run(supervisor)
    assert run.status == "running"
    assert run.lease_expires_at is not None
    assert run.lease_expires_at >= back_at + LEASE
    assert run.deadline_at is not None
    assert run.deadline_at >= back_at + LEASE
    clock.offset += timedelta(hours=1)
    idle._reap()
    services.close()
    assert stage.run(supervisor).status == "failed"


def test_a_worker_that_found_the_server_away_asks_until_it_answers(server: RunningServer, nobody: str) -> None:
    stage = Stage(server)
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    worker = Worker(Workplace.of(server.services, nobody))
    assert not worker._can_runs_be_heard()
    stage.client.jobs.cancel(job_id)
    supervisor.finish(exit_code=None, signal=9)
    assert stage.run(supervisor).ended_at is not None
    assert not worker._can_runs_be_heard()
    worker.workplace = replace(worker.workplace, server_url=server.url)
    assert worker._can_runs_be_heard()


def test_a_worker_whose_database_was_away_hears_supervisors_before_it_calls_a_run_lost(
    server: RunningServer, tmp_path: Path
) -> None:
    stage = Stage(server)
    stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    clock, stop = Ahead(), Stop()
    stop.requested.set()
    services = open_services(server.services.settings, clock=clock)
    workplace = Workplace.of(services, server.url)
    nowhere = open_database(f"sqlite:///{tmp_path}/not-mounted/pixmill.db")
    worker = Worker(replace(workplace, database=nowhere))
    worker._look_and_survive(stop)
    clock.offset += timedelta(hours=1)
    back_at = clock.now()
    worker.workplace = workplace
    worker._look_and_survive(stop)
    run = stage.run(supervisor)
    assert run.status == "running"
    assert run.lease_expires_at is not None
    assert run.lease_expires_at >= back_at + LEASE
    clock.offset += timedelta(hours=1)
    worker._reap()
    services.close()
    assert stage.run(supervisor).status == "failed"
