"""Shapes of Runs that a human judged, and that a Run finds once more: they are there already."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from lance import LanceDataset
from numpy.typing import NDArray

from pixmill.annotations import Review, Source
from pixmill_server.datasets.existing import LOOK_UP_AT_MOST, one_of

_SAME = ["kind", "label_id", "bbox_x", "bbox_y", "bbox_width", "bbox_height", "coordinates", "rings", "mask"]
_JUDGED = f"source = '{Source.RUN}' AND (edited_by <> '' OR review IN ('{Review.ACCEPTED}', '{Review.EDITED}'))"
"""All that a Run does not replace."""


@dataclass(slots=True)
class JudgedShapes:
    """What humans accepted, edited or rejected of Runs' shapes in one Revision; read for a few assets at a time."""

    table: LanceDataset
    _there_are_any: bool = field(init=False)

    def __post_init__(self) -> None:
        self._there_are_any = self.table.count_rows(filter=_JUDGED) > 0

    def repeated_by(self, rows: pa.RecordBatch) -> NDArray[np.bool_]:
        """For each row that is to be added, whether a judged one of the same asset, Label and place is there."""
        repeated = np.zeros(rows.num_rows, dtype=bool)
        if not self._there_are_any or not rows.num_rows:
            return repeated
        asset_ids = rows["asset_id"].to_pylist()
        there = self._on(sorted(set(asset_ids)))
        for row, asset_id in enumerate(asset_ids):
            if asset_id in there:
                repeated[row] = _place(rows.slice(row, 1).select(_SAME).to_pylist()[0]) in there[asset_id]
        return repeated

    def _on(self, asset_ids: list[str]) -> dict[str, set[tuple[Any, ...]]]:
        there: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
        for start in range(0, len(asset_ids), LOOK_UP_AT_MOST):
            where = f"{one_of('asset_id', asset_ids[start : start + LOOK_UP_AT_MOST])} AND {_JUDGED}"
            for batch in self.table.to_batches(columns=["asset_id", *_SAME], filter=where):
                for row in batch.to_pylist():
                    there[row.pop("asset_id")].add(_place(row))
        return there


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in (row[name] for name in _SAME))
