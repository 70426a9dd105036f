"""Labels of a DatasetVersion: they are part of a Revision, so that changing one is a new Revision."""

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy.orm import Session

from pixmill.errors import Conflict
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import label_rules
from pixmill_server.datasets.existing import is_among, one_of, unique_ids
from pixmill_server.datasets.queries import pinned, version_by_id
from pixmill_server.datasets.records import Counts, Label, Pinned
from pixmill_server.datasets.revise import Author, Committed, Draft, Outcome, change_pointer, revise
from pixmill_server.datasets.stores import Datasets
from pixmill_server.storage.tables import TableRef


class LabelInUse(Conflict):
    """A Label that annotations have cannot go without them."""

    code = "label-in-use"

    def __init__(self, names: Sequence[str], annotations: int) -> None:
        listed = ", ".join(names)
        super().__init__(
            f"{annotations} annotations have the label {listed}.",
            hint="Say that they go too, or change their label first.",
        )


def set_labels(
    datasets: Datasets, actor: Actor, version_id: str, names: Sequence[str], *, delete_annotations: bool = False
) -> Committed:
    """Exactly these Labels in this order; those that stay keep id and colour. Raises `LabelInUse`."""
    return _change(
        datasets,
        actor,
        version_id,
        lambda draft: label_rules.replaced(draft.labels, names, draft.now),
        delete_annotations=delete_annotations,
        summary=f"Labels set: {', '.join(names)}" if names else "All labels removed",
    )


def add_labels(datasets: Datasets, actor: Actor, version_id: str, names: Sequence[str]) -> Committed:
    """Labels of these names beside those there are; nothing happens the second time."""

    def make(_session: Session, head: Pinned) -> tuple[tuple[TableRef, TableRef], tuple[Label, ...], Outcome]:
        labels = label_rules.with_new_labels(head.labels, names, datasets.clock.now())
        return (head.assets, head.annotations), labels, Outcome(head.counts)

    _require_own(datasets, actor, version_id)
    summary = f"Added the label {', '.join(names)}"
    return change_pointer(datasets, version_id, make, author=Author(actor.user_id), summary=summary)


def rename_label(datasets: Datasets, actor: Actor, version_id: str, label_id: str, name: str) -> Committed:
    """Another name for the same Label; no annotation is written. Raises `LabelNotFound`, `NameTaken`."""

    def make(_session: Session, head: Pinned) -> tuple[tuple[TableRef, TableRef], tuple[Label, ...], Outcome]:
        return (head.assets, head.annotations), label_rules.renamed(head.labels, label_id, name), Outcome(head.counts)

    head = _require_own(datasets, actor, version_id)
    summary = f"Renamed the label {label_rules.label_by_id(head.labels, label_id).name} to {name}"
    return change_pointer(datasets, version_id, make, author=Author(actor.user_id), summary=summary)


def recolor_label(datasets: Datasets, actor: Actor, version_id: str, label_id: str, color: str) -> Committed:
    """Another colour, `#rrggbb`. Raises `LabelNotFound`."""

    def make(_session: Session, head: Pinned) -> tuple[tuple[TableRef, TableRef], tuple[Label, ...], Outcome]:
        return (
            (head.assets, head.annotations),
            label_rules.recolored(head.labels, label_id, color),
            Outcome(head.counts),
        )

    head = _require_own(datasets, actor, version_id)
    summary = f"Recoloured the label {label_rules.label_by_id(head.labels, label_id).name}"
    return change_pointer(datasets, version_id, make, author=Author(actor.user_id), summary=summary)


def remove_label(
    datasets: Datasets, actor: Actor, version_id: str, label_id: str, *, delete_annotations: bool = False
) -> Committed:
    """One Label less; raises `LabelNotFound`, and `LabelInUse` unless its annotations are to go too."""

    def without(draft: Draft) -> tuple[Label, ...]:
        gone = label_rules.label_by_id(draft.labels, label_id)
        return tuple(label for label in draft.labels if label.id != gone.id)

    head = _require_own(datasets, actor, version_id)
    summary = f"Removed the label {label_rules.label_by_id(head.labels, label_id).name}"
    return _change(datasets, actor, version_id, without, delete_annotations=delete_annotations, summary=summary)


def _change(
    datasets: Datasets,
    actor: Actor,
    version_id: str,
    choose: Callable[[Draft], tuple[Label, ...]],
    *,
    delete_annotations: bool,
    summary: str,
) -> Committed:
    def make(draft: Draft) -> Outcome:
        draft.labels = choose(draft)
        kept = {label.id for label in draft.labels}
        return _without_annotations(
            draft, [label for label in draft.head.labels if label.id not in kept], delete=delete_annotations
        )

    _require_own(datasets, actor, version_id)
    return revise(datasets, version_id, make, author=Author(actor.user_id), summary=summary)


def _without_annotations(draft: Draft, gone: Sequence[Label], *, delete: bool) -> Outcome:
    """Delete the annotations of Labels that go; the index of assets says which of them have none left."""
    head = draft.head
    if not gone or not head.counts.annotations:
        return Outcome(head.counts)
    table = draft.datasets.tables.open(head.annotations)
    where = one_of("label_id", [label.id for label in gone])
    batches = list(table.scanner(columns=["asset_id"], filter=where, with_row_address=True).to_batches())
    addresses = np.concatenate([*(batch["_rowaddr"].to_numpy() for batch in batches), np.empty(0, dtype=np.uint64)])
    if not len(addresses):
        return Outcome(head.counts)
    if not delete:
        raise LabelInUse([label.name for label in gone], len(addresses))
    draft.annotations().delete(addresses.astype(np.uint64))
    touched = unique_ids(batch["asset_id"] for batch in batches)
    others = table.scanner(columns=["asset_id"], filter=f"NOT ({where})").to_batches()
    left = unique_ids(batch["asset_id"] for batch in others)
    counts = Counts(
        assets=head.counts.assets,
        annotations=head.counts.annotations - len(addresses),
        annotated_assets=head.counts.annotated_assets - int((~is_among(touched, left)).sum()),
    )
    return Outcome(counts, {"removed_annotations": len(addresses)})


def _require_own(datasets: Datasets, actor: Actor, version_id: str) -> Pinned:
    """Its head as it is now: somebody may change it before we do."""
    with datasets.database.reading() as session:
        return pinned(session, version_by_id(session, actor.organization_id, version_id).id)
