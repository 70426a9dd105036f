"""What a Run took over time, as lines to be drawn: CPUs, memory, images per second. Values, no I/O."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10
from typing import Final

from pixmill_server.jobs.metrics import Point, RunMetrics, halved
from pixmill_server.web.phrases import duration, size

WIDE: Final = 100.0
HIGH: Final = 40.0
"""A drawing's own coordinates; it is stretched to the room that it has."""
MOST_ROWS: Final = 40
"""Of the table that says the same."""
_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_FULL: Final = 0.9
"""Of the height that the greatest value may take: the rest is for what is written there."""
_LATE_INTERVALS: Final = 3
_MEBI: Final = 1 << 20
_DECIMALS_BELOW: Final = 10.0


@dataclass(frozen=True, slots=True)
class RunChart:
    """One quantity over the time of a Run."""

    name: str
    now: str
    """The newest value."""
    peak: str
    sentence: str
    """What the drawing shows, for who does not see it."""
    top: str
    """The value at the upper edge."""
    line: str
    """An SVG path; broken where nothing was sampled."""
    area: str
    """What is below the line, as a path."""
    values: str
    """Of each interval as a person reads it, separated by `|`; empty where nothing was sampled."""


@dataclass(frozen=True, slots=True)
class RunCharts:
    """All of a Run's."""

    charts: Sequence[RunChart]
    begins: str
    ends: str
    """The edges of the time axis."""
    interval_seconds: float
    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    """The same as a table: when, and the value of each chart."""


def run_charts(metrics: RunMetrics) -> RunCharts | None:
    """None where nothing was sampled. What was zero all the time (images/s of a whole-version Run) is left out."""
    points = metrics.points
    if not any(point.samples for point in points):
        return None
    kinds = [kind for kind in _KINDS if kind.name == "CPUs" or any(map(kind.value, points))]
    rows, seconds = list(points), metrics.interval_seconds
    while len(rows) > MOST_ROWS:
        rows, seconds = halved(rows), seconds * 2
    peaks = {"CPUs": metrics.peak_cpus, "Memory": float(metrics.peak_memory_bytes)}
    return RunCharts(
        charts=[_chart(kind, _bridged(points), peaks.get(kind.name)) for kind in kinds],
        begins="0 s",
        ends=duration(len(points) * metrics.interval_seconds),
        interval_seconds=metrics.interval_seconds,
        names=[kind.name for kind in kinds],
        rows=[
            (duration(place * seconds), [kind.text(kind.value(point)) for kind in kinds])
            for place, point in enumerate(rows)
            if point.samples
        ],
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    value: Callable[[Point], float]
    text: Callable[[float], str]
    unit: float = 1.0
    """The axis ends at a round number of these."""


def _number(value: float) -> str:
    return f"{value:.1f}" if value < _DECIMALS_BELOW else f"{value:.0f}"


_KINDS: Final = (
    _Kind("CPUs", lambda point: point.cpus, lambda value: f"{value:.2f}"),
    _Kind("Memory", lambda point: point.memory_bytes, lambda value: size(int(value)), unit=_MEBI),
    _Kind("Images/s", lambda point: point.images_per_second, _number),
)


def _chart(kind: _Kind, points: Sequence[Point], peak: float | None) -> RunChart:
    known = [kind.value(point) for point in points if point.samples]
    most = max(known) if peak is None else max(peak, *known)
    top = _round_top(max(known) / kind.unit / _FULL) * kind.unit
    spans = _spans(points)
    lines = [
        _corners([kind.value(point) for point in points[first:last]], first, len(points), top) for first, last in spans
    ]
    texts = [kind.text(kind.value(point)) if point.samples else "" for point in points]
    return RunChart(
        name=kind.name,
        now=kind.text(known[-1]),
        peak=kind.text(most),
        sentence=f"{kind.name} over time: at first {kind.text(known[0])}, at last {kind.text(known[-1])}, "
        f"at most {kind.text(most)}",
        top=kind.text(top),
        line=" ".join(f"M{' L'.join(corners)}" for corners in lines),
        area=" ".join(_closed(corners) for corners in lines),
        values="|".join(texts),
    )


def _round_top(most: float) -> float:
    """The next 1, 2 or 5 times a power of ten; 1 for nothing."""
    if most <= 0:
        return 1.0
    power = 10.0 ** int(log10(most) // 1)
    return next(step * power for step in _STEPS if step * power >= most)


def _spans(points: Sequence[Point]) -> list[tuple[int, int]]:
    """The intervals that were sampled without a gap: first, and after the last."""
    found: list[tuple[int, int]] = []
    for place in range(len(points)):
        if points[place].samples:
            if found and found[-1][1] == place:
                found[-1] = (found[-1][0], place + 1)
            else:
                found.append((place, place + 1))
    return found


def _bridged(points: Sequence[Point]) -> list[Point]:
    """A sample that came late leaves its interval empty: it is taken to be as the one before. A long gap stays."""
    bridged = list(points)
    for (_, gap), (end, _) in pairwise(_spans(points)):
        if end - gap <= _LATE_INTERVALS:
            bridged[gap:end] = [bridged[gap - 1]] * (end - gap)
    return bridged


def _corners(values: Sequence[float], first: int, intervals: int, top: float) -> list[str]:
    """Through the middle of each interval, and level to the edges of the span."""
    wide = WIDE / intervals
    places = [(first + place + 0.5) * wide for place in range(len(values))]
    places = [first * wide, *places, (first + len(values)) * wide]
    return [
        f"{x:.2f},{HIGH - HIGH * value / top:.2f}"
        for x, value in zip(places, [values[0], *values, values[-1]], strict=True)
    ]


def _closed(corners: Sequence[str]) -> str:
    begin, end = (corner.partition(",")[0] for corner in (corners[0], corners[-1]))
    return f"M{begin},{HIGH:g} L{' L'.join(corners)} L{end},{HIGH:g} Z"
