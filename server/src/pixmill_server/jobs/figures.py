"""What an operator watches: the queue, leases, logs, and how Runs end, read from the database at every look.

So the figures are true for all servers and workers together. Counts begin at zero with this process, as Prometheus
expects of a counter; ask one server only.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pixmill_server.db.engine import Database
from pixmill_server.jobs.lifecycle import ACTIVE, Reason, RunStatus
from pixmill_server.jobs.queue import LEASE
from pixmill_server.jobs.tables import RunMetricsRow, RunRow
from pixmill_server.kernel.clock import Clock

BUCKETS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
_OVERLAP = timedelta(minutes=1)
"""A transaction may become visible so long after the time that it wrote."""
_ENDED = [status for status in RunStatus if status.is_over]


@dataclass(slots=True)
class _News:
    """Runs that were claimed, or have ended, since the look before."""

    since: datetime
    known: set[str] = field(default_factory=set)

    def fresh(self, found: list[tuple[str, datetime]], now: datetime) -> set[str]:
        """Those that were not known; what cannot come again is forgotten."""
        fresh = {run_id for run_id, _ in found} - self.known
        self.since = max(self.since, now - _OVERLAP)
        self.known = {run_id for run_id, _ in found}
        return fresh


@dataclass(slots=True, eq=False)
class JobFigures(Collector):
    """Built once, in wiring; may be asked from any thread."""

    database: Database
    clock: Clock
    _lock: Lock = field(default_factory=Lock)
    _claimed: _News | None = None
    _ended: _News | None = None
    _latencies: Counter[float] = field(default_factory=Counter)
    """Claims by the bucket that they fall into."""
    _latency_sum: float = 0.0
    _endings: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        now = self.clock.now()
        self._claimed, self._ended = _News(now), _News(now)

    def exposition(self) -> bytes:
        """In Prometheus' text format, with what this process itself takes."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Every figure of docs/reference/metrics.md but those of the process."""
        now = self.clock.now()
        with self._lock, self.database.reading() as session:
            yield from _standing(session, now)
            self._look_at_claims(session, now)
            self._look_at_endings(session, now)
            yield self._claim_latency()
            yield from self._ends()

    def _look_at_claims(self, session: Session, now: datetime) -> None:
        news = self._claimed
        assert news is not None  # noqa: S101 - set in __post_init__
        found = session.execute(
            select(RunRow.id, RunRow.claimed_at, RunRow.created_at).where(RunRow.claimed_at > news.since)
        ).all()
        fresh = news.fresh([(row.id, row.claimed_at) for row in found], now)
        for row in found:
            if row.id in fresh:
                seconds = max((row.claimed_at - row.created_at).total_seconds(), 0.0)
                self._latencies[next((most for most in BUCKETS_SECONDS if seconds <= most), float("inf"))] += 1
                self._latency_sum += seconds

    def _look_at_endings(self, session: Session, now: datetime) -> None:
        news = self._ended
        assert news is not None  # noqa: S101 - set in __post_init__
        found = session.execute(
            select(RunRow.id, RunRow.ended_at, RunRow.status, RunRow.reason).where(RunRow.ended_at > news.since)
        ).all()
        fresh = news.fresh([(row.id, row.ended_at) for row in found], now)
        self._endings.update((row.status, row.reason or "") for row in found if row.id in fresh)

    def _claim_latency(self) -> HistogramMetricFamily:
        buckets, count = [], 0
        for most in (*BUCKETS_SECONDS, float("inf")):
            count += self._latencies[most]
            buckets.append(("+Inf" if most == float("inf") else str(most), count))
        said = "From being put into the queue until a worker claimed the Run."
        return HistogramMetricFamily("pixmill_claim_latency_seconds", said, buckets, sum_value=self._latency_sum)

    def _ends(self) -> Iterator[Metric]:
        ended = CounterMetricFamily("pixmill_runs_ended", "Runs that ended, by how.", labels=["status"])
        for status in _ENDED:
            count = sum(number for (how, _), number in self._endings.items() if how == status)
            ended.add_metric([status.value], count)
        yield ended
        by_reason: Counter[str] = Counter()
        for (_, reason), number in self._endings.items():
            by_reason[reason] += number
        reaped = "Runs ended because nobody gave a sign of life for them."
        yield CounterMetricFamily("pixmill_runs_reaped", reaped, value=by_reason[Reason.LOST])
        said = "Runs that the executor could not start."
        yield CounterMetricFamily("pixmill_executor_errors", said, value=by_reason[Reason.PLACEMENT])
        said = "Runs whose environment could not be built."
        yield CounterMetricFamily("pixmill_environment_errors", said, value=by_reason[Reason.ENVIRONMENT])


def _standing(session: Session, now: datetime) -> Iterator[Metric]:
    by_status = select(RunRow.status, func.count()).where(RunRow.status.in_(ACTIVE)).group_by(RunRow.status)
    counts = dict(session.execute(by_status).all())
    runs = GaugeMetricFamily("pixmill_runs", "Runs that wait or work.", labels=["status"])
    for status in sorted(ACTIVE):
        runs.add_metric([status.value], counts.get(status, 0))
    yield runs
    waiting = (RunRow.status == RunStatus.PENDING, RunRow.lease_owner.is_(None))
    depth, oldest = session.execute(select(func.count(), func.min(RunRow.created_at)).where(*waiting)).one()
    yield GaugeMetricFamily("pixmill_queue_depth", "Runs that no worker has claimed yet.", value=depth)
    waited = (now - oldest).total_seconds() if depth else 0.0
    yield GaugeMetricFamily("pixmill_queue_oldest_seconds", "How long the first of them has waited.", value=waited)
    held = (RunRow.status.in_(ACTIVE), RunRow.lease_expires_at.is_not(None))
    expires = session.scalar(select(func.min(RunRow.lease_expires_at)).where(*held))
    age = max((now - (expires - LEASE)).total_seconds(), 0.0) if expires else 0.0
    said = "For how long the quietest Run that works has given no sign of life."
    yield GaugeMetricFamily("pixmill_lease_age_seconds", said, value=age)
    lag = session.scalar(
        select(func.max(RunMetricsRow.log_lag_bytes))
        .join(RunRow, RunRow.id == RunMetricsRow.run_id)
        .where(RunRow.status.in_(ACTIVE))
    )
    said = "Bytes that a Run has written and the server has not stored, of the one that has most."
    yield GaugeMetricFamily("pixmill_log_lag_bytes", said, value=lag or 0)
