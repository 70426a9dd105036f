"""Computes: where Runs go."""

from collections.abc import Iterator

from pixmill.client.connection import Connection, items_of
from pixmill.parameters.timeouts import Timeouts
from pixmill.wire.computes import Compute, ComputePage, SetCompute


class Computes:
    """`client.computes`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Iterator[Compute]:
        """By name."""
        return items_of(self._connection.pages("/computes", ComputePage))

    def show(self, name: str) -> Compute:
        """By name or id."""
        return self._connection.ask("GET", f"/computes/{name}", Compute)

    def set(
        self,
        name: str,
        *,
        cpus: float | None = None,
        memory_bytes: int | None = None,
        processes: int | None = None,
        scratch_bytes: int | None = None,
        concurrency: int | None = None,
        price_per_hour: float | None = None,
        timeouts: Timeouts | None = None,
    ) -> Compute:
        """What Runs get and cost from now on; None leaves a thing as it is."""
        wish = SetCompute(
            cpus=cpus,
            memory_bytes=memory_bytes,
            processes=processes,
            scratch_bytes=scratch_bytes,
            concurrency=concurrency,
            price_per_hour=price_per_hour,
            timeouts=timeouts or {},
        )
        return self._connection.ask("PATCH", f"/computes/{name}", Compute, send=wish)
