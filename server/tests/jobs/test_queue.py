"""The queue, on SQLite and PostgreSQL."""

import threading

import pytest

from pixmill.errors import Conflict, NotSignedIn
from pixmill_server.jobs import queue
from pixmill_server.jobs.errors import ActiveRunExists, RunIsOver, StaleFence
from pixmill_server.jobs.lifecycle import Reason, RunStatus
from pixmill_server.jobs.queue import ClaimedRun
from pixmill_server.jobs.runs import cancel, require_none_active
from server.tests.jobs.conftest import Bench


def claim(bench: Bench, worker: str = "w1") -> ClaimedRun | None:
    with bench.database.transaction() as session:
        return queue.claim(session, worker=worker, now=bench.now)


def claimed(bench: Bench) -> ClaimedRun:
    found = claim(bench)
    assert found is not None
    return found


def start(bench: Bench, run: ClaimedRun) -> None:
    with bench.database.transaction() as session:
        queue.placed(session, run.run_id, run.fence, handle="1", now=bench.now)
        queue.started(session, run.run_id, run.fence, now=bench.now, facts={"tier": "none"})


def finish(bench: Bench, run: ClaimedRun, status: RunStatus = RunStatus.SUCCEEDED) -> None:
    with bench.database.transaction() as session:
        held = queue.held(session, run.run_id, run.fence)
        queue.end(session, held, status, now=bench.now, reason=None, message="")


def expire(bench: Bench) -> list[str]:
    with bench.database.transaction() as session:
        return queue.expire(session, now=bench.now)


def test_an_empty_queue_gives_nothing(bench: Bench) -> None:
    assert claim(bench) is None


def test_runs_are_claimed_in_the_order_of_their_launch(bench: Bench) -> None:
    first, second = bench.launch(), bench.launch()
    bench.compute("second", concurrency=1)
    assert claimed(bench).run_id == first.id
    assert claim(bench) is None, "the Compute has one place"
    with bench.database.transaction() as session:
        run = queue.held(session, first.id, 1)
        queue.end(session, run, RunStatus.FAILED, now=bench.now, reason=Reason.ERROR, message="")
    assert claimed(bench).run_id == second.id


def test_a_full_compute_does_not_hold_up_another(bench: Bench) -> None:
    bench.compute("big", concurrency=2)
    bench.launch()
    claimed(bench)
    bench.launch()
    others = {bench.launch(compute="big").id for _ in range(3)}
    got = [claimed(bench).run_id, claimed(bench).run_id]
    assert set(got) < others
    assert claim(bench) is None


def test_a_run_is_running_from_the_childs_first_sign_of_life(bench: Bench) -> None:
    bench.launch()
    run = claimed(bench)
    assert bench.run(run.run_id).status == "pending"
    bench.pass_time(5)
    start(bench, run)
    row = bench.run(run.run_id)
    assert (row.status, row.started_at, row.waits_for) == ("running", bench.now, None)


def test_a_second_start_changes_nothing(bench: Bench) -> None:
    bench.launch()
    run = claimed(bench)
    start(bench, run)
    first = bench.run(run.run_id).started_at
    bench.pass_time(1)
    start(bench, run)
    assert bench.run(run.run_id).started_at == first


def test_a_heartbeat_keeps_the_lease_alive(bench: Bench) -> None:
    bench.launch()
    run = claimed(bench)
    start(bench, run)
    for _ in range(5):
        bench.pass_time(15)
        with bench.database.transaction() as session:
            queue.renew(session, run.run_id, run.fence, now=bench.now)
        assert expire(bench) == []


def test_a_run_that_nobody_heartbeats_ends_as_failed_and_lost(bench: Bench) -> None:
    bench.launch()
    run = claimed(bench)
    start(bench, run)
    bench.pass_time(21)
    assert expire(bench) == [run.run_id]
    row = bench.run(run.run_id)
    assert (row.status, row.reason, row.ended_at) == ("failed", "lost", bench.now)
    with bench.database.transaction() as session, pytest.raises(RunIsOver):
        queue.renew(session, run.run_id, run.fence, now=bench.now)


def test_a_run_whose_worker_died_before_it_began_is_claimed_by_another(bench: Bench) -> None:
    bench.launch()
    first = claimed(bench)
    bench.pass_time(21)
    assert expire(bench) == []
    second = claimed(bench)
    assert (second.run_id, second.fence) == (first.run_id, first.fence + 1)
    with bench.database.transaction() as session, pytest.raises(StaleFence):
        queue.placed(session, first.run_id, first.fence, handle="1", now=bench.now)
    with bench.database.reading() as session, pytest.raises(StaleFence):
        queue.authorize(session, first.run_id, token=first.token, fence=first.fence)


def test_a_run_that_kills_every_worker_is_given_up(bench: Bench) -> None:
    launched = bench.launch()
    for _ in range(queue.MOST_CLAIMS):
        claimed(bench)
        bench.pass_time(21)
    assert claim(bench) is None
    assert expire(bench) == [launched.id]


def test_a_token_opens_its_run_and_no_other(bench: Bench) -> None:
    bench.compute("big", concurrency=2)
    bench.launch(compute="big")
    bench.launch(compute="big")
    one, other = claimed(bench), claimed(bench)
    with bench.database.reading() as session:
        assert queue.authorize(session, one.run_id, token=one.token, fence=1).id == one.run_id
        with pytest.raises(NotSignedIn):
            queue.authorize(session, other.run_id, token=one.token, fence=1)
        with pytest.raises(NotSignedIn):
            queue.authorize(session, one.run_id, token=one.token, fence=2)


def test_a_token_dies_with_its_run(bench: Bench) -> None:
    bench.launch()
    run = claimed(bench)
    start(bench, run)
    finish(bench, run)
    with bench.database.reading() as session, pytest.raises(RunIsOver):
        queue.authorize(session, run.run_id, token=run.token, fence=run.fence)


def test_a_terminal_state_never_changes(bench: Bench) -> None:
    bench.launch()
    run = claimed(bench)
    start(bench, run)
    finish(bench, run)
    with pytest.raises(RunIsOver):
        finish(bench, run, RunStatus.FAILED)
    assert bench.run(run.run_id).status == "succeeded"


def test_a_job_has_at_most_one_active_run(bench: Bench) -> None:
    run = bench.launch()
    with bench.database.transaction() as session, pytest.raises(ActiveRunExists):
        require_none_active(session, run.job_id)
    with pytest.raises(ActiveRunExists):
        bench.launch(job_id=run.job_id, number=2)


def test_a_pending_run_is_cancelled_at_once(bench: Bench) -> None:
    run = bench.launch()
    with bench.database.transaction() as session:
        cancel(session, run.job_id, now=bench.now)
    assert bench.run(run.id).status == "cancelled"
    assert claim(bench) is None
    with bench.database.transaction() as session, pytest.raises(Conflict, match="over"):
        cancel(session, run.job_id, now=bench.now)


def test_a_run_whose_supervisor_was_started_is_asked_to_stop(bench: Bench) -> None:
    run = bench.launch()
    placed = claimed(bench)
    with bench.database.transaction() as session:
        queue.placed(session, run.id, placed.fence, handle="h", now=bench.now)
    with bench.database.transaction() as session:
        cancel(session, run.job_id, now=bench.now)
    row = bench.run(run.id)
    assert (row.status, row.cancel_requested_at) == ("pending", bench.now)


def test_a_restarted_server_gives_every_lease_its_whole_length_again(bench: Bench) -> None:
    bench.launch()
    run = claimed(bench)
    start(bench, run)
    bench.pass_time(300)
    with bench.database.transaction() as session:
        assert queue.adopt(session, now=bench.now) == 1
    assert expire(bench) == []


def test_workers_that_claim_at_once_never_get_the_same_run_nor_too_many(bench: Bench) -> None:
    bench.compute("big", concurrency=7)
    for _ in range(20):
        bench.launch(compute="big")
    barrier, got = threading.Barrier(4), []

    def work(name: str) -> None:
        barrier.wait()
        misses = 0
        while misses < 3:
            found = claim(bench, name)
            misses += found is None
            if found:
                got.append(found.run_id)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) <= 7
    while claim(bench):
        got.append("one more")
    assert len(got) == 7
