"""Computes in JSON."""

from pydantic import Field

from pixmill.wire.base import WireModel, WireRequest
from pixmill.wire.timeouts import TimeoutSeconds


class Compute(WireModel):
    """One place where Runs go."""

    id: str
    name: str
    executor: str
    cpus: float
    """For each Run."""
    memory_bytes: int
    """For each Run; 0: no limit."""
    processes: int = 0
    """Processes and threads at once, for each Run; 0: no limit."""
    scratch_bytes: int = 0
    """What each Run may write; 0: no limit."""
    gpus: int
    concurrency: int
    """Runs at once."""
    timeouts: TimeoutSeconds = Field(default_factory=dict)
    """What Runs are held to here, unless their launch says otherwise."""
    price_per_hour: float


class ComputePage(WireModel):
    """Computes by name."""

    items: list[Compute]
    next_cursor: str | None = None


class SetCompute(WireRequest):
    """What to set; what is not given stays."""

    cpus: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    memory_bytes: int | None = Field(default=None, ge=0, lt=2**62)
    processes: int | None = Field(default=None, ge=0, lt=2**22)
    scratch_bytes: int | None = Field(default=None, ge=0, lt=2**62)
    concurrency: int | None = Field(default=None, ge=1, le=1000)
    timeouts: TimeoutSeconds = Field(default_factory=dict)
    """Those to set, in seconds; null takes one away."""
    price_per_hour: float | None = Field(default=None, ge=0, allow_inf_nan=False)
