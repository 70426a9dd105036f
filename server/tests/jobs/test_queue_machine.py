"""Claim, heartbeat, expire, cancel, finish, duplicate finish and re-run in any order, against a plain model."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from pixmill.errors import Conflict
from pixmill_server.jobs import queue
from pixmill_server.jobs.errors import ActiveRunExists, NoPartialResults, RunIsOver, StaleFence
from pixmill_server.jobs.lifecycle import PartialState, RunStatus
from pixmill_server.jobs.queue import LEASE, ClaimedRun
from pixmill_server.jobs.runs import cancel, require_none_active, settle_partial, supersede_partial
from pixmill_server.jobs.tables import RunRow
from pixmill_server.jobs.timeouts import SUPERVISOR_GRACE
from server.tests.jobs.conftest import Bench, open_bench

PLACES = 2
LIMITS = st.sampled_from([{}, {"queue": 15.0}, {"start": 15.0}, {"running": 30.0}])


@dataclass
class ModelRun:
    """What must be true of a Run."""

    id: str
    job_id: str
    number: int
    status: str = "pending"
    fence: int = 0
    expires: datetime | None = None
    placed: bool = False
    cancel: bool = False
    limits: dict[str, float] = field(default_factory=dict)
    created: datetime | None = None
    claimed: datetime | None = None
    started: datetime | None = None
    partial: str | None = None
    """What became of the results of a Run that failed or was cancelled."""

    def end(self, status: str) -> None:
        """For good."""
        self.status, self.partial = status, None if status == "succeeded" else "kept"

    def deadline(self) -> datetime | None:
        """When its time is up, as it stands."""
        since, name, grace = self.created, "queue", timedelta()
        if self.started is not None:
            since, name, grace = self.started, "running", SUPERVISOR_GRACE
        elif self.claimed is not None:
            since, name = self.claimed, "start"
        if since is None or name not in self.limits:
            return None
        return since + timedelta(seconds=self.limits[name]) + grace


@dataclass
class Model:
    """All Runs, in the order of their launch."""

    runs: list[ModelRun] = field(default_factory=list)

    def newest(self, job_id: str) -> ModelRun:
        return max((run for run in self.runs if run.job_id == job_id), key=lambda run: run.number)

    def claimable(self, now: datetime) -> ModelRun | None:
        taken = sum(
            run.status in ("pending", "running") and run.expires is not None and run.expires >= now for run in self.runs
        )
        if taken >= PLACES:
            return None
        for run in self.runs:
            abandoned = run.expires is not None and run.expires < now and not run.placed
            free = run.fence == 0 or abandoned
            if run.status == "pending" and free and not run.cancel and run.fence < queue.MOST_CLAIMS:
                return run
        return None


class QueueMachine(RuleBasedStateMachine):
    """Everything that may happen to a queue; `bench` is set by the test."""

    bench: Bench

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.claims: list[ClaimedRun] = []
        with self.bench.database.transaction() as session:
            session.execute(text("DELETE FROM runs"))
            session.execute(text("DELETE FROM jobs"))
            session.execute(text("UPDATE computes SET concurrency = :places"), {"places": PLACES})

    @rule(limits=LIMITS)
    def launch(self, limits: dict[str, float]) -> None:
        run = self.bench.launch(limits=limits)
        self.model.runs.append(ModelRun(run.id, run.job_id, 1, limits=limits, created=self.bench.now))

    @rule()
    def claim(self) -> None:
        expected = self.model.claimable(self.bench.now)
        with self.bench.database.transaction() as session:
            found = queue.claim(session, worker="w", now=self.bench.now)
        assert (found and found.run_id) == (expected and expected.id)
        if found and expected:
            expected.fence += 1
            expected.expires = self.bench.now + LEASE
            expected.claimed = self.bench.now
            assert found.fence == expected.fence
            self.claims.append(found)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0, 99))
    def heartbeat(self, pick: int) -> None:
        def beat(run: ModelRun, claimed: ClaimedRun) -> None:
            with self.bench.database.transaction() as session:
                row = queue.renew(session, claimed.run_id, claimed.fence, now=self.bench.now)
                assert (row.cancel_requested_at is not None) == run.cancel
            run.expires = self.bench.now + LEASE

        self._as_holder(pick, beat)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0, 99))
    def place(self, pick: int) -> None:
        def place(run: ModelRun, claimed: ClaimedRun) -> None:
            with self.bench.database.transaction() as session:
                queue.placed(session, claimed.run_id, claimed.fence, handle="h", now=self.bench.now)
            run.placed, run.expires = True, self.bench.now + LEASE

        self._as_holder(pick, place)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0, 99))
    def start(self, pick: int) -> None:
        def start(run: ModelRun, claimed: ClaimedRun) -> None:
            with self.bench.database.transaction() as session:
                queue.started(session, claimed.run_id, claimed.fence, now=self.bench.now, facts={})
            if run.status == "pending":
                run.started = self.bench.now
            run.status, run.expires = "running", self.bench.now + LEASE

        self._as_holder(pick, start)

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0, 99), status=st.sampled_from([RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED]))
    def finish(self, pick: int, status: RunStatus) -> None:
        def finish(run: ModelRun, claimed: ClaimedRun) -> None:
            with self.bench.database.transaction() as session:
                row = queue.held(session, claimed.run_id, claimed.fence)
                if not row.state.may_become(status):
                    return
                queue.end(session, row, status, now=self.bench.now, reason=None, message="")
                if status is RunStatus.SUCCEEDED:
                    supersede_partial(session, row)
                    for earlier in self.model.runs:
                        if earlier.job_id == run.job_id and earlier is not run and earlier.partial == "kept":
                            earlier.partial = "superseded"
            run.end(status)

        self._as_holder(pick, finish)

    @precondition(lambda self: self.model.runs)
    @rule(pick=st.integers(0, 99))
    def ask_to_cancel(self, pick: int) -> None:
        run = self.model.newest(self.model.runs[pick % len(self.model.runs)].job_id)
        with self.bench.database.transaction() as session:
            if run.status not in ("pending", "running"):
                with pytest.raises(Conflict):
                    cancel(session, run.job_id, now=self.bench.now)
                return
            cancel(session, run.job_id, now=self.bench.now)
        run.cancel = True
        if run.status == "pending" and not run.placed:
            run.end("cancelled")

    @precondition(lambda self: self.model.runs)
    @rule(pick=st.integers(0, 99))
    def rerun(self, pick: int) -> None:
        run = self.model.newest(self.model.runs[pick % len(self.model.runs)].job_id)
        with self.bench.database.transaction() as session:
            if run.status in ("pending", "running"):
                with pytest.raises(ActiveRunExists):
                    require_none_active(session, run.job_id)
                return
            assert require_none_active(session, run.job_id).id == run.id
        again = self.bench.launch(job_id=run.job_id, number=run.number + 1)
        self.model.runs.append(ModelRun(again.id, again.job_id, again.number, created=self.bench.now))

    @precondition(lambda self: self.model.runs)
    @rule(pick=st.integers(0, 99), state=st.sampled_from([PartialState.COMMITTED, PartialState.DROPPED]))
    def settle_partial_results(self, pick: int, state: PartialState) -> None:
        run = self.model.runs[pick % len(self.model.runs)]
        with self.bench.database.transaction() as session:
            if run.partial != "kept":
                with pytest.raises(NoPartialResults):
                    settle_partial(session, run.id, state)
                return
            settle_partial(session, run.id, state)
        run.partial = state

    @precondition(lambda self: self.model.runs)
    @rule(pick=st.integers(0, 99))
    def resume(self, pick: int) -> None:
        run = self.model.newest(self.model.runs[pick % len(self.model.runs)].job_id)
        with self.bench.database.transaction() as session:
            if run.status in ("pending", "running"):
                with pytest.raises(ActiveRunExists):
                    require_none_active(session, run.job_id)
                return
            if run.partial != "kept":
                with pytest.raises(NoPartialResults):
                    settle_partial(session, run.id, PartialState.RESUMED)
                return
            settle_partial(session, run.id, PartialState.RESUMED)
        run.partial = "resumed"
        again = self.bench.launch(job_id=run.job_id, number=run.number + 1)
        self.model.runs.append(ModelRun(again.id, again.job_id, again.number, created=self.bench.now))

    @rule(seconds=st.sampled_from([1, 10, 19, 21, 3600]))
    def pass_time(self, seconds: int) -> None:
        self.bench.pass_time(seconds)

    @rule()
    def end_overdue(self) -> None:
        overdue = []
        for run in self.model.runs:
            deadline = run.deadline()
            if run.status in ("pending", "running") and deadline is not None and deadline < self.bench.now:
                run.end("failed")
                overdue.append(run.id)
        with self.bench.database.transaction() as session:
            assert queue.end_overdue(session, now=self.bench.now) == sorted(overdue)

    @rule()
    def expire(self) -> None:
        lost = []
        for run in self.model.runs:
            out = run.expires is not None and run.expires < self.bench.now and run.status in ("pending", "running")
            again = run.status == "pending" and not run.placed and not run.cancel and run.fence < queue.MOST_CLAIMS
            if out and not again:
                run.end("cancelled" if run.cancel else "failed")
                lost.append(run.id)
        with self.bench.database.transaction() as session:
            assert sorted(queue.expire(session, now=self.bench.now)) == sorted(lost)

    @invariant()
    def every_run_stands_as_the_model_says(self) -> None:
        with self.bench.database.reading() as session:
            rows = {row.id: (row.status, row.fence, row.partial) for row in session.query(RunRow)}
        assert rows == {run.id: (run.status, run.fence, run.partial) for run in self.model.runs}

    def _as_holder(self, pick: int, act: Callable[[ModelRun, ClaimedRun], None]) -> None:
        claimed = self.claims[pick % len(self.claims)]
        run = next(run for run in self.model.runs if run.id == claimed.run_id)
        if claimed.fence != run.fence:
            with pytest.raises(StaleFence):
                act(run, claimed)
        elif run.status not in ("pending", "running"):
            with pytest.raises(RunIsOver):
                act(run, claimed)
        else:
            act(run, claimed)


def check(url: str, *, examples: int) -> None:
    class Machine(QueueMachine):
        bench = open_bench(url)

    machine = settings(
        max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Machine, settings=machine)
    Machine.bench.database.close()


def test_the_queue_behaves_as_its_model(database_url: str) -> None:
    check(database_url, examples=40)
