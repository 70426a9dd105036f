"""Which shapes go when a Run's are committed: by the policy `replace`, or because the same Job ran before."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pixmill.annotations import Origin, Review, Source
from pixmill_server.datasets.existing import LOOK_UP_AT_MOST, Ids, as_ids, is_among, one_of, texts
from pixmill_server.datasets.revise import Draft


def removable_rows(
    draft: Draft, ids: Ids, origin: Origin | None, runs: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Delete, on the sorted asset ids, what Runs wrote and no human edited or accepted.

    Of these, what has the Processing and Model of `origin` (None: nothing by that), and what one of the `runs` wrote.
    Returns for each asset how many annotations it had, and how many of them go.
    """
    if not len(ids):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    table = draft.datasets.tables.open(draft.head.annotations)
    where = one_of("asset_id", texts(ids)) if len(ids) <= LOOK_UP_AT_MOST else None
    before, removed = np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
    columns = ["asset_id", "source", "run_id", "processing", "model", "review", "edited_by"]
    addresses = []
    for batch in table.scanner(columns=columns, filter=where, with_row_address=True).to_batches():
        asset_ids = as_ids(batch["asset_id"])
        ours = is_among(asset_ids, ids)
        goes = ours & _untouched(batch) & (_written_by(batch, origin) | _of_runs(batch, runs))
        before += np.bincount(np.searchsorted(ids, asset_ids[ours]), minlength=len(ids))
        removed += np.bincount(np.searchsorted(ids, asset_ids[goes]), minlength=len(ids))
        addresses.append(batch["_rowaddr"].to_numpy()[goes])
    gone = np.concatenate([*addresses, np.empty(0, dtype=np.uint64)]).astype(np.uint64)
    if len(gone):
        draft.annotations().delete(gone)
    return before, removed


def _untouched(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    reviews = _texts(batch, "review")
    by_run = (_texts(batch, "source") == str(Source.RUN)) & (_texts(batch, "edited_by") == "")
    return np.asarray(by_run & (reviews != str(Review.ACCEPTED)) & (reviews != str(Review.EDITED)), dtype=bool)


def _written_by(batch: pa.RecordBatch, origin: Origin | None) -> NDArray[np.bool_]:
    if origin is None:
        return np.zeros(batch.num_rows, dtype=bool)
    same = (_texts(batch, "processing") == origin.processing) & (_texts(batch, "model") == origin.model)
    return np.asarray(same, dtype=bool)


def _of_runs(batch: pa.RecordBatch, runs: Sequence[str]) -> NDArray[np.bool_]:
    return np.isin(_texts(batch, "run_id").astype(str), list(runs))


def _texts(batch: pa.RecordBatch, name: str) -> NDArray[np.object_]:
    return np.asarray(batch[name].to_numpy(zero_copy_only=False))
