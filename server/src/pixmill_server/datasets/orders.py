"""The orders in which assets can be walked through, beside that of their paths."""

from enum import StrEnum

import numpy as np
import pyarrow.compute as pc
from lance import LanceDataset
from numpy.typing import NDArray

from pixmill_server.datasets.asset_positions import AssetPositions


class Order(StrEnum):
    """How assets are sorted; where two are equal, by path."""

    PATH = "path"
    NEWEST = "newest"
    """The last imported first."""
    MOST_SHAPES = "most-shapes"
    FEWEST_SHAPES = "fewest-shapes"
    LOWEST_SCORE = "lowest-score"
    """By the least certain shape of each; assets without a score come last."""
    HIGHEST_SCORE = "highest-score"


def order_keys(assets: LanceDataset, annotations: LanceDataset, predicate: str, order: Order) -> NDArray[np.float64]:
    """One key for each row of the assets table, least first; only annotations that the predicate allows count."""
    if order is Order.NEWEST:
        return -_created(assets)
    positions = AssetPositions.read(assets)
    if order in (Order.MOST_SHAPES, Order.FEWEST_SHAPES):
        counts = _counts(positions, annotations, predicate)
        return counts if order is Order.FEWEST_SHAPES else -counts
    if order is Order.HIGHEST_SCORE:
        return _least(positions, annotations, predicate, sign=-1.0)
    return _least(positions, annotations, predicate, sign=1.0)


def _created(assets: LanceDataset) -> NDArray[np.float64]:
    """Microseconds since 1970 of every row."""
    scanned = [
        pc.cast(batch["created_at"], "int64").to_numpy(zero_copy_only=False).astype(np.float64)
        for batch in assets.to_batches(columns=["created_at"], scan_in_order=True)
    ]
    return np.concatenate([*scanned, np.empty(0)])


def _counts(positions: AssetPositions, annotations: LanceDataset, predicate: str) -> NDArray[np.float64]:
    counts = np.zeros(len(positions))
    for batch in annotations.to_batches(columns=["asset_id"], filter=predicate or None):
        found = positions.of(batch["asset_id"])
        counts += np.bincount(found[found >= 0], minlength=len(positions))
    return counts


def _least(positions: AssetPositions, annotations: LanceDataset, predicate: str, *, sign: float) -> NDArray[np.float64]:
    least = np.full(len(positions), np.inf)
    for batch in annotations.to_batches(columns=["asset_id", "score"], filter=predicate or None):
        found, scores = positions.of(batch["asset_id"]), batch["score"].to_numpy(zero_copy_only=False)
        counted = (found >= 0) & ~np.isnan(scores)
        np.minimum.at(least, found[counted], sign * scores[counted])
    return least
