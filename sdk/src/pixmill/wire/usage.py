"""Usage in JSON: what Runs took and cost."""

from pixmill.wire.base import WireModel


class UsageLine(WireModel):
    """The Runs of one Processing, Dataset or month together."""

    name: str
    """Of a month: 2026-11, in UTC."""
    runs: int
    seconds: float
    """Of running time; what waits costs nothing."""
    cost: float
    """In the currency of the Computes' prices."""


class Usage(WireModel):
    """All Runs that were placed, added up in four ways; one that is running counts up to now."""

    total: UsageLine
    by_processing: list[UsageLine]
    by_dataset: list[UsageLine]
    by_month: list[UsageLine]
