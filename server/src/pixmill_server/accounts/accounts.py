"""What accounts need, built once in wiring."""

from dataclasses import dataclass

from pixmill_server.db.engine import Database
from pixmill_server.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class Accounts:
    """The database they lie in, and the time."""

    database: Database
    clock: Clock
