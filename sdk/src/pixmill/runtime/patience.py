"""How long a child may run, and for how long it may show no progress, as its supervisor holds it to it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pixmill.parameters.timeouts import time_text
from pixmill.runtime.plan import PlannedLimits, Progress, RunError


@dataclass(slots=True)
class Patience:
    """Looked at now and then, in seconds of a clock that never jumps."""

    limits: PlannedLimits
    clock: Callable[[], float] = time.monotonic
    _began: float | None = None
    _progressed: float = 0.0
    _looked: float = 0.0
    _counted: int = field(default=0)

    def exceeded(self, progress: Progress, *, is_running: bool, is_server_slow: bool) -> RunError | None:
        """Why the child's time is up; None: it is not. It begins when the child is first seen running.

        While the server is waited for, the child is not held to progress.
        """
        if not is_running:
            return None
        now, counted = self.clock(), progress.done + progress.failed + progress.skipped
        if self._began is None:
            self._began = self._progressed = self._looked = now
        if counted != self._counted:
            self._counted, self._progressed = counted, now
        elif is_server_slow:
            self._progressed += now - self._looked
        self._looked = now
        allowed = self.limits.running_seconds
        if allowed is not None and now - self._began > allowed:
            return RunError("TimedOut", f"it ran for more than {time_text(allowed)}")
        allowed = self.limits.progress_seconds
        if allowed is not None and now - self._progressed > allowed:
            return RunError("TimedOut", f"nothing of it was done for {time_text(allowed)}")
        return None
