"""What a Revision has already, asked while a change streams past: a few look-ups by index, then one scan.

Asked about a few assets, the index answers; asked about many, one column is read once, and kept as 32 bytes for each.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lance import LanceDataset
from numpy.typing import NDArray

LOOK_UP_AT_MOST: Final = 4000
ID_DIGITS: Final = 32
Ids = NDArray[np.bytes_]


@dataclass(slots=True)
class KnownIds:
    """Which ids one column of a table holds."""

    table: LanceDataset
    column: str
    _asked: int = 0
    _all: Ids | None = None

    def among(self, ids: Ids) -> NDArray[np.bool_]:
        """For each id, whether the column has it."""
        if not len(ids):
            return np.zeros(0, dtype=bool)
        self._asked += len(ids)
        if self._all is None and self._asked > LOOK_UP_AT_MOST:
            self._all = self._scan()
        if self._all is None:
            return is_among(ids, unique_ids(self._look_up(ids)))
        return is_among(ids, self._all)

    def _look_up(self, ids: Ids) -> list[pa.Array]:
        found = self.table.to_table(columns=[self.column], filter=one_of(self.column, texts(ids)))
        return list(found[self.column].chunks)

    def _scan(self) -> Ids:
        return unique_ids(batch[self.column] for batch in self.table.to_batches(columns=[self.column]))


@dataclass(slots=True)
class KnownPaths:
    """The ids and digests of the paths that a Revision has, and of those that this change adds."""

    table: LanceDataset
    is_empty: bool
    _added: dict[str, tuple[str, str]] = field(default_factory=dict)

    def look_up(self, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Path to (id, digest), of those there are."""
        found = {path: self._added[path] for path in paths if path in self._added}
        missing = [path for path in paths if path not in found]
        if self.is_empty or not missing:
            return found
        rows = self.table.to_table(columns=["path", "id", "digest"], filter=one_of("path", missing))
        columns = (rows[name].to_pylist() for name in ("path", "id", "digest"))
        return found | {path: (asset_id, digest) for path, asset_id, digest in zip(*columns, strict=True)}

    def add(self, path: str, asset_id: str, digest: str) -> None:
        """Remember what this change adds."""
        self._added[path] = (asset_id, digest)


def one_of(column: str, values: Iterable[str]) -> str:
    """A filter: the column is one of the texts."""
    listed = ",".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({listed})"


def as_ids(column: pa.Array | pa.ChunkedArray) -> Ids:
    """Ids as fixed bytes, which numpy sorts and searches."""
    if isinstance(column, pa.ChunkedArray):
        parts = [as_ids(chunk) for chunk in column.chunks]
        return np.concatenate([*parts, np.empty(0, dtype=f"S{ID_DIGITS}")])
    if _is_plain(column):
        return _view(column)
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=f"S{ID_DIGITS}")


def unique_ids(arrays: Iterable[pa.Array]) -> Ids:
    """The distinct ids of all arrays, sorted; each array is made small before the next one comes."""
    parts = pa.chunked_array([pc.unique(array) for array in arrays], pa.string())
    return np.sort(as_ids(pc.unique(parts)))


def is_among(ids: Ids, sorted_ids: Ids) -> NDArray[np.bool_]:
    """For each id, whether the sorted ones have it."""
    if not len(sorted_ids):
        return np.zeros(len(ids), dtype=bool)
    place = np.minimum(np.searchsorted(sorted_ids, ids), len(sorted_ids) - 1)
    return np.asarray(sorted_ids[place] == ids, dtype=bool)


def texts(ids: Ids) -> list[str]:
    """Ids as Python texts."""
    return [value.decode() for value in ids.tolist()]


def _is_plain(column: pa.Array) -> bool:
    """There are some, and each has exactly the digits of an id, one after the other."""
    if not len(column) or column.type != pa.string() or column.null_count:
        return False
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    return bool((np.diff(offsets) == ID_DIGITS).all())


def _view(column: pa.Array) -> Ids:
    start = int(np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset])
    return np.frombuffer(column.buffers()[2], dtype=f"S{ID_DIGITS}", count=len(column), offset=start)
