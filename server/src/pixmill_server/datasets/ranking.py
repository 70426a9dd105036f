"""Which assets of a Revision, in an order: 4 bytes for each, so that any page is found without reading the others."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lance import LanceDataset
from numpy.typing import NDArray

POST_EVERY: Final = 256


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows of one version of the assets table, in an order."""

    rows: NDArray[np.uint32]
    """Positions in the table, for `LanceDataset.take`."""
    posts: tuple[str, ...] = ()
    """Sorted by path (as bytes): the path of every 256th row, to find a path without reading all. Else empty."""

    def __len__(self) -> int:
        return len(self.rows)

    def rank_after(self, table: LanceDataset, path: str) -> int:
        """How many of the paths are not after `path`; of a ranking by path."""
        block = max(bisect_right(self.posts, path) - 1, 0) * POST_EVERY
        nearby = self.rows[block : block + POST_EVERY]
        if not len(nearby):
            return 0
        paths = table.take(nearby.tolist(), columns=["path"])["path"].to_pylist()
        return block + bisect_right(paths, path)

    def rank_of(self, position: int) -> int | None:
        """The place of a row of the table; None where the ranking does not have it."""
        found = np.flatnonzero(self.rows == position)
        return int(found[0]) if len(found) else None

    def take(self, table: LanceDataset, start: int, count: int, columns: list[str] | None = None) -> pa.Table:
        """The rows of the ranks `start` to `start + count`, in their order."""
        return table.take(self.rows[start : start + count].tolist(), columns=columns)

    def sorted_by(self, keys: NDArray[np.float64]) -> "Ranking":
        """The same rows by a key for each row of the table, least first; equal ones stay in the order they have."""
        return Ranking(self.rows[np.argsort(keys[self.rows], kind="stable")])


def rank_rows(
    table: LanceDataset, keep: Callable[[pa.RecordBatch], pa.BooleanArray] | None, columns: list[str]
) -> Ranking:
    """By path, the rows that `keep` (None: all) says yes to, from a scan over `path` and the columns it looks at."""
    paths, rows, start = [], [], 0
    for batch in table.to_batches(columns=["path", *columns], scan_in_order=True):
        chosen = np.arange(batch.num_rows, dtype=np.uint32)
        if keep is not None:
            chosen = np.flatnonzero(keep(batch).to_numpy(zero_copy_only=False)).astype(np.uint32)
        paths.append(batch["path"].take(pa.array(chosen)))
        rows.append(chosen + np.uint32(start))
        start += batch.num_rows
    return _by_path(pa.chunked_array(paths, pa.string()), np.concatenate([*rows, np.empty(0, dtype=np.uint32)]))


def _by_path(paths: pa.ChunkedArray, rows: NDArray[np.uint32]) -> Ranking:
    flat = paths.combine_chunks()
    order = pc.array_sort_indices(flat).to_numpy()
    posts = flat.take(pa.array(order[::POST_EVERY])).to_pylist()
    return Ranking(rows[order].astype(np.uint32), tuple(posts))


def pages_of(ranking: Ranking, table: LanceDataset, columns: list[str], rows: int) -> Iterator[pa.Table]:
    """All of it in its order, some rows at a time."""
    for start in range(0, len(ranking), rows):
        yield ranking.take(table, start, rows, columns)
