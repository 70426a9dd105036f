"""Computes: `local` exists from the start; what a Run gets there can be set."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isfinite

import psutil
from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill.errors import InvalidInput, NotFound
from pixmill_server.computes.tables import ComputeRow
from pixmill_server.db.engine import Database
from pixmill_server.kernel.clock import Clock
from pixmill_server.kernel.ids import new_id

LOCAL = "local"
LOCAL_PROCESSES = 1024
LOCAL_SCRATCH_BYTES = 20 << 30
LEAST_PROCESSES = 32
"""What Python and its engines start by themselves on a small machine."""
LEAST_SCRATCH_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Computes:
    """What they need, built once in wiring."""

    database: Database
    clock: Clock


@dataclass(frozen=True, slots=True)
class Compute:
    """One place where Runs go."""

    id: str
    name: str
    executor: str
    cpus: float
    """For each Run."""
    memory_bytes: int
    """For each Run; 0: no limit."""
    processes: int
    """Processes and threads at once, for each Run; 0: no limit."""
    scratch_bytes: int
    """What each Run may write; 0: no limit."""
    gpus: int
    concurrency: int
    """Runs at once."""
    price_per_hour: float
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """What Runs are held to here, unless their launch says otherwise: seconds by name."""


@dataclass(frozen=True, slots=True)
class ComputeChange:
    """What to set; None leaves a thing as it is."""

    cpus: float | None = None
    memory_bytes: int | None = None
    processes: int | None = None
    scratch_bytes: int | None = None
    concurrency: int | None = None
    price_per_hour: float | None = None
    timeouts: Mapping[str, float | None] = field(default_factory=dict)
    """Those to set; None takes one away."""


def ensure_local(computes: Computes, organization_id: str) -> Compute:
    """The Compute `local` with all of this machine for one Run; left as it is where it exists."""
    with computes.database.transaction() as session:
        row = _find(session, organization_id, LOCAL)
        if row is None:
            row = ComputeRow(
                id=new_id("comp"),
                organization_id=organization_id,
                name=LOCAL,
                executor="process",
                cpus=float(available_cpus()),
                memory_bytes=psutil.virtual_memory().total,
                processes=LOCAL_PROCESSES,
                scratch_bytes=LOCAL_SCRATCH_BYTES,
                gpus=0,
                concurrency=1,
                price_per_hour=0.0,
                created_at=computes.clock.now(),
            )
            session.add(row)
        return _compute(row)


def list_computes(computes: Computes, organization_id: str) -> list[Compute]:
    """All of an Organization, by name."""
    with computes.database.reading() as session:
        rows = session.scalars(
            select(ComputeRow).where(ComputeRow.organization_id == organization_id).order_by(ComputeRow.name)
        )
        return [_compute(row) for row in rows]


def find_compute(computes: Computes, organization_id: str, name: str) -> Compute:
    """By name or id."""
    with computes.database.reading() as session:
        return compute_in(session, organization_id, name)


def compute_in(session: Session, organization_id: str, name: str) -> Compute:
    """By name or id, within somebody's transaction."""
    row = _find(session, organization_id, name)
    if row is None:
        raise NotFound("Compute", name, hint="See what there is with `pixmill computes ls`.")
    return _compute(row)


def set_compute(computes: Computes, organization_id: str, name: str, change: ComputeChange) -> Compute:
    """Set what Runs get from now on; Runs that were launched keep their price."""
    _check(change)
    with computes.database.transaction() as session:
        row = _find(session, organization_id, name)
        if row is None:
            raise NotFound("Compute", name, hint="See what there is with `pixmill computes ls`.")
        before = _compute(row)
        given = {name: value for name, value in asdict(change).items() if value is not None}
        limits = {**before.timeouts, **change.timeouts}
        given["timeouts"] = {name: seconds for name, seconds in limits.items() if seconds is not None}
        after = replace(before, **given)
        row.timeouts = dict(after.timeouts)
        row.cpus, row.memory_bytes = after.cpus, after.memory_bytes
        row.processes, row.scratch_bytes = after.processes, after.scratch_bytes
        row.concurrency, row.price_per_hour = after.concurrency, after.price_per_hour
        return after


def available_cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0))


def _check(change: ComputeChange) -> None:
    if change.cpus is not None and not (isfinite(change.cpus) and 0 < change.cpus <= available_cpus()):
        raise InvalidInput(
            f"A Run cannot have {change.cpus:g} CPUs here: this machine has {available_cpus()}.",
            hint="Give a number above 0 and up to that.",
            field="cpus",
        )
    _check_limits(change)
    if change.concurrency is not None and change.concurrency < 1:
        raise InvalidInput(
            f"{change.concurrency} Runs at once would never begin.", hint="Give 1 or more.", field="concurrency"
        )
    if change.price_per_hour is not None and not (isfinite(change.price_per_hour) and change.price_per_hour >= 0):
        raise InvalidInput(
            f"An hour cannot cost {change.price_per_hour:g}.", hint="Give 0 or more.", field="price_per_hour"
        )


def _check_limits(change: ComputeChange) -> None:
    least = 64 << 20
    if change.memory_bytes is not None and change.memory_bytes != 0 and change.memory_bytes < least:
        raise InvalidInput(
            f"A Run cannot live in {change.memory_bytes} bytes of memory.",
            hint="Give at least 64MiB, or 0 for no limit.",
            field="memory_bytes",
        )
    if change.processes is not None and change.processes != 0 and change.processes < LEAST_PROCESSES:
        raise InvalidInput(
            f"A Run cannot live with {change.processes} processes and threads.",
            hint=f"Give at least {LEAST_PROCESSES}, or 0 for no limit.",
            field="processes",
        )
    if change.scratch_bytes is not None and change.scratch_bytes != 0 and change.scratch_bytes < LEAST_SCRATCH_BYTES:
        raise InvalidInput(
            f"A Run cannot live with {change.scratch_bytes} bytes to write.",
            hint="Give at least 1MiB, or 0 for no limit.",
            field="scratch_bytes",
        )


def _find(session: Session, organization_id: str, name: str) -> ComputeRow | None:
    of_organization = select(ComputeRow).where(ComputeRow.organization_id == organization_id)
    return session.scalars(of_organization.where((ComputeRow.name == name) | (ComputeRow.id == name))).first()


def _compute(row: ComputeRow) -> Compute:
    return Compute(
        row.id,
        row.name,
        row.executor,
        row.cpus,
        row.memory_bytes,
        row.processes,
        row.scratch_bytes,
        row.gpus,
        row.concurrency,
        row.price_per_hour,
        row.timeouts,
    )
