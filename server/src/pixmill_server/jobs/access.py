"""What every use case of this package is given."""

from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakValueDictionary

from pixmill_server.datasets.stores import Datasets
from pixmill_server.db.engine import Database
from pixmill_server.jobs.logs import Logs
from pixmill_server.jobs.timeouts import Given
from pixmill_server.kernel.clock import Clock
from pixmill_server.storage.objects import Objects


class RunLocks:
    """A lock for each Run, kept for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._one_at_a_time = Lock()
        self._locks: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    def of(self, run_id: str) -> Lock:
        with self._one_at_a_time:
            return self._locks.setdefault(run_id, Lock())


@dataclass(frozen=True, slots=True)
class Jobs:
    """Built once, in wiring."""

    database: Database
    datasets: Datasets
    objects: Objects
    logs: Logs
    clock: Clock
    timeouts: Given = field(default_factory=dict)
    """What Runs are held to where neither their launch nor their Compute says otherwise."""
    finishing: RunLocks = field(default_factory=RunLocks)
    """Held while the end of a Run is decided and committed."""
