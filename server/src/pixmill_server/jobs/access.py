"""What every use case of this package is given."""

from dataclasses import dataclass

from pixmill_server.datasets.stores import Datasets
from pixmill_server.db.engine import Database
from pixmill_server.jobs.logs import Logs
from pixmill_server.kernel.clock import Clock
from pixmill_server.storage.objects import Objects


@dataclass(frozen=True, slots=True)
class Jobs:
    """Built once, in wiring."""

    database: Database
    datasets: Datasets
    objects: Objects
    logs: Logs
    clock: Clock
