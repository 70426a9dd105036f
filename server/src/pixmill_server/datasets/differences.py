"""What changed from one Revision to another of the same Dataset: assets, and annotations by Label.

Assets and annotations keep their ids over edits and forks, so that a comparison by id tells added, removed and changed
apart. What both states keep in the same files is not read; memory stays bounded, for a large comparison is made in
parts, by the last digits of the ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from lance import LanceDataset, LanceFragment
from numpy.typing import NDArray

from pixmill.errors import InvalidInput
from pixmill_server.datasets.existing import ID_DIGITS, Ids, as_ids, one_of, texts
from pixmill_server.datasets.fingerprints import Numbers, fingerprints
from pixmill_server.datasets.records import Label, Pinned
from pixmill_server.datasets.stores import Datasets
from pixmill_server.storage.tables import TableRef

ROWS_AT_ONCE: Final = 1_000_000
EXAMPLES: Final = 100
_MOST_PARTS: Final = 256
_ASSET_CONTENT: Final = ("path", "digest", "source_uri", "tags", "metadata")
_ANNOTATION_CONTENT: Final = (
    "asset_id", "kind", "label_id", "bbox_x", "bbox_y", "bbox_width", "bbox_height", "score", "coordinates", "rings",
    "mask", "attributes", "review",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """How many of something came, went, or are another than before."""

    added: int = 0
    removed: int = 0
    changed: int = 0

    @property
    def total(self) -> int:
        """All three."""
        return self.added + self.removed + self.changed

    def __add__(self, other: "Change") -> "Change":
        """Both together."""
        return Change(self.added + other.added, self.removed + other.removed, self.changed + other.changed)


@dataclass(frozen=True, slots=True)
class LabelDifference:
    """What became of one Label and of its annotations; a relabelled one counts as changed for its new Label."""

    name: str
    color: str
    old_name: str
    """What it was called before; empty: it was not there."""
    is_gone: bool
    annotations: Change


@dataclass(frozen=True, slots=True)
class Difference:
    """From `before` to `after`."""

    before: Pinned
    after: Pinned
    assets: Change
    labels: Sequence[LabelDifference]
    """Of both states, in the order of `after`; those that are gone are last."""
    added_paths: Sequence[str] = ()
    """The first hundred of each."""
    removed_paths: Sequence[str] = ()
    changed_paths: Sequence[str] = ()

    @property
    def annotations(self) -> Change:
        """Of all Labels."""
        return sum((label.annotations for label in self.labels), Change())


def compare(datasets: Datasets, before: Pinned, after: Pinned) -> Difference:
    """Raises `InvalidInput` for Revisions of two Datasets, whose assets have nothing in common to be known by."""
    if before.assets.name != after.assets.name:
        raise InvalidInput(
            "Versions of two Datasets cannot be compared.", hint="Compare versions of the same Dataset.", field="before"
        )
    labels = {label.id: place for place, label in enumerate(_labels(before, after))}
    names = np.array(list(labels), dtype=f"S{ID_DIGITS}")
    counted = _Counted.of(max(len(names), 1))
    for old, new in _parts(datasets, (before.annotations, after.annotations), _ANNOTATION_CONTENT, names):
        counted.add(old, new)
    assets = _Counted.of(1)
    for old, new in _parts(datasets, (before.assets, after.assets), _ASSET_CONTENT, None):
        assets.add(old, new)
    old_table, new_table = datasets.tables.open(before.assets), datasets.tables.open(after.assets)
    return Difference(
        before,
        after,
        assets=assets.change(0),
        labels=_label_differences(before, after, counted),
        added_paths=_paths(new_table, assets.added_ids),
        removed_paths=_paths(old_table, assets.removed_ids),
        changed_paths=_paths(new_table, assets.changed_ids),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows of one state, sorted by id."""

    ids: Ids
    prints: Numbers
    groups: NDArray[np.int64]
    """The place of each row's Label; 0 of an asset."""


@dataclass(slots=True)
class _Counted:
    """Counts by group; examples are ids."""

    added: NDArray[np.int64]
    removed: NDArray[np.int64]
    changed: NDArray[np.int64]
    added_ids: list[str] = field(default_factory=list)
    removed_ids: list[str] = field(default_factory=list)
    changed_ids: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, groups: int) -> "_Counted":
        added, removed, changed = np.zeros((3, groups), dtype=np.int64)
        return cls(added, removed, changed)

    def add(self, old: _Part, new: _Part) -> None:
        """Count one part."""
        place = np.searchsorted(old.ids, new.ids)
        known = place < len(old.ids)
        known[known] = old.ids[place[known]] == new.ids[known]
        changed = known.copy()
        changed[known] = old.prints[place[known]] != new.prints[known]
        stays = np.zeros(len(old.ids), dtype=bool)
        stays[place[known]] = True
        for counts, examples, part, rows in (
            (self.added, self.added_ids, new, ~known),
            (self.removed, self.removed_ids, old, ~stays),
            (self.changed, self.changed_ids, new, changed),
        ):
            np.add(counts, np.bincount(part.groups[rows], minlength=len(counts)), out=counts)
            examples.extend(texts(part.ids[rows][: EXAMPLES - len(examples)]))

    def change(self, group: int) -> Change:
        return Change(int(self.added[group]), int(self.removed[group]), int(self.changed[group]))


def _places(groups: Ids, names: Ids) -> NDArray[np.int64]:
    order = np.argsort(names)
    return np.asarray(order[np.searchsorted(names, groups, sorter=order)], dtype=np.int64)


def _parts(
    datasets: Datasets, refs: tuple[TableRef, TableRef], content: Sequence[str], labels: Ids | None
) -> Iterator[tuple[_Part, _Part]]:
    """Both states, cut alike; nothing where they are one and the same. `labels` are ids; None: rows have none."""
    if refs[0] == refs[1]:
        return
    tables = [datasets.tables.open(ref) for ref in refs]
    old, new = (_files(table) for table in tables)
    before = _Rows(tables[0], [fragment for key, fragment in old.items() if key not in new])
    after = _Rows(tables[1], [fragment for key, fragment in new.items() if key not in old])
    count = min(max(len(before), len(after)) // ROWS_AT_ONCE + 1, _MOST_PARTS)
    for number in range(count):
        yield _read(before, content, labels, (number, count)), _read(after, content, labels, (number, count))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some fragments of a table."""

    table: LanceDataset
    fragments: Sequence[LanceFragment]

    def __len__(self) -> int:
        return sum(fragment.count_rows() for fragment in self.fragments)

    def batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        # Asked for none, Lance would read all.
        if self.fragments:
            yield from self.table.scanner(columns=columns, fragments=self.fragments).to_batches()


def _files(table: LanceDataset) -> dict[str, LanceFragment]:
    """By what tells a fragment's rows: its files, which have names of their own and never change, and its deletions."""
    told = {}
    for fragment in table.get_fragments():
        said = fragment.metadata.to_json()
        files = [(file["path"], file["fields"]) for file in said["files"]]
        gone = said["deletion_file"] or {}
        told[repr((files, said["overlays"], gone.get("read_version"), gone.get("id")))] = fragment
    return told


def _read(state: _Rows, content: Sequence[str], labels: Ids | None, share: tuple[int, int]) -> _Part:
    number, count = share
    ids, prints = [np.zeros(0, dtype=f"S{ID_DIGITS}")], [np.zeros(0, dtype=np.uint64)]
    groups = [np.zeros(0, dtype=np.int64)]
    for batch in state.batches(["id", *content]):
        every = as_ids(batch["id"])
        mine = _last_byte(every) % count == number if count > 1 else np.ones(len(every), dtype=bool)
        rows = batch.filter(pa.array(mine)) if count > 1 else batch
        ids.append(every[mine])
        prints.append(fingerprints(rows, content))
        groups.append(
            np.zeros(rows.num_rows, dtype=np.int64) if labels is None else _places(as_ids(rows["label_id"]), labels)
        )
    all_ids = np.concatenate(ids)
    order = np.argsort(all_ids)
    return _Part(all_ids[order], np.concatenate(prints)[order], np.concatenate(groups)[order])


def _last_byte(ids: Ids) -> NDArray[np.int64]:
    """The number that the last two hexadecimal digits of each id are."""
    digits = np.ascontiguousarray(ids).view(np.uint8).reshape(-1, ID_DIGITS)[:, -2:].astype(np.int64)
    values = np.where(digits >= ord("a"), digits - ord("a") + 10, digits - ord("0"))
    return np.asarray(values[:, 0] * 16 + values[:, 1], dtype=np.int64)


def _paths(table: LanceDataset, ids: Sequence[str]) -> list[str]:
    if not ids:
        return []
    return sorted(table.to_table(columns=["path"], filter=one_of("id", ids))["path"].to_pylist())


def _labels(before: Pinned, after: Pinned) -> list[Label]:
    there = {label.id for label in after.labels}
    return [*after.labels, *(label for label in before.labels if label.id not in there)]


def _label_differences(before: Pinned, after: Pinned, counted: _Counted) -> list[LabelDifference]:
    old_names = {label.id: label.name for label in before.labels}
    there = {label.id for label in after.labels}
    return [
        LabelDifference(label.name, label.color, old_names.get(label.id, ""), label.id not in there, counted.change(at))
        for at, label in enumerate(_labels(before, after))
    ]
