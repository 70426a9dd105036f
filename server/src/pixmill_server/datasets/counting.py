"""Counts what a filter can choose from: one scan over a few columns, kept per Revision."""

from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pixmill_server.datasets.asset_positions import AssetPositions
from pixmill_server.datasets.facets import FacetCount, Facets, Tally
from pixmill_server.datasets.filters import ALL, AssetFilter, annotation_predicate, ranking
from pixmill_server.datasets.records import Pinned
from pixmill_server.datasets.stores import Datasets

_COLUMNS: Final = ("label_id", "source", "review", "processing")


def facets(datasets: Datasets, pinned: Pinned, where: AssetFilter = ALL) -> Facets:
    """Of the assets that the filter means; of their annotations, those that the filter is about."""
    state = (pinned.assets, pinned.annotations, pinned.labels)
    return datasets.facets.get((state, where), lambda: _count(datasets, pinned, where))


def choosable(datasets: Datasets, pinned: Pinned, where: AssetFilter) -> Facets:
    """As `facets`, but each as if nothing of its own kind were chosen: what choosing another value would find."""
    found = facets(datasets, pinned, where)

    def freed(**nothing: object) -> Facets:
        return facets(datasets, pinned, replace(where, **nothing))  # type: ignore[arg-type]  # empty values of its fields

    if where.labels:
        found = replace(found, labels=freed(labels=()).labels)
    if where.sources:
        found = replace(found, sources=freed(sources=()).sources)
    if where.reviews:
        found = replace(found, reviews=freed(reviews=()).reviews)
    if where.processings:
        found = replace(found, processings=freed(processings=()).processings)
    if where.min_score is not None or where.max_score is not None:
        scored = freed(min_score=None, max_score=None)
        found = replace(found, scores=scored.scores, without_score=scored.without_score)
    return found


def _count(datasets: Datasets, pinned: Pinned, where: AssetFilter) -> Facets:
    # Where only annotations are asked about, every annotation that is found is on an asset that is meant.
    is_by_annotations = where.annotated is not False and where == where.of_annotations()
    meant = None if is_by_annotations else _meant(datasets, pinned, where)
    counted = _annotations(datasets, pinned, where, meant)
    chosen = meant
    if chosen is None:
        chosen = np.ones(pinned.counts.assets, dtype=bool) if where.is_all else counted.carriers
    tags = _tags(datasets.tables.open(pinned.assets).to_batches(columns=["tags"], scan_in_order=True), chosen)
    labels, sources, reviews, processings = (counted.of(column) for column in _COLUMNS)
    return Facets(
        assets=int(chosen.sum()),
        annotated=counted.annotated,
        labels=labels,
        sources=sources,
        reviews=reviews,
        processings=processings,
        tags=tags,
        scores=tuple(counted.scores.tolist()),
        without_score=counted.without_score,
    )


def _meant(datasets: Datasets, pinned: Pinned, where: AssetFilter) -> NDArray[np.bool_]:
    meant = np.zeros(pinned.counts.assets, dtype=bool)
    meant[ranking(datasets, pinned, where).rows] = True
    return meant


def _annotations(datasets: Datasets, pinned: Pinned, where: AssetFilter, meant: NDArray[np.bool_] | None) -> FacetCount:
    """Counts of those on assets that are meant; None: on any."""
    counted = FacetCount(pinned.counts.assets)
    if not pinned.counts.annotations or (meant is not None and not meant.any()):
        return counted
    positions = positions_of(datasets, pinned)
    # Assets without such a shape are meant: then none of the rest is about it.
    predicate = "" if where.annotated is False else annotation_predicate(pinned, where)
    scan = datasets.tables.open(pinned.annotations).scanner(
        columns=["asset_id", "score", *_COLUMNS], filter=predicate or None
    )
    for batch in scan.to_batches():
        rows = positions.of(batch["asset_id"])
        kept = rows >= 0 if meant is None else (rows >= 0) & meant[rows]
        part = batch
        if not kept.all():
            rows, part = rows[kept], batch.filter(pa.array(kept))
        counted.add_scores(part["score"], rows)
        for column in _COLUMNS:
            counted.add(column, part[column], rows)
    return counted


def positions_of(datasets: Datasets, pinned: Pinned) -> AssetPositions:
    """Of the Revision's assets; kept for the next count."""
    return datasets.positions.get(pinned.assets, lambda: AssetPositions.read(datasets.tables.open(pinned.assets)))


def _tags(batches: object, chosen: NDArray[np.bool_]) -> dict[str, Tally]:
    counts: dict[str, int] = {}
    start = 0
    for batch in batches:  # type: ignore[attr-defined]  # Lance's own iterator has no type
        part = batch["tags"].filter(pa.array(chosen[start : start + batch.num_rows]))
        start += batch.num_rows
        for entry in part.flatten().value_counts().to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    return {tag: Tally(assets) for tag, assets in sorted(counts.items())}
