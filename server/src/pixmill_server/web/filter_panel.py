"""The panel beside the grid: what can be filtered by, how much there is of it, and its histograms. Values, no I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pixmill.annotations import Review, Source
from pixmill_server.datasets.facets import NONE, SCORE_BINS, Facets, Tally
from pixmill_server.datasets.filter_text import pairs_of
from pixmill_server.datasets.orders import Order
from pixmill_server.datasets.records import Label
from pixmill_server.web.grid_query import GridQuery
from pixmill_server.web.phrases import count_of

ORDERS: Final = {
    Order.PATH: "Path",
    Order.NEWEST: "Newest first",
    Order.MOST_SHAPES: "Most shapes",
    Order.FEWEST_SHAPES: "Fewest shapes",
    Order.LOWEST_SCORE: "Lowest score",
    Order.HIGHEST_SCORE: "Highest score",
}
_SOURCES: Final[dict[str, str]] = {Source.HUMAN: "Human", Source.IMPORT: "Import", Source.RUN: "Run"}
_FULL: Final = 100.0
_BARS_HIGH: Final = 44.0
_SAID: Final = {
    "name": "path has “{}”",
    "tag": "tag {}",
    "source": "from {}",
    "run_id": "Run {}",
    "min_score": "score ≥ {}",
    "max_score": "score ≤ {}",
    "selection": "the selection",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a filter can ask for."""

    value: str
    text: str
    color: str
    """`#rrggbb`; empty for what has none."""
    is_chosen: bool
    total: int
    """Assets of the whole version."""
    found: int
    """Assets of the filter."""
    whole_width: float
    """Of its bar, 0 to 100."""
    found_width: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin of the scores, in the coordinates of its drawing (`SCORE_BINS` x 10 wide, 44 high)."""

    x: float
    whole_height: float
    found_height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that the filter says, and the address without it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Panel:
    """All of it."""

    labels: Sequence[Choice]
    sources: Sequence[Choice]
    reviews: Sequence[Choice]
    processings: Sequence[Choice]
    tags: Sequence[Choice]
    scores: Sequence[Bar]
    """Empty where no shape has a score."""
    scores_sentence: str
    annotated: int
    unannotated: int
    chips: Sequence[Chip]
    orders: Sequence[tuple[str, str]]


def panel(whole: Facets, found: Facets, query: GridQuery, *, labels: Sequence[Label], here: str) -> Panel:
    """`whole` counts the version, `found` what the filter means; `here` is the path of the grid."""
    where = query.where
    colors = {label.name: label.color for label in labels}
    by_name = {label.name: whole.labels.get(label.id, NONE) for label in labels}
    found_by_name = {label.name: found.labels.get(label.id, NONE) for label in labels}
    sources = {str(source): whole.sources[source] for source in Source if source in whole.sources}
    reviews = {str(review): whole.reviews[review] for review in Review if review in whole.reviews}
    return Panel(
        labels=_choices(by_name, found_by_name, where.labels, colors=colors),
        sources=_choices(sources, found.sources, where.sources, names=_SOURCES),
        reviews=_choices(reviews, found.reviews, where.reviews, names={str(one): one.title() for one in Review}),
        processings=_choices(dict(sorted(whole.processings.items())), found.processings, where.processings),
        tags=_choices(whole.tags, found.tags, where.tags),
        scores=_bars(whole.scores, found.scores) if any(whole.scores) else (),
        scores_sentence=_scores_sentence(found),
        annotated=whole.annotated,
        unannotated=whole.assets - whole.annotated,
        chips=_chips(query, here),
        orders=[(str(order), name) for order, name in ORDERS.items()],
    )


def _choices(
    whole: Mapping[str, Tally],
    found: Mapping[str, Tally],
    chosen: Iterable[str],
    *,
    names: Mapping[str, str] | None = None,
    colors: Mapping[str, str] | None = None,
) -> list[Choice]:
    asked = set(chosen)
    # What an address asks for is shown, so that it can be taken back, also where there is none of it.
    offered = dict(whole) | {value: NONE for value in chosen if value not in whole}
    most = max((tally.assets for tally in offered.values()), default=0) or 1
    return [
        Choice(
            value=str(value),
            text=(names or {}).get(value, str(value)),
            color=(colors or {}).get(value, ""),
            is_chosen=value in asked,
            total=tally.assets,
            found=found.get(value, NONE).assets,
            whole_width=_FULL * tally.assets / most,
            found_width=_FULL * found.get(value, NONE).assets / most,
            sentence=_sentence(tally, found.get(value, NONE)),
        )
        for value, tally in offered.items()
    ]


def _sentence(whole: Tally, found: Tally) -> str:
    shapes = f" with {count_of(whole.shapes)} shapes" if whole.shapes else ""
    return f"{count_of(whole.assets)} assets{shapes}, {count_of(found.assets)} of them in the filter"


def _bars(whole: Sequence[int], found: Sequence[int]) -> list[Bar]:
    most = max(whole)
    return [
        Bar(
            x=10.0 * number,
            whole_height=_BARS_HIGH * all_of_it / most,
            found_height=_BARS_HIGH * meant / most,
            title=f"{number / SCORE_BINS:.2f} to {(number + 1) / SCORE_BINS:.2f}: {count_of(meant)} shapes",
        )
        for number, (all_of_it, meant) in enumerate(zip(whole, found, strict=True))
    ]


def _scores_sentence(found: Facets) -> str:
    parts = [
        f"{count_of(count)} from {number / SCORE_BINS:.2f} to {(number + 1) / SCORE_BINS:.2f}"
        for number, count in enumerate(found.scores)
        if count
    ]
    return f"Scores of shapes: {', '.join(parts) or 'none'}; {count_of(found.without_score)} without a score"


def _chips(query: GridQuery, here: str) -> list[Chip]:
    said = []
    for name, value in pairs_of(query.where):
        text = _SAID.get(name, "{}").format(value)
        if name == "annotated":
            text = "annotated" if value == "true" else "not annotated"
        said.append(Chip(text, query.without(here, name, value)))
    return said
