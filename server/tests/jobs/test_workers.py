"""Workers that come and go, and whose Runs they watch, on SQLite and PostgreSQL."""

from sqlalchemy import select

from pixmill_server.jobs import queue, workers
from pixmill_server.jobs.tables import WorkerRow
from server.tests.jobs.conftest import Bench


def begin(bench: Bench, worker: str, machine: str) -> None:
    with bench.database.transaction() as session:
        workers.seen(session, worker, machine=machine, pid=7, now=bench.now)


def place(bench: Bench, worker: str) -> str:
    bench.launch()
    with bench.database.transaction() as session:
        run = queue.claim(session, worker=worker, now=bench.now)
        assert run is not None
        queue.placed(session, run.run_id, run.fence, handle="1", now=bench.now)
    return run.run_id


def take_over(bench: Bench, worker: str, machine: str) -> int:
    with bench.database.transaction() as session:
        return workers.take_over(session, worker, machine=machine, is_alive=lambda _pid: True, now=bench.now)


def known(bench: Bench) -> list[str]:
    with bench.database.reading() as session:
        return list(session.scalars(select(WorkerRow.id).order_by(WorkerRow.id)))


def test_runs_that_a_worker_left_are_taken_over_on_its_machine_and_on_no_other(bench: Bench) -> None:
    begin(bench, "first", "a")
    run_id = place(bench, "first")
    with bench.database.transaction() as session:
        workers.gone(session, "first")
    begin(bench, "elsewhere", "b")
    assert take_over(bench, "elsewhere", "b") == 0
    assert bench.run(run_id).lease_owner == "first"
    begin(bench, "second", "a")
    assert take_over(bench, "second", "a") == 1
    assert (bench.run(run_id).lease_owner, known(bench)) == ("second", ["elsewhere", "second"])


def test_runs_of_a_silent_worker_are_taken_over_on_its_machine_and_on_no_other(bench: Bench) -> None:
    begin(bench, "first", "a")
    run_id = place(bench, "first")
    bench.pass_time(workers.WORKER_SILENCE.total_seconds() + 1)
    assert [take_over(bench, "elsewhere", "b"), take_over(bench, "second", "a")] == [0, 1]
    assert bench.run(run_id).lease_owner == "second"


def test_a_worker_is_remembered_while_it_places_a_run(bench: Bench) -> None:
    begin(bench, "first", "a")
    bench.launch()
    with bench.database.transaction() as session:
        run = queue.claim(session, worker="first", now=bench.now)
        assert run is not None
    bench.pass_time(workers.WORKER_SILENCE.total_seconds() + 1)
    assert take_over(bench, "second", "a") == 0
    with bench.database.transaction() as session:
        queue.placed(session, run.run_id, run.fence, handle="1", now=bench.now)
    assert take_over(bench, "second", "a") == 1


def test_a_worker_that_ends_without_runs_is_forgotten(bench: Bench) -> None:
    begin(bench, "first", "a")
    with bench.database.transaction() as session:
        workers.gone(session, "first")
    assert known(bench) == []
