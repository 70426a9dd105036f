"""How long a Run may take for each part of its life, and which time is up. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pixmill.parameters.timeouts import time_text

SUPERVISOR_GRACE = timedelta(seconds=20)
"""What a supervisor gets to end a child whose time is up, before the server ends the Run without it."""


class Timeout(StrEnum):
    """A part of a Run's life that may have a limit."""

    QUEUE = "queue"
    """From launch until a worker claims it."""
    START = "start"
    """From there until the child's first sign of life: its environment may have to be built."""
    RUNNING = "running"
    """From there to the end of the child; the commit does not count."""
    PROGRESS = "progress"
    """Without an asset done, failed or skipped while the child runs."""

    def exceeded(self, seconds: float) -> str:
        """What is said of a Run whose time is up."""
        return _SAID[self].format(time_text(seconds))


_SAID = {
    Timeout.QUEUE: "it waited in the queue for more than {}",
    Timeout.START: "it did not start within {}",
    Timeout.RUNNING: "it ran for more than {}",
    Timeout.PROGRESS: "nothing of it was done for {}",
}

Given = Mapping[str, float | None]
"""Seconds by `Timeout`; None: no limit; what is not named is as wider settings say."""


@dataclass(frozen=True, slots=True)
class Times:
    """When the parts of a Run's life began; None: not yet."""

    created_at: datetime
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    progressed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a Run is ended, and why."""

    at: datetime
    timeout: Timeout
    seconds: float


def merged(*given: Given) -> dict[str, float]:
    """The limits that hold; what is named first goes first: the launch, its Compute, the server's settings."""
    held: dict[str, float | None] = {}
    for each in given:
        held = {**each, **held}
    return {name: seconds for name, seconds in held.items() if seconds is not None}


def next_deadline(limits: Mapping[str, float], times: Times) -> Deadline | None:
    """The time that is up first; None where nothing limits this part of the Run's life."""
    began: dict[Timeout, datetime]
    if times.started_at is not None:
        began = {
            Timeout.RUNNING: times.started_at + SUPERVISOR_GRACE,
            Timeout.PROGRESS: (times.progressed_at or times.started_at) + SUPERVISOR_GRACE,
        }
    elif times.claimed_at is not None:
        began = {Timeout.START: times.claimed_at}
    else:
        began = {Timeout.QUEUE: times.created_at}
    found = [
        Deadline(since + timedelta(seconds=limits[timeout]), timeout, limits[timeout])
        for timeout, since in began.items()
        if timeout in limits
    ]
    return min(found, key=lambda deadline: deadline.at, default=None)
