"""Which assets of a Revision, in path order: 4 bytes for each, so that any page is found without reading the others."""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lance import LanceDataset
from numpy.typing import NDArray

POST_EVERY = 256
CACHE_BYTES = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of one version of the assets table, sorted by path (as bytes)."""

    rows: NDArray[np.uint32]
    """Positions in the table, for `LanceDataset.take`."""
    posts: tuple[str, ...]
    """The path of every 256th row, to find a path without reading all."""

    def __len__(self) -> int:
        return len(self.rows)

    def rank_after(self, table: LanceDataset, path: str) -> int:
        """How many of the selected paths are not after `path`."""
        block = max(bisect_right(self.posts, path) - 1, 0) * POST_EVERY
        nearby = self.rows[block : block + POST_EVERY]
        if not len(nearby):
            return 0
        paths = table.take(nearby.tolist(), columns=["path"])["path"].to_pylist()
        return block + bisect_right(paths, path)

    def take(self, table: LanceDataset, start: int, count: int, columns: list[str] | None = None) -> pa.Table:
        """The rows of the ranks `start` to `start + count`, in path order."""
        return table.take(self.rows[start : start + count].tolist(), columns=columns)


@dataclass(slots=True)
class SelectionCache:
    """Keeps what was selected lately, up to a size in bytes. A selection is of an immutable version: it never ages."""

    _kept: OrderedDict[Hashable, Selection] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, make: Callable[[], Selection]) -> Selection:
        """The selection of the key, made where it is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > 1 and sum(kept.rows.nbytes for kept in self._kept.values()) > CACHE_BYTES:
                self._kept.popitem(last=False)
        return made


def select_rows(
    table: LanceDataset, keep: Callable[[pa.RecordBatch], pa.BooleanArray] | None, columns: list[str]
) -> Selection:
    """The rows that `keep` (None: all) says yes to, from a scan over `path` and the columns it looks at."""
    paths, rows, start = [], [], 0
    for batch in table.to_batches(columns=["path", *columns], scan_in_order=True):
        chosen = np.arange(batch.num_rows, dtype=np.uint32)
        if keep is not None:
            chosen = np.flatnonzero(keep(batch).to_numpy(zero_copy_only=False)).astype(np.uint32)
        paths.append(batch["path"].take(pa.array(chosen)))
        rows.append(chosen + np.uint32(start))
        start += batch.num_rows
    return _sorted(pa.chunked_array(paths, pa.string()), np.concatenate([*rows, np.empty(0, dtype=np.uint32)]))


def _sorted(paths: pa.ChunkedArray, rows: NDArray[np.uint32]) -> Selection:
    flat = paths.combine_chunks()
    order = pc.array_sort_indices(flat).to_numpy()
    posts = flat.take(pa.array(order[::POST_EVERY])).to_pylist()
    return Selection(rows[order].astype(np.uint32), tuple(posts))


def pages_of(selection: Selection, table: LanceDataset, columns: list[str], rows: int) -> Iterator[pa.Table]:
    """All of it in path order, some rows at a time."""
    for start in range(0, len(selection), rows):
        yield selection.take(table, start, rows, columns)
