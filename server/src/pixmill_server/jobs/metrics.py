"""What a Run took over time: CPUs, memory, images per second, one row a Run, of bounded size however long it goes on.

A row has at most `MOST_POINTS` points of equal length; where more are needed, each two become one, twice as long.
"""

import struct
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from pixmill_server.jobs.tables import RunMetricsRow

FIRST_INTERVAL_SECONDS = 2.0
MOST_POINTS = 360
_POINT = struct.Struct("<fffI")


@dataclass(frozen=True, slots=True)
class Sample:
    """As a supervisor took it."""

    cpus: float
    """In use, on the average since the sample before."""
    memory_bytes: int
    images_per_second: float | None
    log_lag_bytes: int
    """Written by the child and not stored yet."""


@dataclass(frozen=True, slots=True)
class Point:
    """All samples of one interval together."""

    cpus: float
    """On the average."""
    memory_bytes: float
    """At most."""
    images_per_second: float
    """On the average."""
    samples: int
    """0: none came."""


_NOTHING = Point(0.0, 0.0, 0.0, 0)


@dataclass(frozen=True, slots=True)
class RunMetrics:
    """Of one Run."""

    begins_at: datetime | None
    """None: nothing was sampled."""
    interval_seconds: float
    points: tuple[Point, ...]
    peak_cpus: float
    peak_memory_bytes: int


def note_sample(session: Session, run_id: str, sample: Sample, *, now: datetime) -> None:
    """Add a sample to a Run's metrics."""
    row = session.get(RunMetricsRow, run_id)
    if row is None:
        row = RunMetricsRow(
            run_id=run_id,
            begins_at=now,
            interval_seconds=FIRST_INTERVAL_SECONDS,
            points=b"",
            peak_cpus=0.0,
            peak_memory_bytes=0,
            log_lag_bytes=0,
        )
        session.add(row)
    points = _unpacked(row.points)
    since = max((now - row.begins_at).total_seconds(), 0.0)
    while since >= MOST_POINTS * row.interval_seconds:
        points = halved(points)
        row.interval_seconds *= 2
    place = int(since / row.interval_seconds)
    points += [_NOTHING] * (place + 1 - len(points))
    fresh = Point(sample.cpus, float(sample.memory_bytes), sample.images_per_second or 0.0, 1)
    points[place] = merged(points[place], fresh)
    row.points = b"".join(_POINT.pack(p.cpus, p.memory_bytes, p.images_per_second, p.samples) for p in points)
    row.peak_cpus = max(row.peak_cpus, sample.cpus)
    row.peak_memory_bytes = max(row.peak_memory_bytes, sample.memory_bytes)
    row.log_lag_bytes = sample.log_lag_bytes


def metrics_of(session: Session, run_id: str) -> RunMetrics:
    """What was sampled so far."""
    row = session.get(RunMetricsRow, run_id)
    if row is None:
        return RunMetrics(None, FIRST_INTERVAL_SECONDS, (), 0.0, 0)
    points = tuple(_unpacked(row.points))
    return RunMetrics(row.begins_at, row.interval_seconds, points, row.peak_cpus, row.peak_memory_bytes)


def halved(points: list[Point]) -> list[Point]:
    """Each two become one."""
    padded = [*points, _NOTHING] if len(points) % 2 else points
    return [merged(*pair) for pair in zip(padded[::2], padded[1::2], strict=True)]


def merged(one: Point, other: Point) -> Point:
    """Two points as one: averages by the number of samples, the greater memory."""
    samples = one.samples + other.samples
    if not samples:
        return _NOTHING
    cpus = (one.cpus * one.samples + other.cpus * other.samples) / samples
    images = (one.images_per_second * one.samples + other.images_per_second * other.samples) / samples
    return Point(cpus, max(one.memory_bytes, other.memory_bytes), images, samples)


def _unpacked(points: bytes) -> list[Point]:
    return [Point(*values) for values in _POINT.iter_unpack(points)]
