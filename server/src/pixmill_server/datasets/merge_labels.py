"""Merging Labels: their annotations get another Label and stay what they are otherwise."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import label_rules
from pixmill_server.datasets.existing import one_of
from pixmill_server.datasets.queries import pinned, version_by_id
from pixmill_server.datasets.revise import Author, Committed, Draft, Outcome, revise
from pixmill_server.datasets.schemas import ANNOTATIONS
from pixmill_server.datasets.stores import Datasets, Step

ROWS_AT_ONCE = 100_000


def merge_labels(
    datasets: Datasets, actor: Actor, version_id: str, label_ids: Sequence[str], *, into: str
) -> Committed:
    """Give the annotations of these Labels to the Label `into`, and remove them, in one Revision.

    Raises `LabelNotFound`, `VersionLocked`, and `InvalidInput` where no other Label is named.
    """

    def make(draft: Draft) -> Outcome:
        draft.labels = label_rules.merged(draft.head.labels, label_ids, into)
        kept = {label.id for label in draft.labels}
        gone = [label.id for label in draft.head.labels if label.id not in kept]
        return Outcome(draft.head.counts, {"changed_annotations": _relabel(draft, gone, into)})

    with datasets.database.reading() as session:
        head = pinned(session, version_by_id(session, actor.organization_id, version_id).id)
    kept = set(label_rules.merged(head.labels, label_ids, into))
    names = ", ".join(label.name for label in head.labels if label not in kept)
    summary = f"Merged the label {names} into {label_rules.label_by_id(head.labels, into).name}"
    return revise(datasets, version_id, make, author=Author(actor.user_id), summary=summary)


def _relabel(draft: Draft, gone: Sequence[str], into: str) -> int:
    """Write the rows of the Labels that go anew, some at a time; how many there were."""
    if not draft.head.counts.annotations:
        return 0
    table = draft.datasets.tables.open(draft.head.annotations)
    waiting: list[pa.RecordBatch] = []
    addresses = []
    column = ANNOTATIONS.get_field_index("label_id")
    for batch in table.scanner(filter=one_of("label_id", gone), with_row_address=True).to_batches():
        addresses.append(batch["_rowaddr"].to_numpy())
        rows = pa.RecordBatch.from_arrays([batch[name] for name in ANNOTATIONS.names], schema=ANNOTATIONS)
        waiting.append(rows.set_column(column, ANNOTATIONS.field(column), pa.repeat(pa.scalar(into), rows.num_rows)))
        if sum(one.num_rows for one in waiting) >= ROWS_AT_ONCE:
            _append(draft, waiting)
            waiting = []
    if not addresses:
        return 0
    if waiting:
        _append(draft, waiting)
    every = np.concatenate(addresses).astype(np.uint64)
    draft.annotations().delete(every)
    return len(every)


def _append(draft: Draft, batches: Sequence[pa.RecordBatch]) -> None:
    write = draft.annotations()
    draft.datasets.at_step(Step.STAGE)
    write.append(batches, ANNOTATIONS)
    draft.stay_alive()
