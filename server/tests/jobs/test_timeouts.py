"""How long a Run may wait, start, run and stand still."""

from datetime import UTC, datetime, timedelta

import pytest

from pixmill.errors import InvalidInput
from pixmill.parameters.timeouts import parse_timeouts, time_text
from pixmill_server.jobs import queue
from pixmill_server.jobs.errors import RunIsOver
from pixmill_server.jobs.runs import cancel
from pixmill_server.jobs.tables import RunRow
from pixmill_server.jobs.timeouts import SUPERVISOR_GRACE, Times, merged, next_deadline
from server.tests.jobs.acting import Stage
from server.tests.jobs.conftest import Bench
from tests.running_server import RunningServer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALL = {"queue": 10.0, "start": 30.0, "running": 600.0, "progress": 60.0}


@pytest.fixture
def stage(server: RunningServer) -> Stage:
    return Stage(server)


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def test_each_part_of_a_life_has_its_own_limit() -> None:
    waiting = Times(NOON)
    claimed = Times(NOON, claimed_at=minute(5))
    running = Times(NOON, claimed_at=minute(5), started_at=minute(6))
    moving = Times(NOON, claimed_at=minute(5), started_at=minute(6), progressed_at=minute(15))
    found = [next_deadline(ALL, times) for times in (waiting, claimed, running, moving)]
    assert [deadline and deadline.timeout for deadline in found] == ["queue", "start", "progress", "running"]
    assert [deadline and deadline.at for deadline in found] == [
        NOON + timedelta(seconds=10),
        minute(5) + timedelta(seconds=30),
        minute(7) + SUPERVISOR_GRACE,
        minute(16) + SUPERVISOR_GRACE,
    ]
    assert next_deadline({"start": 30.0}, running) is None


def test_what_is_said_nearest_to_the_launch_holds_and_none_takes_a_limit_away() -> None:
    assert merged({"running": None}, {"running": 60, "queue": 5}, {"queue": 9, "start": 7}) == {"queue": 5, "start": 7}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("1d", 86400), ("none", None)]
)
def test_times_are_read_as_they_are_written(text: str, seconds: float | None) -> None:
    assert parse_timeouts([f"running={text}"]) == {"running": seconds}


@pytest.mark.parametrize("text", ["running", "running=", "sleeping=2h", "running=0", "running=-1", "running=2y"])
def test_what_is_no_time_out_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not understood"):
        parse_timeouts([text])


def test_times_are_said_in_their_largest_whole_unit() -> None:
    assert [time_text(seconds) for seconds in (86400, 7200, 90, 600, 0.5)] == ["1 d", "2 h", "90 s", "10 min", "0.5 s"]


def limited(bench: Bench, limits: dict[str, float]) -> RunRow:
    return bench.launch(limits=limits)


def overdue(bench: Bench) -> list[str]:
    with bench.database.transaction() as session:
        return queue.end_overdue(session, now=bench.now)


def test_a_run_that_nobody_claims_in_time_fails_and_says_so(bench: Bench) -> None:
    run = limited(bench, ALL)
    bench.pass_time(9)
    assert overdue(bench) == []
    bench.pass_time(2)
    assert overdue(bench) == [run.id]
    ended = bench.run(run.id)
    assert (ended.status, ended.reason) == ("failed", "timeout")
    assert ended.message == "it waited in the queue for more than 10 s"
    assert overdue(bench) == []


def test_a_run_that_does_not_start_in_time_fails_and_its_supervisor_is_told_that_it_is_over(bench: Bench) -> None:
    run = limited(bench, ALL)
    with bench.database.transaction() as session:
        claimed = queue.claim(session, worker="w", now=bench.now)
    assert claimed is not None
    bench.pass_time(31)
    assert overdue(bench) == [run.id]
    assert bench.run(run.id).message == "it did not start within 30 s"
    with bench.database.transaction() as session, pytest.raises(RunIsOver):
        queue.started(session, run.id, claimed.fence, now=bench.now, facts={})


def test_a_run_whose_supervisor_hangs_is_ended_by_the_server(bench: Bench) -> None:
    run = limited(bench, {"progress": 60.0})
    with bench.database.transaction() as session:
        claimed = queue.claim(session, worker="w", now=bench.now)
        assert claimed is not None
        queue.started(session, run.id, claimed.fence, now=bench.now, facts={})
    bench.pass_time(61)
    assert overdue(bench) == []
    bench.pass_time(SUPERVISOR_GRACE.total_seconds())
    assert overdue(bench) == [run.id]
    assert bench.run(run.id).message == "nothing of it was done for 1 min"


def test_a_run_that_cannot_be_heard_is_not_overdue_and_one_that_waits_in_the_queue_is(bench: Bench) -> None:
    running = limited(bench, {"progress": 60.0, "running": 100.0})
    waiting = limited(bench, ALL)
    with bench.database.transaction() as session:
        claimed = queue.claim(session, worker="w", now=bench.now)
        assert claimed is not None
        queue.placed(session, running.id, claimed.fence, handle="h", now=bench.now)
        queue.started(session, running.id, claimed.fence, now=bench.now, facts={})
    bench.pass_time(300)
    with bench.database.transaction() as session:
        assert queue.end_overdue(session, now=bench.now, can_be_heard=False) == [waiting.id]
        queue.adopt(session, now=bench.now)
    assert overdue(bench) == []
    bench.pass_time(queue.LEASE.total_seconds() + 1)
    assert overdue(bench) == [running.id]


def running_for_five_minutes(bench: Bench, limits: dict[str, float]) -> RunRow:
    run = limited(bench, limits)
    with bench.database.transaction() as session:
        claimed = queue.claim(session, worker="w", now=bench.now)
        assert claimed is not None
        queue.started(session, run.id, claimed.fence, now=bench.now, facts={})
    bench.pass_time(300)
    return run


def test_a_run_that_may_stand_still_for_longer_gets_all_of_that_after_the_server_was_away(bench: Bench) -> None:
    run = running_for_five_minutes(bench, {"progress": 60.0})
    with bench.database.transaction() as session:
        queue.adopt(session, now=bench.now)
    assert bench.run(run.id).deadline_at == bench.now + timedelta(seconds=60) + SUPERVISOR_GRACE


def test_what_a_run_was_given_after_the_server_was_away_is_not_taken_by_its_progress(bench: Bench) -> None:
    run = running_for_five_minutes(bench, {"running": 100.0})
    with bench.database.transaction() as session:
        queue.adopt(session, now=bench.now)
        queue.put_off_deadline(session.get_one(RunRow, run.id), progressed_at=bench.now)
    assert bench.run(run.id).deadline_at == bench.now + queue.LEASE


def test_a_run_that_is_claimed_and_not_started_yet_is_cancelled_at_once(bench: Bench) -> None:
    run = bench.launch()
    with bench.database.transaction() as session:
        claimed = queue.claim(session, worker="w", now=bench.now)
        assert claimed is not None
        cancel(session, run.job_id, now=bench.now)
    assert bench.run(run.id).status == "cancelled"
    with bench.database.transaction() as session, pytest.raises(RunIsOver):
        queue.placed(session, run.id, claimed.fence, handle="h", now=bench.now)


def test_time_outs_come_from_the_launch_then_the_compute_and_are_told_to_the_supervisor(stage: Stage) -> None:
    stage.client.computes.set("local", timeouts={"running": 600, "start": 30})
    assert stage.client.computes.show("local").timeouts == {"running": 600, "start": 30}
    job_id = stage.launch(timeouts={"running": 60, "progress": 5}, priority=3)
    run = stage.client.jobs.show(job_id).runs[0]
    assert (run.timeouts, run.priority) == ({"start": 30, "running": 60, "progress": 5}, 3)
    supervisor = stage.supervisor()
    limits = supervisor.send("GET", "plan").json()["limits"]
    assert (limits["running_seconds"], limits["progress_seconds"]) == (60, 5)
    error = {"type": "TimedOut", "message": "it ran for more than 60 s"}
    supervisor.start()
    supervisor.finish(exit_code=None, signal=9, limit="time", error=error)
    run = stage.client.jobs.show(job_id).runs[0]
    assert (run.reason, run.outcome) == ("timeout", "failed: TimedOut: it ran for more than 60 s")
    again = stage.client.jobs.rerun(job_id, timeouts={"running": None}, priority=0).runs[0]
    assert (again.timeouts, again.priority) == ({"start": 30, "progress": 5}, 0)


def test_progress_puts_the_deadline_off_and_a_mere_sign_of_life_does_not(stage: Stage) -> None:
    stage.launch(timeouts={"progress": 60})
    supervisor = stage.supervisor()
    supervisor.start()
    first = stage.run(supervisor).deadline_at
    supervisor.send("POST", "heartbeat", {"progress": {"done": 0, "total": 6}})
    assert stage.run(supervisor).deadline_at == first
    supervisor.send("POST", "heartbeat", {"progress": {"done": 1, "total": 6}})
    later = stage.run(supervisor).deadline_at
    assert first is not None
    assert later is not None
    assert later > first


def test_urgent_runs_go_first_and_the_others_say_their_place(stage: Stage) -> None:
    first, second, urgent = stage.launch(), stage.launch(), stage.launch(priority=5)
    assert stage.supervisor().run.job_id == urgent
    waits = [stage.client.jobs.show(job_id).waits_for for job_id in (first, second)]
    assert waits == [
        "a place on Compute 'local' (1 of 1 in use); position 1",
        "a place on Compute 'local' (1 of 1 in use); position 2",
    ]


def test_a_launch_with_a_priority_or_a_time_out_that_cannot_be_is_refused(stage: Stage) -> None:
    for wrong in ({"priority": 101}, {"timeouts": {"running": -1}}, {"timeouts": {"sleeping": 1}}):
        with pytest.raises(InvalidInput):
            stage.launch(**wrong)
