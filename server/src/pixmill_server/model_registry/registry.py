"""What the registry needs, built once in wiring."""

from dataclasses import dataclass

from pixmill_server.db.engine import Database
from pixmill_server.kernel.clock import Clock
from pixmill_server.model_registry.hub import Hub
from pixmill_server.storage.objects import Objects


@dataclass(frozen=True, slots=True)
class ModelRegistry:
    """Where rows and bytes lie, the time, and the signed-off list."""

    database: Database
    objects: Objects
    clock: Clock
    hub: Hub
