"""What a Run wrote, as its page shows it: shapes by Label before and after, their scores, and where to look at them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pixmill_server.datasets.facets import SCORE_BINS
from pixmill_server.datasets.filter_text import text_of
from pixmill_server.datasets.filters import AssetFilter
from pixmill_server.datasets.run_effects import LabelEffect, RunEffect
from pixmill_server.web.phrases import count_of

COLUMN_WIDE: Final = 10.0
COLUMNS_HIGH: Final = 60.0
_LEAST_HIGH: Final = 1.0
"""What is not nothing is seen."""


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One Label, or all of them together."""

    name: str
    color: str
    """`#rrggbb`; empty for all together."""
    before: int
    replaced: int
    added: int
    after: int
    href: str
    """The grid with what the Run wrote of it; empty where it wrote nothing."""
    kept_width: float
    """Of its bar, 0 to 100: of the shapes after, those that were there before ..."""
    added_width: float
    """... and those that the Run added, right of them."""


@dataclass(frozen=True, slots=True)
class ScoreColumn:
    """One bin of the scores, in the coordinates of its drawing (`COLUMN_WIDE` each, `COLUMNS_HIGH` high)."""

    x: float
    height: float
    count: int
    title: str
    href: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """What is shown of one commit of a Run."""

    lines: Sequence[ResultLine]
    total: ResultLine
    columns: Sequence[ScoreColumn]
    """Empty where no shape that was added has a score."""
    without_score: int
    href: str
    """The grid with everything that the Run wrote."""
    compare_href: str


def run_result(effect: RunEffect, *, version_href: str, number: int, run_id: str) -> RunResult:
    """The links lead to the newest Revision: what was edited since looks as it does now."""
    most = max((max(label.before, label.after) for label in effect.labels), default=0) or 1
    lines = [_line(label, most, f"{version_href}?{_query(run_id, label.label.name)}") for label in effect.labels]
    everything = f"{version_href}?{_query(run_id)}"
    return RunResult(
        lines=lines,
        total=ResultLine(
            name="All Labels",
            color="",
            before=sum(line.before for line in lines),
            replaced=sum(line.replaced for line in lines),
            added=sum(line.added for line in lines),
            after=sum(line.after for line in lines),
            href=everything,
            kept_width=0.0,
            added_width=0.0,
        ),
        columns=_columns(effect.scores, version_href, run_id),
        without_score=effect.without_score,
        href=everything,
        compare_href=f"{version_href}/compare?after=@{number}" if number > 1 else "",
    )


def _line(effect: LabelEffect, most: int, href: str) -> ResultLine:
    return ResultLine(
        name=effect.label.name,
        color=effect.label.color,
        before=effect.before,
        replaced=effect.replaced,
        added=effect.added,
        after=effect.after,
        href=href if effect.added else "",
        kept_width=100.0 * effect.kept / most,
        added_width=100.0 * effect.added / most,
    )


def _columns(scores: Sequence[int], version_href: str, run_id: str) -> list[ScoreColumn]:
    most = max(scores)
    if not most:
        return []
    columns = []
    for place, count in enumerate(scores):
        least, end = place / SCORE_BINS, (place + 1) / SCORE_BINS
        height = max(COLUMNS_HIGH * count / most, _LEAST_HIGH) if count else 0.0
        shapes = f"{count_of(count)} shape{'' if count == 1 else 's'}"
        href = f"{version_href}?{text_of(AssetFilter(run_id=run_id, min_score=least, max_score=end))}" if count else ""
        columns.append(
            ScoreColumn(place * COLUMN_WIDE, height, count, f"Score {least:.2f} to {end:.2f}: {shapes}", href)
        )
    return columns


def _query(run_id: str, label: str = "") -> str:
    return text_of(AssetFilter(run_id=run_id, labels=(label,) if label else ()))
