"""Which shapes the policy `replace` removes."""

import numpy as np
from numpy.typing import NDArray

from pixmill.annotations import Origin, Review, Source
from pixmill_server.datasets.existing import LOOK_UP_AT_MOST, Ids, as_ids, is_among, one_of, texts
from pixmill_server.datasets.revise import Draft


def removable_rows(draft: Draft, origin: Origin, ids: Ids) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Delete, on the sorted asset ids, what the same Processing and Model wrote and no human edited or accepted.

    Returns for each asset how many annotations it had, and how many of them go.
    """
    if not len(ids):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    table = draft.datasets.tables.open(draft.head.annotations)
    where = one_of("asset_id", texts(ids)) if len(ids) <= LOOK_UP_AT_MOST else None
    before, removed = np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
    columns = ["asset_id", "source", "processing", "model", "review", "edited_by"]
    addresses = []
    for batch in table.scanner(columns=columns, filter=where, with_row_address=True).to_batches():
        asset_ids = as_ids(batch["asset_id"])
        ours = is_among(asset_ids, ids)
        goes = ours.copy()
        wanted = {"source": str(Source.RUN), "processing": origin.processing, "model": origin.model, "edited_by": ""}
        for name, value in wanted.items():
            goes &= batch[name].to_numpy(zero_copy_only=False) == value
        reviews = batch["review"].to_numpy(zero_copy_only=False)
        goes &= (reviews != str(Review.ACCEPTED)) & (reviews != str(Review.EDITED))
        before += np.bincount(np.searchsorted(ids, asset_ids[ours]), minlength=len(ids))
        removed += np.bincount(np.searchsorted(ids, asset_ids[goes]), minlength=len(ids))
        addresses.append(batch["_rowaddr"].to_numpy()[goes])
    gone = np.concatenate([*addresses, np.empty(0, dtype=np.uint64)]).astype(np.uint64)
    if len(gone):
        draft.annotations().delete(gone)
    return before, removed
