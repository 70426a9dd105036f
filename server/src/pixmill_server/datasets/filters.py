"""Which assets of a Revision are meant: by name, by what they carry, or by what their annotations are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pixmill.annotations import Review, Source
from pixmill_server.datasets.existing import Ids, as_ids, is_among, one_of, unique_ids
from pixmill_server.datasets.orders import Order, order_keys
from pixmill_server.datasets.ranking import Ranking, rank_rows
from pixmill_server.datasets.records import Pinned
from pixmill_server.datasets.selections import read_selection
from pixmill_server.datasets.stores import Datasets


@dataclass(frozen=True, slots=True)
class AssetFilter:
    """Assets that satisfy everything that is set; nothing set means all of them.

    What is said of annotations (`labels` to `max_score`) must be true of one and the same annotation of the asset.
    """

    ids: tuple[str, ...] | None = None
    paths: tuple[str, ...] | None = None
    selection: str = ""
    """The id of one; raises `NotFound` when it is applied and there is none."""
    tags: tuple[str, ...] = ()
    """Each of them."""
    name_contains: str = ""
    """Part of the path; case does not matter."""
    annotated: bool | None = None
    """True: at least one annotation; False: none; None: either."""
    labels: tuple[str, ...] = ()
    """Names; one of them. Raises `LabelNotFound` when it is applied."""
    sources: tuple[Source, ...] = ()
    reviews: tuple[Review, ...] = ()
    processings: tuple[str, ...] = ()
    """Names of those that made the annotation; one of them."""
    run_id: str = ""
    min_score: float | None = None
    max_score: float | None = None

    @property
    def is_all(self) -> bool:
        """Nothing is set."""
        return self == ALL

    @property
    def looks_at_annotations(self) -> bool:
        """Something is said of annotations."""
        plain = replace(ALL, **{name: getattr(self, name) for name in _OF_ASSETS})
        return self != plain

    def of_annotations(self) -> "AssetFilter":
        """The part that is said of annotations."""
        return replace(self, **{name: getattr(ALL, name) for name in _OF_ASSETS})


_OF_ASSETS: Final = ("ids", "paths", "selection", "tags", "name_contains")
ALL: Final = AssetFilter()
UNANNOTATED: Final = AssetFilter(annotated=False)


def ranking(datasets: Datasets, pinned: Pinned, where: AssetFilter, order: Order = Order.PATH) -> Ranking:
    """The assets of the Revision that the filter means, in an order; kept for the next page.

    Orders by shapes or scores look at those annotations that the filter is about.
    """
    looks = where.looks_at_annotations or order not in (Order.PATH, Order.NEWEST)
    state = (pinned.assets, pinned.annotations, pinned.labels) if looks else pinned.assets
    return datasets.rankings.get((state, where, order), lambda: _ranking(datasets, pinned, where, order))


def _ranking(datasets: Datasets, pinned: Pinned, where: AssetFilter, order: Order) -> Ranking:
    if order is Order.PATH:
        return _select(datasets, pinned, where)
    tables = (datasets.tables.open(pinned.assets), datasets.tables.open(pinned.annotations))
    keys = order_keys(*tables, annotation_predicate(pinned, where), order)
    return ranking(datasets, pinned, where).sorted_by(keys)


def _select(datasets: Datasets, pinned: Pinned, where: AssetFilter) -> Ranking:
    table = datasets.tables.open(pinned.assets)
    tests: list[Callable[[pa.RecordBatch], NDArray[np.bool_]]] = []
    columns = set()
    if where.ids is not None:
        wanted = np.unique(np.array([text.encode() for text in where.ids], dtype="S32"))
        tests.append(lambda batch: is_among(as_ids(batch["id"]), wanted))
        columns.add("id")
    if where.selection:
        selected = read_selection(datasets.objects, where.selection)
        tests.append(lambda batch: is_among(as_ids(batch["id"]), selected))
        columns.add("id")
    if where.paths is not None:
        paths = pa.array(sorted(set(where.paths)), pa.string())
        tests.append(lambda batch: _booleans(pc.is_in(batch["path"], value_set=paths)))
    if where.name_contains:
        tests.append(lambda batch: _booleans(pc.match_substring(batch["path"], where.name_contains, ignore_case=True)))
    for tag in where.tags:
        tests.append(lambda batch, tag=tag: _has_tag(batch["tags"], tag))  # type: ignore[misc]  # a default binds the tag
        columns.add("tags")
    if where.looks_at_annotations:
        with_annotation = _annotated_ids(datasets, pinned, where)
        expected = where.annotated is not False
        tests.append(lambda batch: is_among(as_ids(batch["id"]), with_annotation) == expected)
        columns.add("id")
    if not tests:
        return rank_rows(table, None, [])
    return rank_rows(table, lambda batch: pa.array(np.all([test(batch) for test in tests], axis=0)), sorted(columns))


def _annotated_ids(datasets: Datasets, pinned: Pinned, where: AssetFilter) -> Ids:
    scan = datasets.tables.open(pinned.annotations).scanner(
        columns=["asset_id"], filter=annotation_predicate(pinned, where) or None
    )
    return unique_ids(batch["asset_id"] for batch in scan.to_batches())


def annotation_predicate(pinned: Pinned, where: AssetFilter) -> str:
    """What must be true of one annotation, for Lance; empty where nothing is said."""
    parts = []
    if where.labels:
        parts.append(one_of("label_id", [pinned.label_named(name).id for name in where.labels]))
    if where.sources:
        parts.append(one_of("source", map(str, where.sources)))
    if where.reviews:
        parts.append(one_of("review", map(str, where.reviews)))
    if where.processings:
        parts.append(one_of("processing", where.processings))
    if where.run_id:
        parts.append(one_of("run_id", [where.run_id]))
    if where.min_score is not None:
        parts.append(f"score >= {float(where.min_score)!r}")
    if where.max_score is not None:
        parts.append(f"score <= {float(where.max_score)!r}")
    return " AND ".join(parts)


def _has_tag(column: pa.ListArray, tag: str) -> NDArray[np.bool_]:
    parents = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    hits = _booleans(pc.equal(column.flatten(), tag))
    found = np.zeros(len(column), dtype=bool)
    found[parents[hits]] = True
    return found


def _booleans(array: pa.BooleanArray) -> NDArray[np.bool_]:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=bool)


def filter_of(ids: Sequence[str] | None = None, paths: Sequence[str] | None = None) -> AssetFilter:
    """A filter by name, from any sequences."""
    return AssetFilter(
        ids=None if ids is None else tuple(ids),
        paths=None if paths is None else tuple(paths),
    )
