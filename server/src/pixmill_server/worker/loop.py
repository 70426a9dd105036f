"""The worker's loop: claim, place, watch, and take back what nobody keeps alive.

A Run goes on without its worker: whoever comes next on the same machine takes it over.
"""

import logging
import os
import platform
import sys
import threading
import time
from dataclasses import dataclass, field

import psutil

from pixmill_server.datasets.lease import free_abandoned
from pixmill_server.datasets.tending import tending
from pixmill_server.db.engine import DatabaseFault
from pixmill_server.jobs.errors import RunIsOver, StaleFence
from pixmill_server.jobs.lifecycle import Reason
from pixmill_server.jobs.queue import adopt, claim, end_overdue, expire, fail
from pixmill_server.jobs.workers import (
    PlacedRun,
    ended_among,
    gone,
    is_any_supervised,
    placed_among,
    placed_by,
    seen,
    take_over,
)
from pixmill_server.kernel.ids import new_id
from pixmill_server.worker.placing import place
from pixmill_server.worker.workplace import Workplace

LOOK_SECONDS = 0.1
WATCH_SECONDS = 0.5
SEEN_SECONDS = 5.0
TEND_SECONDS = 30.0
ENVIRONMENTS_SECONDS = 3600.0
STOP_GRACE_SECONDS = 3.0
SUPERVISOR_GRACE_LOOKS = 4
"""How often in a row a Run may be without its supervisor, or a supervisor without its Run."""

logger = logging.getLogger(__name__)


@dataclass
class Stop:
    """How a worker is asked to end."""

    requested: threading.Event = field(default_factory=threading.Event)
    leave_runs: bool = False
    """Whether its Runs go on, to be taken over by the next worker."""


@dataclass
class Worker:
    """One worker at its work."""

    workplace: Workplace
    id: str = field(default_factory=lambda: new_id("wrk"))
    machine: str = field(default_factory=platform.node)
    _placing: list[threading.Thread] = field(default_factory=list)
    _missed: dict[str, int] = field(default_factory=dict)
    _watched: dict[str, PlacedRun] = field(default_factory=dict)
    _over: dict[str, int] = field(default_factory=dict)
    _next_watch: float = 0.0
    _next_seen: float = 0.0
    _next_environments: float = 0.0
    _server_was_away: bool = False

    def work(self, stop: Stop) -> None:
        """Until asked to end; one bad moment does not end it."""
        self._begin()
        # Beside the Runs, in a thread of its own: compacting a large version takes seconds.
        with tending(self.workplace.datasets, every_seconds=TEND_SECONDS, before=self._clear_up):
            self._look_until(stop)
        self._end(leave_runs=stop.leave_runs)

    def _clear_up(self) -> None:
        self.workplace.clear_away()
        if time.monotonic() >= self._next_environments:
            self._next_environments = time.monotonic() + ENVIRONMENTS_SECONDS
            self.workplace.remove_unused_environments()

    def _begin(self) -> None:
        free_abandoned(self.workplace.datasets)
        with self.workplace.database.transaction() as session:
            # Nobody could keep a lease alive while there was no server and no worker.
            adopt(session, now=self.workplace.clock.now())
        logger.info("worker began", extra={"worker": self.id})

    def _sign_of_life(self) -> None:
        now = self.workplace.clock.now()
        with self.workplace.database.transaction() as session:
            seen(session, self.id, machine=self.machine, pid=os.getpid(), now=now)
            taken = take_over(session, self.id, machine=self.machine, is_alive=psutil.pid_exists, now=now)
        if taken:
            logger.info("took over Runs", extra={"worker": self.id, "runs": taken})
        self._find_leftovers()

    def _find_leftovers(self) -> None:
        """Runs that ended while no worker watched them are cleared away like all others."""
        unwatched = self.workplace.runs_with_scratch() - self._watched.keys()
        if not unwatched:
            return
        with self.workplace.database.reading() as session:
            ended = ended_among(session, unwatched)
            placed = {run.run_id: run for run in placed_among(session, ended)}
        self._watched |= placed
        for run_id in ended - placed.keys():
            self.workplace.remove_scratch(run_id)

    def _look_until(self, stop: Stop) -> None:
        while not stop.requested.is_set():
            self._look_and_survive(stop)
            stop.requested.wait(LOOK_SECONDS)

    def _look_and_survive(self, stop: Stop) -> None:
        try:
            self._look()
        except DatabaseFault:
            # Supervisors' signs of life could not be written either: they are heard before any Run is called lost.
            self._server_was_away = True
            logger.exception("the database is away")
            stop.requested.wait(WATCH_SECONDS)
        except Exception:
            logger.exception("worker stumbled")
            stop.requested.wait(WATCH_SECONDS)

    def _look(self) -> None:
        if time.monotonic() >= self._next_seen:
            self._next_seen = time.monotonic() + SEEN_SECONDS
            self._sign_of_life()
        self._claim_all()
        if time.monotonic() >= self._next_watch:
            self._next_watch = time.monotonic() + WATCH_SECONDS
            self._watch()
            self._reap()

    def _claim_all(self) -> None:
        while self.workplace.has_waiting():
            with self.workplace.database.transaction() as session:
                claimed = claim(session, worker=self.id, now=self.workplace.clock.now())
            if claimed is None:
                return
            logger.info("claimed Run", extra={"job_id": claimed.job_id, "number": claimed.number})
            thread = threading.Thread(target=place, args=(self.workplace, claimed), name=claimed.run_id, daemon=True)
            thread.start()
            self._placing = [each for each in (*self._placing, thread) if each.is_alive()]

    def _watch(self) -> None:
        """A supervisor that ended without a word takes its Run with it."""
        with self.workplace.database.reading() as session:
            placed = placed_by(session, self.id)
        self._clear_away({run.run_id: run for run in placed})
        missing = {run.run_id for run in placed if not self.workplace.is_running(run)}
        self._missed = {run_id: self._missed.get(run_id, 0) + 1 for run_id in missing}
        for run in placed:
            if self._missed.get(run.run_id, 0) >= SUPERVISOR_GRACE_LOOKS:
                words = self.workplace.last_words(run)
                self._give_up(run, f"its supervisor ended{f': {words}' if words else ' without a word'}")

    def _clear_away(self, placed: dict[str, PlacedRun]) -> None:
        """What a Run that is over has left: a supervisor that is slow to end, and its scratch folder."""
        self._watched |= placed
        for run_id in self._watched.keys() - placed.keys():
            run = self._watched[run_id]
            self._over[run_id] = self._over.get(run_id, 0) + 1
            if not self.workplace.is_running(run) or self._over[run_id] >= SUPERVISOR_GRACE_LOOKS:
                self.workplace.stop(run, grace_seconds=0)
                del self._watched[run_id], self._over[run_id]

    def _reap(self) -> None:
        can_be_heard = self._can_runs_be_heard()
        with self.workplace.database.transaction() as session:
            now = self.workplace.clock.now()
            lost = end_overdue(session, now=now, can_be_heard=can_be_heard)
            if can_be_heard:
                lost += expire(session, now=now)
        if not lost:
            return
        with self.workplace.database.reading() as session:
            placed = placed_among(session, lost)
        for run in placed:
            logger.warning("Run was lost or overdue", extra={"job_id": run.job_id, "number": run.number})
            self.workplace.stop(run, grace_seconds=0)
        for run_id in lost:
            self.workplace.logs.seal(run_id)

    def _can_runs_be_heard(self) -> bool:
        """Nobody can keep a lease alive while the server is away; when it is back, the leases begin anew."""
        with self.workplace.database.reading() as session:
            # Of all workers, as all are reaped here.
            is_asked = self._server_was_away or is_any_supervised(session)
        if is_asked and not self.workplace.server_answers():
            self._server_was_away = True
        elif self._server_was_away:
            self._server_was_away = False
            with self.workplace.database.transaction() as session:
                adopt(session, now=self.workplace.clock.now())
        return not self._server_was_away

    def _give_up(self, run: PlacedRun, message: str) -> None:
        logger.warning("gave up Run", extra={"job_id": run.job_id, "number": run.number, "why": message})
        self.workplace.stop(run, grace_seconds=0)
        try:
            with self.workplace.database.transaction() as session:
                now = self.workplace.clock.now()
                fail(session, run.run_id, run.fence, now=now, reason=Reason.LOST, message=message)
        except (RunIsOver, StaleFence):
            return
        self.workplace.logs.seal(run.run_id)

    def _end(self, *, leave_runs: bool) -> None:
        with self.workplace.database.reading() as session:
            placed = placed_by(session, self.id)
        for run in placed:
            if leave_runs:
                sys.stderr.write(f"Run {run.number} of {run.job_id} goes on.\n")
                continue
            sys.stderr.write(f"Run {run.number} of {run.job_id} is stopped.\n")
            self.workplace.stop(run, grace_seconds=STOP_GRACE_SECONDS)
            self._give_up(run, "it was stopped together with its worker")
        with self.workplace.database.transaction() as session:
            gone(session, self.id)
        logger.info("worker ended", extra={"worker": self.id})
