"""Executors with one defect each, for tests of whoever uses executors."""

import time
from dataclasses import dataclass, field

from pixmill_server.executors.contract import Executor, Exited, Handle, LaunchSpec, Running, State, Vanished


@dataclass(slots=True)
class SlowExecutor:
    """Works, but takes its time to start anything."""

    inner: Executor
    seconds: float

    def launch(self, spec: LaunchSpec) -> Handle:
        time.sleep(self.seconds)
        return self.inner.launch(spec)

    def poll(self, handle: Handle) -> State:
        return self.inner.poll(handle)

    def stop(self, handle: Handle, grace_seconds: float) -> None:
        self.inner.stop(handle, grace_seconds)

    def why_unavailable(self) -> str | None:
        return self.inner.why_unavailable()


@dataclass(slots=True)
class NeverExecutor:
    """Accepts everything, starts nothing, and says that it runs."""

    stopped: set[Handle] = field(default_factory=set)

    def launch(self, spec: LaunchSpec) -> Handle:
        return Handle("never")

    def poll(self, handle: Handle) -> State:
        return Exited(0) if handle in self.stopped else Running()

    def stop(self, handle: Handle, grace_seconds: float) -> None:
        self.stopped.add(handle)

    def why_unavailable(self) -> str | None:
        return None


@dataclass(slots=True)
class CrashingExecutor:
    """Cannot start anything."""

    def launch(self, spec: LaunchSpec) -> Handle:
        raise OSError("the place is on fire")

    def poll(self, handle: Handle) -> State:
        return Vanished()

    def stop(self, handle: Handle, grace_seconds: float) -> None:
        pass

    def why_unavailable(self) -> str | None:
        return None


@dataclass(slots=True)
class DeafExecutor:
    """Starts, and never stops what it started; `inner` can."""

    inner: Executor

    def launch(self, spec: LaunchSpec) -> Handle:
        return self.inner.launch(spec)

    def poll(self, handle: Handle) -> State:
        return self.inner.poll(handle)

    def stop(self, handle: Handle, grace_seconds: float) -> None:
        pass

    def why_unavailable(self) -> str | None:
        return self.inner.why_unavailable()


@dataclass(slots=True)
class VanishingExecutor:
    """Forgets what it started."""

    inner: Executor

    def launch(self, spec: LaunchSpec) -> Handle:
        self.inner.stop(self.inner.launch(spec), 0)
        return Handle("gone")

    def poll(self, handle: Handle) -> State:
        return Vanished()

    def stop(self, handle: Handle, grace_seconds: float) -> None:
        pass

    def why_unavailable(self) -> str | None:
        return None
