"""What was used: when each Processing and ModelVersion was last launched, and what Runs took and cost."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pixmill_server.datasets.tables import DatasetRow, VersionRow
from pixmill_server.jobs.tables import JobRow, RunRow
from pixmill_server.processings.tables import ProcessingRow

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class MeteredRun:
    """A Run that has been placed, with what it belongs to. One that is still running counts up to now."""

    processing: str
    dataset: str
    month: str
    """Of its start, in UTC: 2026-11."""
    seconds: float
    cost: float
    """In the currency of the Computes' prices."""


@dataclass(frozen=True, slots=True)
class UsageLine:
    """The Runs of one Processing, Dataset or month together."""

    name: str
    runs: int
    seconds: float
    cost: float


@dataclass(frozen=True, slots=True)
class Usage:
    """The same Runs, added up in four ways."""

    total: UsageLine
    by_processing: tuple[UsageLine, ...]
    """Most time first, as by_dataset."""
    by_dataset: tuple[UsageLine, ...]
    by_month: tuple[UsageLine, ...]
    """Newest first."""


def last_used(session: Session, organization_id: str) -> dict[str, datetime]:
    """When each Processing was last launched, by its id; one that never was is not in it."""
    rows = session.execute(
        select(JobRow.processing_id, func.max(JobRow.created_at))
        .where(JobRow.organization_id == organization_id)
        .group_by(JobRow.processing_id)
    )
    return {row[0]: row[1] for row in rows}


def usage(session: Session, organization_id: str, *, now: datetime) -> Usage:
    """All metered Runs of an Organization, added up."""
    runs = list(_metered(session, organization_id, now))
    by_month = sorted(_grouped(runs, lambda run: run.month), key=lambda line: line.name, reverse=True)
    return Usage(
        total=_line("all", runs),
        by_processing=_most_first(_grouped(runs, lambda run: run.processing)),
        by_dataset=_most_first(_grouped(runs, lambda run: run.dataset)),
        by_month=tuple(by_month),
    )


def _metered(session: Session, organization_id: str, now: datetime) -> Iterable[MeteredRun]:
    # Columns alone: a Run's row carries much that is not needed here, and there may be many.
    found = session.execute(
        select(RunRow.started_at, RunRow.ended_at, RunRow.price_per_hour, ProcessingRow.name, DatasetRow.name)
        .join(JobRow, JobRow.id == RunRow.job_id)
        .join(ProcessingRow, ProcessingRow.id == JobRow.processing_id)
        .join(VersionRow, VersionRow.id == JobRow.version_id)
        .join(DatasetRow, DatasetRow.id == VersionRow.dataset_id)
        .where(JobRow.organization_id == organization_id)
    )
    for started_at, ended_at, price, processing, dataset in found:
        if started_at is not None:
            seconds = max(((ended_at or now) - started_at).total_seconds(), 0.0)
            yield MeteredRun(processing, dataset, f"{started_at:%Y-%m}", seconds, seconds / _SECONDS_PER_HOUR * price)


def _grouped(runs: Iterable[MeteredRun], key: Callable[[MeteredRun], str]) -> list[UsageLine]:
    groups: dict[str, list[MeteredRun]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return [_line(name, members) for name, members in groups.items()]


def _line(name: str, runs: list[MeteredRun]) -> UsageLine:
    return UsageLine(name, len(runs), sum(run.seconds for run in runs), sum(run.cost for run in runs))


def _most_first(lines: list[UsageLine]) -> tuple[UsageLine, ...]:
    return tuple(sorted(lines, key=lambda line: (-line.seconds, line.name)))
