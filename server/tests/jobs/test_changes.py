"""Who looks at Jobs hears of what changed, and of nothing else."""

from pixmill_server.jobs import queue
from pixmill_server.jobs.changes import Glimpses, changed_jobs, glimpses
from pixmill_server.jobs.tables import RunRow
from server.tests.jobs.conftest import Bench


def seen(bench: Bench) -> Glimpses:
    with bench.database.reading() as session:
        return glimpses(session)


def test_a_run_that_was_launched_or_claimed_or_lives_on_has_changed(bench: Bench) -> None:
    before = seen(bench)
    run = bench.launch()
    launched = seen(bench)
    assert changed_jobs(before, launched) == {("org_1", run.job_id), ("org_1", None)}
    assert changed_jobs(launched, seen(bench)) == set()
    with bench.database.transaction() as session:
        queue.claim(session, worker="w", now=bench.now)
    claimed = seen(bench)
    assert changed_jobs(launched, claimed) == {("org_1", run.job_id), ("org_1", None)}
    with bench.database.transaction() as session:
        session.get_one(RunRow, run.id).progress = {"done": 3}
    assert ("org_1", run.job_id) in changed_jobs(claimed, seen(bench))


def test_one_that_waits_has_changed_when_those_ahead_of_it_have(bench: Bench) -> None:
    bench.launch()
    waiting = bench.launch()
    before = seen(bench)
    with bench.database.transaction() as session:
        claimed = queue.claim(session, worker="w", now=bench.now)
        assert claimed is not None
        session.get_one(RunRow, claimed.run_id).status = "cancelled"
    assert ("org_1", waiting.job_id) in changed_jobs(before, seen(bench))
