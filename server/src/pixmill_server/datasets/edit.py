"""A human's save: shapes added, moved, relabelled, reviewed and deleted, all in one Revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from pixmill.annotations import ColumnsBuilder, Origin, Review, Shape, Source
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.errors import AssetChanged
from pixmill_server.datasets.existing import KnownIds, as_ids, one_of
from pixmill_server.datasets.queries import pin, version_by_id
from pixmill_server.datasets.read import annotations_of
from pixmill_server.datasets.records import Counts, Label, Pinned
from pixmill_server.datasets.revise import OUTCOMES, Author, Committed, Draft, Outcome, Skipped, revise
from pixmill_server.datasets.rows import Provenance, rows_from_columns
from pixmill_server.datasets.schemas import ANNOTATIONS
from pixmill_server.datasets.stores import Datasets, Step

VANISHED_ASSET: Final = "its asset is not in the version any more"
VANISHED_SHAPE: Final = "it was deleted meanwhile"
_ASSETS_AT_ONCE: Final = 1000
_GEOMETRY = ("kind", "bbox_x", "bbox_y", "bbox_width", "bbox_height", "area", "coordinates", "rings", "mask")
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class AddShape:
    """A new annotation; `label` is a name."""

    asset_id: str
    label: str
    shape: Shape
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MoveShape:
    """Another shape for the same annotation: moved, resized, or redrawn. Its Label and score stay."""

    asset_id: str
    annotation_id: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Relabel:
    """Another Label for the annotation, by name."""

    asset_id: str
    annotation_id: str
    label: str


@dataclass(frozen=True, slots=True)
class SetReview:
    """What the human says of the annotation."""

    asset_id: str
    annotation_id: str
    review: Review


@dataclass(frozen=True, slots=True)
class DeleteShape:
    """One annotation less."""

    asset_id: str
    annotation_id: str


Edit = AddShape | MoveShape | Relabel | SetReview | DeleteShape


@dataclass(frozen=True, slots=True)
class EditBatch:
    """What one save changes, in order; later edits see earlier ones."""

    edits: Sequence[Edit]
    summary: str = ""
    """Empty: written from what the edits are."""
    base: int | None = None
    """The Revision that the human looked at; None: whatever others did meanwhile does not matter."""


@dataclass(frozen=True, slots=True)
class Saved(Committed):
    """A save that is visible now."""

    added: tuple[str, ...]
    """The id of each added annotation, in the order of its edit; empty for one whose asset has vanished."""


def save(datasets: Datasets, actor: Actor, version_id: str, batch: EditBatch) -> Saved:
    """One new Revision with all edits; raises `LabelNotFound`, `VersionLocked`.

    With a base, `AssetChanged` is raised where somebody changed annotations of the same assets since. Without one,
    annotations that others deleted meanwhile are skipped with that reason. What others changed elsewhere stays in both
    cases. A moved or relabelled annotation counts as edited: no Run overwrites it any more.
    """
    added: list[str] = []

    def make(draft: Draft) -> Outcome:
        editing = _Editing(draft, actor, base)
        outcome = editing.run(batch.edits)
        added[:] = editing.added
        return outcome

    with datasets.database.reading() as session:
        version_by_id(session, actor.organization_id, version_id)
    base = None if batch.base is None else pin(datasets, version_id, batch.base)
    summary = batch.summary or describe(batch.edits)
    done = revise(datasets, version_id, make, author=Author(actor.user_id), summary=summary)
    return Saved(done.number, done.changed, done.outcome, tuple(added))


def describe(edits: Sequence[Edit]) -> str:
    """`3 moved, 1 deleted`, for the history."""
    words = {
        AddShape: "added",
        MoveShape: "moved",
        Relabel: "relabelled",
        SetReview: "reviewed",
        DeleteShape: "deleted",
    }
    counts = {word: sum(type(edit) is kind for edit in edits) for kind, word in words.items()}
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "Nothing edited"


@dataclass(slots=True)
class _Editing:
    draft: Draft
    actor: Actor
    base: Pinned | None
    before: dict[str, Row] = field(default_factory=dict)
    """By annotation id, as the head has them, for the assets that the edits name."""
    addresses: dict[str, int] = field(default_factory=dict)
    after: dict[str, Row] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)

    def run(self, edits: Sequence[Edit]) -> Outcome:
        asset_ids = list(dict.fromkeys(edit.asset_id for edit in edits))
        for start in range(0, len(asset_ids), _ASSETS_AT_ONCE):
            names = asset_ids[start : start + _ASSETS_AT_ONCE]
            self._read(names)
            self._require_unchanged(names)
        self.after = dict(self.before)
        known = KnownIds(self.draft.datasets.tables.open(self.draft.head.assets), "id")
        there = dict(zip(asset_ids, known.among(as_ids(pa.array(asset_ids, pa.string()))).tolist(), strict=True))
        for edit in edits:
            if there[edit.asset_id]:
                self._apply(edit)
            else:
                self.skipped[edit.asset_id] = VANISHED_ASSET
                self.added += [""] * isinstance(edit, AddShape)
        self._write()
        return self._outcome(asset_ids)

    def _read(self, asset_ids: Sequence[str]) -> None:
        table = self.draft.datasets.tables.open(self.draft.head.annotations)
        found = table.scanner(filter=one_of("asset_id", asset_ids), with_row_address=True).to_table()
        for row in found.to_pylist():
            self.addresses[row["id"]] = row.pop("_rowaddr")
            self.before[row["id"]] = row

    def _require_unchanged(self, asset_ids: Sequence[str]) -> None:
        head = self.draft.head
        if self.base is None or self.base.annotations == head.annotations:
            return
        wanted = set(asset_ids)
        was = {row["id"]: row for row in annotations_of(self.draft.datasets, self.base, asset_ids).to_pylist()}
        now = {key: row for key, row in self.before.items() if row["asset_id"] in wanted}
        touched = [key for key in was.keys() | now.keys() if was.get(key) != now.get(key)]
        changed = {(was.get(key) or now[key])["asset_id"] for key in touched}
        if changed:
            raise AssetChanged(len(changed), head.number)

    def _apply(self, edit: Edit) -> None:
        if isinstance(edit, AddShape):
            row = self._row(edit)
            self.after[str(row["id"])] = row
            self.added.append(str(row["id"]))
            return
        row = self.after.get(edit.annotation_id, {})
        if row.get("asset_id") != edit.asset_id:
            self.skipped[edit.annotation_id] = VANISHED_SHAPE
            return
        edited = {"review": str(Review.EDITED), "edited_by": self.actor.user_id}
        match edit:
            case MoveShape(asset_id, annotation_id, shape):
                drawn = self._row(AddShape(asset_id, "", shape), label_id=str(row["label_id"]))
                self.after[annotation_id] = row | {name: drawn[name] for name in _GEOMETRY} | edited
            case Relabel(_, annotation_id, label):
                self.after[annotation_id] = row | {"label_id": self._label(label).id} | edited
            case SetReview(_, annotation_id, review):
                self.after[annotation_id] = row | {"review": str(review), "edited_by": self.actor.user_id}
            case DeleteShape(_, annotation_id):
                del self.after[annotation_id]

    def _row(self, edit: AddShape, label_id: str = "") -> Row:
        columns = ColumnsBuilder().append(edit.asset_id, "", edit.shape, attributes=dict(edit.attributes)).build()
        provenance = Provenance(Origin(Source.HUMAN), self.draft.now, edited_by=self.actor.user_id)
        label_id = label_id or self._label(edit.label).id
        rows = rows_from_columns(columns, pa.array([edit.asset_id]), pa.array([label_id]), provenance)
        row: Row = rows.to_pylist()[0]
        return row

    def _label(self, name: str) -> Label:
        return self.draft.head.label_named(name)

    def _write(self) -> None:
        gone = [address for key, address in self.addresses.items() if self.after.get(key) != self.before[key]]
        fresh = [row for key, row in self.after.items() if row != self.before.get(key)]
        if not gone and not fresh:
            return
        write = self.draft.annotations()
        self.draft.datasets.at_step(Step.STAGE)
        write.delete(np.array(gone, dtype=np.uint64))
        if fresh:
            write.append([pa.RecordBatch.from_pylist(fresh, schema=ANNOTATIONS)], ANNOTATIONS)

    def _outcome(self, asset_ids: Sequence[str]) -> Outcome:
        head, before, after = self.draft.head.counts, self.before, self.after
        added = [row["asset_id"] for key, row in after.items() if key not in before]
        removed = [row["asset_id"] for key, row in before.items() if key not in after]
        changed = sum(key in before and row != before[key] for key, row in after.items())
        had = {row["asset_id"] for row in before.values()}
        has = {row["asset_id"] for row in after.values()}
        touched = [asset_id for asset_id in asset_ids if asset_id in added or asset_id in removed]
        plus, minus = ([names.count(asset_id) for asset_id in touched] for names in (added, removed))
        return Outcome(
            Counts(
                head.assets, head.annotations + len(added) - len(removed), head.annotated_assets + len(has) - len(had)
            ),
            step={
                "added_annotations": len(added),
                "removed_annotations": len(removed),
                "changed_annotations": changed,
            },
            skipped=tuple(Skipped(name, reason) for name, reason in self.skipped.items()),
            per_asset=pa.table([touched, plus, minus], schema=OUTCOMES),
        )
