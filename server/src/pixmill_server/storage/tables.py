"""Versioned columnar tables (Lance) on a local disk or in a bucket; knows no noun of the product.

A table has branches, a branch has versions. A version that is written is not yet a truth: whoever keeps the tables
points to the versions that count, and every write starts by restoring the pointed-to one where something else was
written since (a writer that died, or one that was too late).
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self, cast

import lance
import numpy as np
import pyarrow as pa
from lance import LanceDataset, LanceOperation, Transaction
from lance.commit import CommitConflictError
from lance.fragment import FragmentMetadata, write_fragments
from numpy.typing import NDArray

from pixmill.errors import PixmillError

MAX_OPEN = 128
ROWS_PER_FILE = 1_000_000
_WRITERS = 4
_MAIN = "main"
_OFFSET_BITS = 32
_NO_RETRIES = 0
# The plain one is how Lance shows the reservation of fragment numbers, with which a compaction begins.
_SAME_CONTENT = (LanceOperation.Rewrite, LanceOperation.CreateIndex, LanceOperation.BaseOperation)


class ForeignWrite(PixmillError):
    """Another writer wrote to the branch between our restore and our write; nothing of ours may be pointed to."""

    code = "foreign-write"


@dataclass(frozen=True, slots=True)
class TableRef:
    """One version of one branch of one table: immutable."""

    name: str
    """The table's path under the root, such as `ds_1/assets.lance`."""
    branch: str
    version: int


@dataclass(frozen=True, slots=True)
class Index:
    """A sorted index over one column."""

    column: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How a version lies in files."""

    rows: int
    files: int
    deleted_rows: int
    unindexed_rows: int
    """The most that any of its indexes has yet to learn."""

    @property
    def is_best(self) -> bool:
        """Compaction would change nothing."""
        return self.is_compact and not self.unindexed_rows

    @property
    def is_compact(self) -> bool:
        """No more files than the rows need, and none with deleted rows."""
        return not self.surplus_files and not self.deleted_rows

    @property
    def surplus_files(self) -> int:
        """Files that compaction would merge into others."""
        return max(self.files - self.rows // ROWS_PER_FILE - 1, 0)


@dataclass(frozen=True)
class Tables:
    """All tables under one root: a folder, or an address such as `s3://bucket/prefix` with its storage options.

    Safe to share between threads. Never across a fork: children are spawned, from modules that do not import this one.
    """

    root: str
    storage_options: Mapping[str, str] = field(default_factory=dict)
    _open: "OrderedDict[TableRef, LanceDataset]" = field(default_factory=OrderedDict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _writers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_WRITERS, "table-writer"), init=False, repr=False
    )

    def create(self, name: str, schema: pa.Schema, indexes: Sequence[Index]) -> TableRef:
        """Make an empty table; raises `OSError` where there is one."""
        table = lance.write_dataset(
            schema.empty_table(),
            self.uri(name),
            mode="create",
            storage_options=self._options(),
            auto_cleanup_options=None,
        )
        for index in indexes:
            table.create_scalar_index(index.column, "BTREE")
        return TableRef(name, _MAIN, table.latest_version)

    def open(self, ref: TableRef) -> LanceDataset:
        """The version, ready to be read."""
        with self._lock:
            found = self._open.get(ref)
            if found is not None:
                self._open.move_to_end(ref)
                return found
        opened = self._checkout(ref.name, (ref.branch, ref.version))
        with self._lock:
            self._open[ref] = opened
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        return opened

    def fork(self, ref: TableRef, branch: str) -> TableRef:
        """A new branch that starts with the content of `ref`; costs the same however large it is."""
        made = self.open(ref).create_branch(branch, (ref.branch, ref.version), storage_options=self._options())
        return TableRef(ref.name, branch, made.version)

    def newest(self, name: str, branch: str) -> TableRef:
        """The last version written to the branch, pointed to or not."""
        return TableRef(name, branch, self._checkout(name, (branch, None)).version)

    def shape(self, ref: TableRef) -> Shape:
        """Reads headers only."""
        table = self.open(ref)
        fragments = [fragment.metadata for fragment in table.get_fragments()]
        rows = sum(fragment.num_rows for fragment in fragments)
        deleted = sum(fragment.num_deletions for fragment in fragments)
        indexed = [index.num_rows_indexed for index in table.describe_indices()]
        return Shape(rows, len(fragments), deleted, max(rows - min(indexed, default=rows), 0))

    def write(self, ref: TableRef, properties: Mapping[str, str]) -> "TableWrite":
        """Begin a write whose content starts as that of `ref`; `properties` are kept with what it writes."""
        return TableWrite(
            self, ref, properties, _restored(self._checkout(ref.name, (ref.branch, None)), ref, properties)
        )

    def clean(self, name: str, branch: str, *, keep: frozenset[int], older_than: datetime) -> int:
        """Drop the branch's versions that are not in `keep`, are older, and are not its newest; how many went.

        Files that another branch still reads stay.
        """
        table = self._checkout(name, (branch, None))
        versions = [
            (entry["version"], cast("datetime", entry["timestamp"]).astimezone(UTC)) for entry in table.versions()
        ]
        going = [
            number
            for number, at in versions
            if number not in keep and number != table.version and at.astimezone(UTC) < older_than
        ]
        if not going:
            return 0
        with self._lock:
            for ref in [ref for ref in self._open if (ref.name, ref.branch) == (name, branch) and ref.version in going]:
                del self._open[ref]
        return int(table.cleanup_old_versions(versions=going, error_if_tagged_old_versions=False).old_versions)

    def forked_at(self, name: str) -> dict[str, set[int]]:
        """For each branch that has forks, the versions they start from."""
        points: dict[str, set[int]] = {}
        for branch in self._checkout(name, (_MAIN, None)).branches.list().values():
            points.setdefault(branch["parent_branch"] or _MAIN, set()).add(branch["parent_version"])
        return points

    def branches(self, name: str) -> dict[str, datetime]:
        """Every branch but the main one, and when it was made."""
        listed = self._checkout(name, (_MAIN, None)).branches.list()
        return {branch: datetime.fromtimestamp(entry["create_at"], UTC) for branch, entry in listed.items()}

    def drop_branch(self, name: str, branch: str) -> None:
        """Remove a branch with what only it holds, if it is there; raises `OSError` while it has forks."""
        branches = self._checkout(name, (_MAIN, None)).branches
        if branch in branches.list():
            branches.delete(branch)

    def _checkout(self, name: str, version: tuple[str, int | None]) -> LanceDataset:
        table = lance.dataset(self.uri(name), storage_options=self._options())
        branch, number = version
        if branch == _MAIN:
            return table if number is None else table.checkout_version(number)
        return table.checkout_version((branch, number))

    def uri(self, name: str) -> str:
        """Where Lance finds the table."""
        return f"{self.root.rstrip('/')}/{name}"

    def _options(self) -> dict[str, str] | None:
        return dict(self.storage_options) or None


@dataclass(slots=True)
class TableWrite:
    """Changes to one branch, written as one version by `commit`. Nothing is visible before; files it wrote may stay."""

    tables: Tables
    pinned: TableRef
    properties: Mapping[str, str]
    base: LanceDataset
    """Equal in content to `pinned`, and the newest version of the branch when the write began."""
    _fragments: list[FragmentMetadata] = field(default_factory=list)
    _addresses: list[NDArray[np.uint64]] = field(default_factory=list)
    _writing: "Future[list[FragmentMetadata]] | None" = None

    def append(self, rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> Self:
        """Write rows while the caller makes the next ones; memory holds those of two calls.

        What goes wrong is raised by the next call, or by `commit`.
        """
        self._settle()
        self._writing = self.tables._writers.submit(  # noqa: SLF001
            write_fragments,
            pa.RecordBatchReader.from_batches(schema, rows),
            self.base,
            max_rows_per_file=ROWS_PER_FILE,
            storage_options=self.tables._options(),  # noqa: SLF001
        )
        return self

    def delete(self, addresses: NDArray[np.uint64]) -> Self:
        """Remove rows of `base` by their row addresses (`_rowaddr`)."""
        self._addresses.append(addresses)
        return self

    @property
    def is_empty(self) -> bool:
        """Nothing would change."""
        self._settle()
        return not self._fragments and not any(len(addresses) for addresses in self._addresses)

    def commit(self, *, reindex_above: int) -> TableRef:
        """Write one version with all of it; raises `ForeignWrite` where another writer came in between.

        Where the indexes then lack more rows than `reindex_above`, another version brings them up to date.
        """
        if self.is_empty:
            return self.pinned
        updated, removed = self._deletions()
        operation = LanceOperation.Update(
            removed_fragment_ids=removed, updated_fragments=updated, new_fragments=self._fragments, fields_modified=[]
        )
        transaction = Transaction(self.base.version, operation, transaction_properties=dict(self.properties))
        with _conflicts_as_foreign_writes(self.pinned):
            written = LanceDataset.commit(
                self.base,
                transaction,
                max_retries=_NO_RETRIES,
                storage_options=self.tables._options(),  # noqa: SLF001
            )
        ref = require_own(TableRef(self.pinned.name, self.pinned.branch, written.version), self.base.version)
        if self.tables.shape(ref).unindexed_rows <= reindex_above:
            return ref
        with _conflicts_as_foreign_writes(ref):
            written.optimize.optimize_indices()
        return require_own(TableRef(ref.name, ref.branch, written.version), ref.version)

    def _settle(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            self._fragments += self._writing.result()
            self._writing = None

    def _deletions(self) -> tuple[list[FragmentMetadata], list[int]]:
        addresses = np.unique(np.concatenate([*self._addresses, np.empty(0, dtype=np.uint64)]).astype(np.uint64))
        updated, removed = [], []
        for number in np.unique(addresses >> _OFFSET_BITS).tolist():
            fragment = self.base.get_fragment(number)
            if fragment is None:
                message = (
                    f"'{self.pinned.name}' has no fragment {number}: addresses are of the version they were read from."
                )
                raise LookupError(message)
            left = fragment.delete(_address_predicate(addresses[addresses >> _OFFSET_BITS == number]))
            if left is None:
                removed.append(number)
            else:
                updated.append(left)
        return updated, removed


def require_own(written: TableRef, base_version: int) -> TableRef:
    """A version that is not the next one after its base was built on somebody else's rows."""
    if written.version != base_version + 1:
        raise _foreign(written)
    return written


def compact_table(write: TableWrite) -> TableRef:
    """Rewrite `base` into few large files without deleted rows, and bring its indexes up to date; equal content.

    Raises `ForeignWrite` where another writer came in between.
    """
    table, start = write.base, write.base.version
    with _conflicts_as_foreign_writes(write.pinned):
        _compact(table, write.tables.shape(write.pinned))
    for number in range(start + 1, table.version + 1):
        if _operation(table, number) not in _SAME_CONTENT:
            raise _foreign(write.pinned)
    return TableRef(write.pinned.name, write.pinned.branch, table.version)


def _compact(table: LanceDataset, shape: Shape) -> None:
    if shape.is_compact:
        table.optimize.optimize_indices()
        return
    # Built anew: Lance 14 looks for the moved index of a fork in the folder of the branch it was forked from.
    columns = {index.name: index.field_names[0] for index in table.describe_indices()}
    for name in columns:
        table.drop_index(name)
    table.optimize.compact_files()
    for name, column in columns.items():
        table.create_scalar_index(column, "BTREE", name=name)


@contextmanager
def _conflicts_as_foreign_writes(ref: TableRef) -> Iterator[None]:
    """Lance merges some writes that meet, which `require_own` finds, and refuses others."""
    try:
        yield
    except CommitConflictError as error:
        raise _foreign(ref) from error
    except OSError as error:
        if "commit conflict" not in str(error):
            raise
        raise _foreign(ref) from error


def _foreign(ref: TableRef) -> ForeignWrite:
    return ForeignWrite(f"Another writer wrote to '{ref.name}' at the same time.", hint="Try again.")


def _operation(table: LanceDataset, version: int) -> type | None:
    try:
        made = table.read_transaction(version)
    except TypeError as error:
        # pylance 14 cannot build the Python value of a compaction that moved an index; only those have one.
        if "RewrittenIndex" not in str(error):
            raise
        return LanceOperation.Rewrite
    return None if made is None else type(made.operation)


def _restored(newest: LanceDataset, ref: TableRef, properties: Mapping[str, str]) -> LanceDataset:
    """Make the pinned version the newest one again: every write is built on the newest."""
    if newest.version == ref.version:
        return newest
    transaction = Transaction(
        newest.version, LanceOperation.Restore(ref.version), transaction_properties=dict(properties)
    )
    with _conflicts_as_foreign_writes(ref):
        return LanceDataset.commit(newest, transaction, max_retries=_NO_RETRIES)


def _address_predicate(addresses: NDArray[np.uint64]) -> str:
    """Runs of neighbours as ranges: what was written together often goes together."""
    breaks = np.flatnonzero(np.diff(addresses) != 1) + 1
    starts, ends = addresses[np.r_[0, breaks]], addresses[np.r_[breaks - 1, len(addresses) - 1]]
    single = starts == ends
    ranges = zip(starts[~single].tolist(), ends[~single].tolist(), strict=True)
    parts = [f"(_rowaddr >= {first} AND _rowaddr <= {last})" for first, last in ranges]
    if single.any():
        parts.append(f"_rowaddr IN ({','.join(map(str, starts[single].tolist()))})")
    return " OR ".join(parts)
