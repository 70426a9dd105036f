"""From the ids of assets to their rows in one version of the assets table; 36 bytes for each asset while it is used."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lance import LanceDataset
from numpy.typing import NDArray

from pixmill_server.datasets.existing import Ids, as_ids

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class AssetPositions:
    """Every asset of one version of the table."""

    _ids: Ids
    """Sorted."""
    _rows: NDArray[np.int32]

    @classmethod
    def read(cls, table: LanceDataset) -> "AssetPositions":
        """From a scan over the ids."""
        scanned = [as_ids(batch["id"]) for batch in table.to_batches(columns=["id"], scan_in_order=True)]
        ids = np.concatenate([*scanned, np.empty(0, dtype="S32")])
        order = np.argsort(ids, kind="stable")
        return cls(ids[order], order.astype(np.int32))

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def nbytes(self) -> int:
        """What it holds in memory."""
        return self._ids.nbytes + self._rows.nbytes

    def of(self, column: pa.Array) -> NDArray[np.int32]:
        """For each id its row, or `NOWHERE`."""
        ids = as_ids(column)
        if not len(self._ids):
            return np.full(len(ids), NOWHERE, dtype=np.int32)
        # Annotations of one asset mostly lie side by side: each is looked for once.
        first = np.ones(len(ids), dtype=bool)
        first[1:] = pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
        wanted = ids[first]
        place = np.minimum(np.searchsorted(self._ids, wanted), len(self._ids) - 1)
        found = np.where(self._ids[place] == wanted, self._rows[place], NOWHERE).astype(np.int32)
        return found[np.cumsum(first) - 1] if len(ids) else found
