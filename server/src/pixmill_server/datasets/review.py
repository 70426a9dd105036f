"""A human's word on many predictions at once: accept or reject all that a filter means, in one Revision."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from pixmill.annotations import Review, Source
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.existing import Ids, as_ids, is_among, unique_ids
from pixmill_server.datasets.filter_text import in_words
from pixmill_server.datasets.filters import AssetFilter, annotation_predicate
from pixmill_server.datasets.queries import version_by_id
from pixmill_server.datasets.read import select_asset_ids
from pixmill_server.datasets.records import Pinned
from pixmill_server.datasets.revise import Author, Committed, Draft, Outcome, revise
from pixmill_server.datasets.schemas import ANNOTATIONS
from pixmill_server.datasets.stores import Datasets, Step

ROWS_AT_ONCE: Final = 50_000
_WORDS = {Review.ACCEPTED: "Accepted", Review.REJECTED: "Rejected"}


@dataclass(frozen=True, slots=True)
class Predictions:
    """How much a filter means."""

    annotations: int
    assets: int


def count_predictions(datasets: Datasets, pinned: Pinned, where: AssetFilter) -> Predictions:
    """What `review_predictions` would change at this Revision."""
    count, assets = 0, []
    for batch in _batches(datasets, pinned, where, ["asset_id"]):
        count += batch.num_rows
        assets.append(batch["asset_id"])
    return Predictions(count, len(unique_ids(assets)))


def review_predictions(
    datasets: Datasets, actor: Actor, version_id: str, where: AssetFilter, review: Review
) -> Committed:
    """Mark the annotations of Runs that the filter means; those of humans and imports stay as they are.

    Where the filter says nothing of review, only what nobody has reviewed is meant. On assets of the filter, an
    annotation must itself satisfy what the filter says of annotations. Raises `LabelNotFound`, `VersionLocked`.
    """

    def make(draft: Draft) -> Outcome:
        changed = 0
        for batches in _lots(_batches(datasets, draft.head, where, ANNOTATIONS.names)):
            write = draft.annotations()
            datasets.at_step(Step.STAGE)
            for batch in batches:
                write.delete(batch["_rowaddr"].to_numpy())
                changed += batch.num_rows
            write.append([_reviewed(batch, review, actor.user_id) for batch in batches], ANNOTATIONS)
            draft.stay_alive()
        return Outcome(draft.head.counts, {"changed_annotations": changed})

    with datasets.database.reading() as session:
        version_by_id(session, actor.organization_id, version_id)
    summary = _WORDS[review] + (
        f" the predictions on assets {said}" if (said := in_words(where)) else " all predictions"
    )
    return revise(datasets, version_id, make, author=Author(actor.user_id), summary=summary)


def _batches(datasets: Datasets, pinned: Pinned, where: AssetFilter, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """The predictions as they lie in the table, some at a time, with their row addresses."""
    if not pinned.counts.annotations:
        return
    wanted = replace(where, sources=(Source.RUN,), reviews=where.reviews or (Review.UNREVIEWED,))
    on_assets = None if where.is_all else _asset_ids(datasets, pinned, wanted)
    scan = datasets.tables.open(pinned.annotations).scanner(
        columns=columns, filter=annotation_predicate(pinned, wanted), with_row_address=True, batch_size=ROWS_AT_ONCE
    )
    for batch in scan.to_batches():
        kept = batch if on_assets is None else batch.filter(pa.array(is_among(as_ids(batch["asset_id"]), on_assets)))
        if kept.num_rows:
            yield kept


def _lots(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Together as many rows as are worth a file: after many small saves, the batches are small."""
    lot: list[pa.RecordBatch] = []
    for batch in batches:
        lot.append(batch)
        if sum(held.num_rows for held in lot) >= ROWS_AT_ONCE:
            yield lot
            lot = []
    if lot:
        yield lot


def _asset_ids(datasets: Datasets, pinned: Pinned, where: AssetFilter) -> Ids:
    return unique_ids(select_asset_ids(datasets, pinned, where))


def _reviewed(batch: pa.RecordBatch, review: Review, user_id: str) -> pa.RecordBatch:
    said = {"review": str(review), "edited_by": user_id}
    columns = [
        pa.repeat(pa.scalar(said[name]), batch.num_rows) if name in said else batch[name] for name in ANNOTATIONS.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=ANNOTATIONS)
