"""Commit a change of a Run or an import: all of it becomes visible at once, rebased on the head asset by asset."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pixmill.annotations import AnnotationColumns
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource, Existing, OtherDigest
from pixmill_server.datasets.existing import ID_DIGITS, Ids, KnownIds, KnownPaths, texts
from pixmill_server.datasets.judged import JudgedShapes
from pixmill_server.datasets.label_rules import with_new_labels
from pixmill_server.datasets.marks import Marks
from pixmill_server.datasets.records import Counts
from pixmill_server.datasets.replaced import removable_rows
from pixmill_server.datasets.revise import OUTCOMES, Author, Committed, Draft, InTransaction, Outcome, Skipped, revise
from pixmill_server.datasets.rows import Provenance, rows_from_columns
from pixmill_server.datasets.schemas import ANNOTATIONS, ASSETS
from pixmill_server.datasets.stores import Datasets, Step

FLUSH_ROWS: Final = 131_072
FLUSH_BYTES: Final = 32 * 1024 * 1024
VANISHED: Final = "it is not in the version any more"
ANNOTATED: Final = "it has annotations already"
OTHER_IMAGE: Final = "the version has another image of this path"


def commit(
    datasets: Datasets,
    version_id: str,
    change: ChangeSource,
    *,
    author: Author,
    summary: str,
    existing: Existing,
    in_transaction: InTransaction | None = None,
) -> Committed:
    """Make the change visible, whole; raises `VersionLocked`, `VersionBusy`, `LeaseLost`.

    `in_transaction` runs inside the one transaction that moves the pointer: what it writes is true together with it.
    """

    def make(draft: Draft) -> Outcome:
        return rebase(draft, change, existing)

    return revise(datasets, version_id, make, author=author, summary=summary, in_transaction=in_transaction)


def rebase(draft: Draft, change: ChangeSource, existing: Existing) -> Outcome:
    """Write the change into the draft, asset by asset, on what its head holds."""
    return _Rebase.of(draft, change, existing).run()


@dataclass(slots=True)
class _Buffer:
    """Collects rows until a file of them is worth writing."""

    batches: list[pa.RecordBatch] = field(default_factory=list)
    rows: int = 0
    size: int = 0

    def add(self, batch: pa.RecordBatch) -> bool:
        """True when it is time to flush."""
        self.batches.append(batch)
        self.rows += batch.num_rows
        self.size += batch.nbytes
        return self.rows >= FLUSH_ROWS or self.size >= FLUSH_BYTES

    def take(self) -> list[pa.RecordBatch]:
        taken = [batch for batch in self.batches if batch.num_rows]
        self.batches, self.rows, self.size = [], 0, 0
        return taken


@dataclass(slots=True)
class _Rebase:
    """The change on its way to the head."""

    draft: Draft
    change: ChangeSource
    existing: Existing
    known: KnownIds
    paths: KnownPaths
    annotated: KnownIds
    judged: JudgedShapes | None
    """Asked where a Run may find again what it found before; None: it cannot, or there is nothing."""
    asset_buffer: _Buffer = field(default_factory=_Buffer)
    annotation_buffer: _Buffer = field(default_factory=_Buffer)
    touched: list[Ids] = field(default_factory=list)
    added: list[NDArray[np.int32]] = field(default_factory=list)
    marks: Marks = field(default_factory=Marks)
    new_ids: set[bytes] = field(default_factory=set)
    refused_paths: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    step: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, draft: Draft, change: ChangeSource, existing: Existing) -> "_Rebase":
        tables, head = draft.datasets.tables, draft.head
        draft.labels = with_new_labels(head.labels, change.new_labels, draft.now)
        assets, annotations = tables.open(head.assets), tables.open(head.annotations)
        return cls(
            draft,
            change,
            existing,
            known=KnownIds(assets, "id"),
            paths=KnownPaths(assets, is_empty=head.counts.assets == 0),
            annotated=KnownIds(annotations, "asset_id"),
            judged=JudgedShapes(annotations) if head.counts.annotations and _replaces(change, existing) else None,
        )

    def run(self) -> Outcome:
        for part in self.change.parts():
            if part.assets is not None:
                self._add_assets(part.assets)
            self._annotate(part)
            self.marks.collect(part)
            self.draft.stay_alive()
        self._flush_assets()
        self._flush_annotations()
        self.step |= self.marks.apply(self.draft)
        return self._outcome()

    def _add_assets(self, batch: pa.RecordBatch) -> None:
        paths, ids, digests = (batch[name].to_pylist() for name in ("path", "id", "digest"))
        have = self.paths.look_up(paths)
        fresh = np.zeros(batch.num_rows, dtype=bool)
        for row, (path, asset_id, digest) in enumerate(zip(paths, ids, digests, strict=True)):
            if path not in have:
                fresh[row] = True
                have[path] = (asset_id, digest)
                self.paths.add(path, asset_id, digest)
                self.new_ids.add(asset_id.encode())
            elif have[path][1] == digest:
                self._count("unchanged_assets", 1)
            elif self.change.other_digest is OtherDigest.REPLACE:
                self.marks.replace_image(have[path][0], batch.slice(row, 1))
            else:
                self.skipped[path] = OTHER_IMAGE
                self.refused_paths.add(path)
        self._count("added_assets", int(fresh.sum()))
        if self.asset_buffer.add(batch.filter(pa.array(fresh))):
            self._flush_assets()

    def _annotate(self, part: ChangePart) -> None:
        columns = part.annotations
        names = list(dict.fromkeys([*(columns.assets if columns else ()), *part.done]))
        if not names:
            return
        ids, wanted = self._resolve(names)
        if self.existing is Existing.KEEP:
            has = self.annotated.among(ids) & wanted if self.draft.head.counts.annotations else np.zeros(len(ids), bool)
            self.skipped.update(dict.fromkeys((names[row] for row in np.flatnonzero(has)), ANNOTATED))
            wanted &= ~has
        counts = np.zeros(len(names), dtype=np.int32)
        if columns is not None and len(columns):
            counts = self._add_annotations(columns, ids, wanted)
        self.touched.append(ids[wanted])
        self.added.append(counts[wanted])

    def _resolve(self, names: list[str]) -> tuple[Ids, NDArray[np.bool_]]:
        """Ids of the named assets, and which of them are there."""
        if self.change.assets_by is AssetKey.PATH:
            have = self.paths.look_up(names)
            ids = np.array([have.get(name, ("", ""))[0].encode() for name in names], dtype=f"S{ID_DIGITS}")
            there = np.array([name in have and name not in self.refused_paths for name in names], dtype=bool)
        else:
            ids = np.array([name.encode() for name in names], dtype=f"S{ID_DIGITS}")
            there = self.known.among(ids) | np.array([name in self.new_ids for name in ids.tolist()], dtype=bool)
        for row in np.flatnonzero(~there):
            self.skipped.setdefault(names[row], VANISHED)
        return ids, there

    def _add_annotations(self, columns: AnnotationColumns, ids: Ids, wanted: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Buffer the rows that are wanted and whose Label is there; how many each asset gets."""
        label_ids = self._label_ids()
        labeled = np.array([name in label_ids for name in columns.labels], dtype=bool)
        # `ids` begins with the assets of the columns, in their order.
        on_wanted = wanted[columns.asset]
        lost = np.bincount(columns.label[on_wanted], minlength=len(columns.labels))
        for index in np.flatnonzero(~labeled & (lost > 0)):
            name = columns.labels[index]
            self.dropped[name] = self.dropped.get(name, 0) + int(lost[index])
        keep = on_wanted & labeled[columns.label]
        if not keep.all():
            columns = columns.take(np.flatnonzero(keep))
        rows = rows_from_columns(
            columns,
            pa.array(texts(ids[: len(columns.assets)]), pa.string()),
            pa.array([label_ids.get(name, "") for name in columns.labels], pa.string()),
            Provenance(self.change.origin, self.draft.now),
        )
        if self.judged is not None and (again := self.judged.repeated_by(rows)).any():
            rows, columns = rows.filter(pa.array(~again)), columns.take(np.flatnonzero(~again))
        self._count("added_annotations", rows.num_rows)
        if self.annotation_buffer.add(rows):
            self._flush_annotations()
        return np.bincount(columns.asset, minlength=len(ids)).astype(np.int32)

    def _label_ids(self) -> dict[str, str]:
        """By the names that the change calls them: the Label that had the name then, else the one that has it now."""
        there = {label.id for label in self.draft.labels}
        meant = {name: label_id for name, label_id in self.change.label_ids.items() if label_id in there}
        return {label.name: label.id for label in self.draft.labels} | meant

    def _flush_assets(self) -> None:
        if batches := self.asset_buffer.take():
            write = self.draft.assets()
            self.draft.datasets.at_step(Step.STAGE)
            write.append(batches, ASSETS)
            self.draft.stay_alive()

    def _flush_annotations(self) -> None:
        if batches := self.annotation_buffer.take():
            write = self.draft.annotations()
            self.draft.datasets.at_step(Step.STAGE)
            write.append(batches, ANNOTATIONS)
            self.draft.stay_alive()

    def _outcome(self) -> Outcome:
        head = self.draft.head.counts
        touched = np.concatenate([*self.touched, np.empty(0, dtype=f"S{ID_DIGITS}")])
        added = np.concatenate([*self.added, np.empty(0, dtype=np.int32)])
        ids, place = np.unique(touched, return_inverse=True)
        plus = np.bincount(place, weights=added, minlength=len(ids)).astype(np.int64)
        before, minus = np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=np.int64)
        if head.annotations:
            before = self.annotated.among(ids).astype(np.int64)
        if head.annotations and _replaces(self.change, self.existing):
            origin = self.change.origin if self.existing is Existing.REPLACE else None
            before, minus = removable_rows(self.draft, ids, origin, self.change.other_runs)
        self._count("removed_annotations", int(minus.sum()))
        # `before` may be no more than "at least one" where nothing is removed.
        newly = (before == 0) & (plus > 0)
        no_more = (before > 0) & (before - minus + plus == 0)
        changed = (plus > 0) | (minus > 0)
        self._count("annotated_now", int(((plus > 0) | (minus > 0)).sum()))
        return Outcome(
            counts=Counts(
                assets=head.assets + self.step.get("added_assets", 0),
                annotations=head.annotations + int(plus.sum()) - int(minus.sum()),
                annotated_assets=head.annotated_assets + int(newly.sum()) - int(no_more.sum()),
            ),
            step=self.step,
            skipped=tuple(Skipped(name, reason) for name, reason in self.skipped.items()),
            dropped=self.dropped,
            per_asset=pa.table(
                [
                    pa.array(texts(ids[changed]), pa.string()),
                    plus[changed].astype(np.int32),
                    minus[changed].astype(np.int32),
                ],
                schema=OUTCOMES,
            ),
        )

    def _count(self, name: str, count: int) -> None:
        self.step[name] = self.step.get(name, 0) + count


def _replaces(change: ChangeSource, existing: Existing) -> bool:
    """Whether shapes of Runs before make room for those of the change."""
    return existing is Existing.REPLACE or (existing is Existing.ADD and len(change.other_runs) > 0)
