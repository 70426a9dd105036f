"""A filter and its order as the query of an address (`label=person&min_score=0.5`), and in words.

The same text stands in the address of the Assets grid and its viewer, in a Job's scope, on the command line, and after
`GET /api/v1/versions/{id}/assets`.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from pixmill.annotations import Review, Source
from pixmill.errors import InvalidInput
from pixmill_server.datasets.filters import AssetFilter
from pixmill_server.datasets.orders import Order

Choice = TypeVar("Choice", bound=StrEnum)
SORT: Final = "sort"
NAMES: Final = frozenset(
    {
        "name",
        "label",
        "tag",
        "annotated",
        "source",
        "review",
        "processing",
        "run_id",
        "min_score",
        "max_score",
        "selection",
    }
)
_HINT: Final = f"What can be said: {', '.join(sorted(NAMES))}."


def filter_of_text(text: str) -> AssetFilter:
    """The filter that a query says, with or without its `?`. Raises `InvalidInput` for what is not understood."""
    return filter_of_pairs(pair for pair in parse_qsl(text.removeprefix("?"), keep_blank_values=True))


def filter_of_pairs(pairs: Iterable[tuple[str, str]]) -> AssetFilter:
    """As `filter_of_text`, of names and values; names may come again, and empty values say nothing."""
    said: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in NAMES:
            raise InvalidInput(f"'{name}' is nothing that a filter of assets knows.", hint=_HINT, field="filter")
        if value.strip():
            said.setdefault(name, []).append(value.strip())
    return AssetFilter(
        name_contains=_last(said, "name"),
        labels=_distinct(said, "label"),
        tags=_distinct(said, "tag"),
        annotated=_yes_or_no(_last(said, "annotated")),
        sources=tuple(_choice("source", Source, value) for value in _distinct(said, "source")),
        reviews=tuple(_choice("review", Review, value) for value in _distinct(said, "review")),
        processings=_distinct(said, "processing"),
        run_id=_last(said, "run_id"),
        min_score=_score("min_score", _last(said, "min_score")),
        max_score=_score("max_score", _last(said, "max_score")),
        selection=_last(said, "selection"),
    )


def order_of(text: str) -> Order:
    """The order that a word says; empty: by path. Raises `InvalidInput`."""
    return _choice(SORT, Order, text) if text else Order.PATH


def pairs_of(where: AssetFilter) -> list[tuple[str, str]]:
    """The inverse of `filter_of_pairs`, always in the same sequence. `ids` and `paths` have no text."""
    listed: list[tuple[str, Iterable[str]]] = [
        ("name", [where.name_contains]),
        ("label", where.labels),
        ("tag", where.tags),
        ("annotated", [] if where.annotated is None else [str(where.annotated).lower()]),
        ("source", where.sources),
        ("review", where.reviews),
        ("processing", where.processings),
        ("run_id", [where.run_id]),
        ("min_score", [] if where.min_score is None else [f"{where.min_score:g}"]),
        ("max_score", [] if where.max_score is None else [f"{where.max_score:g}"]),
        ("selection", [where.selection]),
    ]
    return [(name, str(value)) for name, values in listed for value in values if value]


def text_of(where: AssetFilter, order: Order = Order.PATH) -> str:
    """The query, without its `?`; empty where nothing is said."""
    sort = [] if order is Order.PATH else [(SORT, str(order))]
    return urlencode(pairs_of(where) + sort)


def in_words(where: AssetFilter) -> str:
    """For a person, as in "with a shape of Label person, scored 0.5 or more"; empty where nothing is said."""
    said = ["in the selection"] if where.selection else []
    if where.name_contains:
        said.append(f"with '{where.name_contains}' in the path")
    said += [f"with tag '{tag}'" for tag in where.tags]
    about = _of_shapes(where)
    if about:
        said.append(f"{'without' if where.annotated is False else 'with'} a shape {', '.join(about)}")
    elif where.annotated is not None:
        said.append("with annotations" if where.annotated else "without annotations")
    return ", ".join(said)


_SOURCES: Final[Mapping[Source, str]] = {Source.HUMAN: "a human", Source.IMPORT: "an import", Source.RUN: "a Run"}


def _of_shapes(where: AssetFilter) -> list[str]:
    said = [
        ("of Label {}", _or(f"'{label}'" for label in where.labels)),
        ("from {}", _or(_SOURCES[source] for source in where.sources)),
        ("by {}", _or(where.processings)),
        ("by Run {}", where.run_id),
        ("that is {}", _or(where.reviews)),
        ("scored {} or more", "" if where.min_score is None else f"{where.min_score:g}"),
        ("scored {} or less", "" if where.max_score is None else f"{where.max_score:g}"),
    ]
    return [words.format(value) for words, value in said if value]


def _or(values: Iterable[str]) -> str:
    return " or ".join(map(str, values))


def _last(said: Mapping[str, list[str]], name: str) -> str:
    return said.get(name, [""])[-1]


def _distinct(said: Mapping[str, list[str]], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said.get(name, [])))


def _yes_or_no(text: str) -> bool | None:
    if text in ("", "true", "false"):
        return None if not text else text == "true"
    raise _refused("annotated", text, "true or false")


def _choice(name: str, kind: type[Choice], text: str) -> Choice:
    try:
        return kind(text)
    except ValueError as error:
        raise _refused(name, text, ", ".join(kind)) from error


def _score(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise _refused(name, text, "a number from 0 to 1") from error
    if not 0 <= number <= 1:
        raise _refused(name, text, "a number from 0 to 1")
    return number


def _refused(name: str, text: str, expected: str) -> InvalidInput:
    return InvalidInput(f"'{name}' cannot be '{text}'.", hint=f"Give {expected}.", field=name)
