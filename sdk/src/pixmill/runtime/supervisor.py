"""One Run from its plan to its end: starts the child, keeps it fed, heard and watched, and reports how it ended.

Everything that waits (the log, the chunks, the child's words, the heartbeat) is a thread of its own; this one watches.
"""

import math
import os
import select
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, strsignal
from threading import Event
from typing import Final

import msgspec

from pixmill.environments import (
    Cgroup,
    Environment,
    Limits,
    Room,
    Tier,
    choose_tier,
    held_by,
    landlock_version,
    make_cgroup,
    walls,
)
from pixmill.errors import EnvironmentFailed, PixmillError, ProcessingError
from pixmill.runtime.account import Account
from pixmill.runtime.child_process import ChildProcess, start_child, start_container
from pixmill.runtime.containers import PlacedImage
from pixmill.runtime.feeder import Feeder
from pixmill.runtime.furnishing import furnish, setup_of
from pixmill.runtime.guard import Guard
from pixmill.runtime.log_pump import LogPump
from pixmill.runtime.masked_server import MaskedServer
from pixmill.runtime.masking import Masker
from pixmill.runtime.patience import Patience
from pixmill.runtime.plan import Finish, RunError, RunPlan
from pixmill.runtime.process_tree import descendants, kill_descendants, oom_kills
from pixmill.runtime.sampling import Sampler
from pixmill.runtime.server import RunOver, RunServer, ServerLost, ServerRefused

_FIRST_BEAT_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 0.25
_TERM_GRACE_SECONDS: Final = 2.0
_CONTAINER_GRACE_SECONDS: Final = 4.0
_KILL_SECONDS: Final = 2.5
_EXIT_GRACE_SECONDS: Final = 15.0
"""What a child gets for its own end after it has said its last word."""
_LOG_END_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a Run is placed on this machine."""

    environment: Environment
    scratch: Path
    """A folder of this Run alone; emptied at the end."""
    sandbox: str = "auto"
    """The policy: auto, or a tier that must work."""
    cgroups: bool = True
    """Whether cgroups are to be used where they can be."""
    image: PlacedImage | None = None
    """The container image that the Processing is; None: it is a file, and runs in the environment."""


@dataclass(slots=True)
class _Watch:
    """Why the child is to be stopped, as the threads find out."""

    cancel: Event
    killed_for: RunError | None = None
    limit: str | None = None
    """Which limit that was, if it was one."""


def supervise(server: RunServer, placement: Placement, *, cancel: Event) -> bool:
    """Run to the end. True: the end was reported; False: the Run is not ours any more, and nothing was said.

    `cancel` may be set from outside, to stop the child and report that.
    """
    plan, image = server.plan(), placement.image
    masker = Masker(plan.secrets)
    server = MaskedServer(server, masker)
    try:
        tier = choose_tier(placement.sandbox) if image is None else Tier.CONTAINER
        room = furnish(server, plan, placement.environment, placement.scratch, with_source=image is None)
    except (EnvironmentFailed, ProcessingError, ServerRefused, OSError) as error:
        server.append_log(0, f"{error}\n".encode())
        why = RunError(type(error).__name__, str(error))
        server.finish(Finish(None, None, ledger_complete=False, returned=False, error=why))
        return True
    others = frozenset(descendants(os.getpid()))
    threads, kills = max(1, math.ceil(plan.limits.cpus)), oom_kills()
    limits = Limits(plan.limits.cpus, plan.limits.memory_bytes, plan.limits.processes, plan.limits.scratch_bytes)
    cgroup = _limited_cgroup(limits) if placement.cgroups and image is None else None
    holding = held_by(limits, tier, cgroup=cgroup.controllers if cgroup else (), is_root=os.getuid() == 0)
    if image is None:
        child = start_child(room, tier, threads=threads, cgroup=cgroup)
    else:
        child = start_container(image, room, plan, limits)
    guard = Guard(child.process.pid, room.scratch, limits, holding, cgroup)
    pump = LogPump(child.log, server, masker)
    feeder = Feeder(server, child.writer, plan.processing.reads_annotations)
    account = Account(
        server, child.reader, feeder, pump, plan.totals.assets, lambda: _say_started(server, room, tier, child, guard)
    )
    child.writer.send(setup_of(plan, room, tier, threads, holding, image, mark=pump.marks.word))
    watch = _Watch(cancel)
    try:
        with ThreadPoolExecutor(max_workers=8, thread_name_prefix="run") as threads_pool:
            return _Supervision(
                server, plan, tier, child, account, guard, watch, threads_pool, others, kills, Patience(plan.limits)
            ).run()
    finally:
        kill_descendants(os.getpid(), but=others, within_seconds=_KILL_SECONDS)
        if cgroup is not None:
            cgroup.remove()
        shutil.rmtree(placement.scratch, ignore_errors=True)


def _limited_cgroup(limits: Limits) -> Cgroup | None:
    cgroup = make_cgroup()
    if cgroup is not None:
        cgroup.limit(limits)
    return cgroup


@dataclass(slots=True)
class _Supervision:
    server: RunServer
    plan: RunPlan
    tier: Tier
    child: ChildProcess
    account: Account
    guard: Guard
    watch: _Watch
    pool: ThreadPoolExecutor
    others: frozenset[int]
    """Processes below this one that are not the Run's."""
    oom_kills: int
    """How often the kernel had ended a process for memory before the child began."""
    patience: Patience
    _over: Event = field(default_factory=Event)

    def run(self) -> bool:
        account, pump = self.account, self.account.pump
        reading, pushing = self.pool.submit(pump.read), self.pool.submit(pump.push)
        listening, feeding = self.pool.submit(account.listen), self.pool.submit(account.feeder.run)
        beating = self.pool.submit(self._beat)
        self.pool.submit(self.guard.watch_scratch, self._over)
        try:
            self._wait_for_child([reading, pushing, listening, feeding, beating])
            self.guard.look_at_the_end()
            self._note_excess()
            self._stop_child()
            self._settle(listening)
            account.feeder.wishes.put(None)
            self._drain(reading)
            self._settle(pushing)
            told = self._finish()
            # What was said when the log had ended already.
            pump.push()
            # The heartbeat goes on meanwhile: the answer comes after the commit, which may take minutes.
            self.server.finish(told)
        except (RunOver, ServerLost):
            return False
        finally:
            self._over.set()
            self._stop_child()
            account.feeder.wishes.put(None)
            pump.end()
        return True

    def _wait_for_child(self, working: "list[Future[None]]") -> None:
        """Until the child is gone, or has to go."""
        descriptor = os.pidfd_open(self.child.process.pid)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        said_last_word = math.inf
        try:
            while not poll.poll(self.guard.look() * 1000):
                for thread in working:
                    self._settle(thread, at_once=True)
                self._note_excess()
                self._note_time()
                if self.account.ended is not None:
                    said_last_word = min(said_last_word, time.monotonic())
                if self.watch.cancel.is_set() or self.watch.killed_for is not None:
                    return
                if time.monotonic() - said_last_word > _EXIT_GRACE_SECONDS:
                    return
        finally:
            os.close(descriptor)

    def _settle(self, thread: "Future[None]", *, at_once: bool = False) -> None:
        """What went wrong in a thread ends the Run: silently where it is not ours any more, else with the reason."""
        if at_once and not thread.done():
            return
        error = thread.exception()
        if isinstance(error, (RunOver, ServerLost)):
            raise error
        if isinstance(error, (PixmillError, msgspec.DecodeError)):
            self.watch.killed_for = RunError(type(error).__name__, str(error))
        elif error is not None:
            raise error

    def _stop_child(self) -> None:
        """Gone within five seconds, with all below it, whatever it does about it."""
        process = self.child.process
        if self.watch.killed_for is not None and self.guard.cgroup is not None:
            self.guard.cgroup.kill()
        if process.poll() is None:
            # A client of containers is asked in any case: it takes its container along.
            in_container = self.tier is Tier.CONTAINER
            if self.watch.killed_for is None or in_container:
                self.child.ask_to_end(self.tier)
                _wait(process.pid, _CONTAINER_GRACE_SECONDS if in_container else _TERM_GRACE_SECONDS)
            if process.poll() is None:
                process.kill()
        process.wait()
        kill_descendants(os.getpid(), but=self.others, within_seconds=_KILL_SECONDS)

    def _drain(self, reading: "Future[None]") -> None:
        until = time.monotonic() + _LOG_END_SECONDS
        while not reading.done() and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS / 10)
        if not reading.done():
            self.account.pump.end()

    def _beat(self) -> None:
        account, sampler = self.account, Sampler(self.child.process.pid)
        # The first one soon, so that of a short Run something is known too.
        wait_seconds = min(_FIRST_BEAT_SECONDS, self.plan.heartbeat_seconds)
        while not self._over.wait(wait_seconds):
            wait_seconds = self.plan.heartbeat_seconds
            sample = sampler.take(log_lag_bytes=account.pump.lag_bytes())
            if self.server.heartbeat(account.progress, account.images_per_second(), account.facts, sample):
                self.watch.cancel.set()

    def _note_excess(self) -> None:
        excess = self.guard.excess
        if excess is not None and self.watch.killed_for is None:
            self.account.say(excess.kind, excess.error.message, **excess.facts)
            self.watch.killed_for, self.watch.limit = excess.error, excess.limit

    def _note_time(self) -> None:
        """A child that has said its last word only ends, and a grace of its own is for that."""
        account = self.account
        exceeded = self.patience.exceeded(
            account.progress,
            is_running=account.has_begun and account.ended is None,
            is_server_slow=self.server.is_slow(),
        )
        if exceeded is not None and self.watch.killed_for is None:
            account.say("timed-out", f"Time is up: {exceeded.message}.")
            self.watch.killed_for, self.watch.limit = exceeded, "time"

    def _finish(self) -> Finish:
        exit_code, signal = self.child.how_it_ended(self.tier)
        ended = self.account.ended
        error = self.watch.killed_for
        if error is None and ended is not None and ended.error is not None:
            error = RunError(ended.error.type, ended.error.message, ended.error.traceback)
        if error is None and ended is None and not self.watch.cancel.is_set():
            error = _unexplained(exit_code, signal, by_kernel=oom_kills() > self.oom_kills)
        return Finish(
            exit_code=exit_code,
            signal=signal,
            ledger_complete=self.account.is_complete,
            returned=ended is not None and ended.returned,
            error=error,
            limit=self.watch.limit,
        )


def _say_started(server: RunServer, room: Room, tier: Tier, child: ChildProcess, guard: Guard) -> None:
    kept_from = walls(tier, network=room.network, landlock=landlock_version() if tier is Tier.LANDLOCK else 0)
    server.started(child.innermost_pid(), {"tier": tier.value, "walls": kept_from, "limits": guard.held_by})


def _unexplained(exit_code: int | None, signal: int | None, *, by_kernel: bool) -> RunError:
    if signal is not None:
        return RunError("ProcessKilled", killed_message(signal, by_kernel=by_kernel))
    return RunError("ProcessExited", f"The process ended with exit code {exit_code} before its work was done.")


def killed_message(signal: int, *, by_kernel: bool) -> str:
    """`by_kernel`: it has ended processes of this machine for memory while the child ran."""
    if signal != SIGKILL:
        return f"its process was ended by signal {signal} ({strsignal(signal)})"
    if by_kernel:
        return "its process was killed by the kernel: the machine's memory had run out"
    return "its process was killed (signal 9), by nobody of Pixmill; the kernel does that when memory runs out"


def _wait(pid: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(_LOOK_SECONDS / 10)
