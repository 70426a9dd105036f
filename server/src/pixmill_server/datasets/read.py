"""Reads of a pinned Revision: pages of assets, their annotations, and streams over all of it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pixmill.annotations import AssetId
from pixmill_server.datasets.errors import AssetNotFound
from pixmill_server.datasets.existing import one_of
from pixmill_server.datasets.filters import ALL, AssetFilter, ranking
from pixmill_server.datasets.orders import Order
from pixmill_server.datasets.ranking import pages_of
from pixmill_server.datasets.records import AssetRecord, Label, Page, Pinned
from pixmill_server.datasets.schemas import ANNOTATIONS
from pixmill_server.datasets.selections import keep_selection
from pixmill_server.datasets.stores import Datasets
from pixmill_server.storage.tables import TableRef

MAX_PAGE: Final = 1000
ASSETS_AT_ONCE: Final = 1000


def assets_page(
    datasets: Datasets, pinned: Pinned, *, after: str | None, limit: int, where: AssetFilter = ALL
) -> Page[AssetRecord]:
    """Assets in path order; the cursor is the last path (None: from the start), and need not exist."""
    chosen = ranking(datasets, pinned, where)
    start = 0 if after is None else chosen.rank_after(datasets.tables.open(pinned.assets), after)
    return assets_from(datasets, pinned, start=start, limit=limit, where=where)


def assets_from(
    datasets: Datasets,
    pinned: Pinned,
    *,
    start: int,
    limit: int,
    where: AssetFilter = ALL,
    order: Order = Order.PATH,
) -> Page[AssetRecord]:
    """As `assets_page`, from a rank (0 is the first) and in any order, so that a grid can jump.

    `next_cursor` is the last path.
    """
    chosen, limit = ranking(datasets, pinned, where, order), min(limit, MAX_PAGE)
    rows = chosen.take(datasets.tables.open(pinned.assets), start, limit)
    items = records(rows)
    return Page(items, items[-1].path if items and start + len(items) < len(chosen) else None)


def rank_of(
    datasets: Datasets, pinned: Pinned, asset: AssetRecord, *, where: AssetFilter = ALL, order: Order = Order.PATH
) -> int | None:
    """The asset's place (0 is the first) among those of the filter; None where the filter does not mean it."""
    by_path = ranking(datasets, pinned, ALL)
    place = by_path.rank_after(datasets.tables.open(pinned.assets), asset.path) - 1
    if place < 0:
        return None
    return ranking(datasets, pinned, where, order).rank_of(int(by_path.rows[place]))


def count_assets(datasets: Datasets, pinned: Pinned, where: AssetFilter = ALL) -> int:
    """How many assets the filter means."""
    return pinned.counts.assets if where.is_all else len(ranking(datasets, pinned, where))


def assets_by_id(datasets: Datasets, pinned: Pinned, ids: Sequence[str]) -> list[AssetRecord]:
    """In the order of the ids; ids that the Revision does not have are left out."""
    found: dict[str, AssetRecord] = {}
    table = datasets.tables.open(pinned.assets)
    for start in range(0, len(ids), ASSETS_AT_ONCE):
        rows = table.to_table(filter=one_of("id", ids[start : start + ASSETS_AT_ONCE]))
        found |= {record.id: record for record in records(rows)}
    return [found[AssetId(asset_id)] for asset_id in ids if asset_id in found]


def asset_by_id(datasets: Datasets, pinned: Pinned, asset_id: str) -> AssetRecord:
    """Raises `AssetNotFound`."""
    return asset_in(datasets, pinned.assets, asset_id)


def asset_in(datasets: Datasets, assets: TableRef, asset_id: str) -> AssetRecord:
    """As `asset_by_id`, of a version of the assets table."""
    return datasets.records.get((assets, asset_id), lambda: _asset_in(datasets, assets, asset_id))


def remember(datasets: Datasets, pinned: Pinned, assets: Iterable[AssetRecord]) -> None:
    """For `asset_in`: a grid that shows assets asks for the thumbnail of each, one by one."""
    for asset in assets:
        datasets.records.get((pinned.assets, asset.id), partial(_same, asset))


def _same(asset: AssetRecord) -> AssetRecord:
    return asset


def _asset_in(datasets: Datasets, assets: TableRef, asset_id: str) -> AssetRecord:
    # Where the row is known, reading it alone is quicker than looking for it.
    positions = datasets.positions.known(assets)
    if positions is None:
        return _only(datasets, assets, "id", asset_id)
    row = int(positions.of(pa.array([asset_id], pa.string()))[0])
    found = records(datasets.tables.open(assets).take([row])) if row >= 0 else []
    # An id that is too long was cut to be looked for.
    if not found or found[0].id != asset_id:
        raise AssetNotFound(asset_id)
    return found[0]


def asset_by_path(datasets: Datasets, pinned: Pinned, path: str) -> AssetRecord:
    """Raises `AssetNotFound`."""
    return _only(datasets, pinned.assets, "path", path)


def annotations_of(datasets: Datasets, pinned: Pinned, asset_ids: Sequence[str]) -> pa.Table:
    """The assets' annotations, in the columns of `schemas.ANNOTATIONS`: assets in the given order, then by id."""
    if not asset_ids or not pinned.counts.annotations:
        return ANNOTATIONS.empty_table()
    table = datasets.tables.open(pinned.annotations)
    rows = table.to_table(filter=one_of("asset_id", asset_ids)).combine_chunks()
    place = pc.index_in(rows["asset_id"], value_set=pa.array(list(dict.fromkeys(asset_ids)), pa.string()))
    keys = pa.table({"place": place, "id": rows["id"]})
    return rows.take(pc.sort_indices(keys, sort_keys=[("place", "ascending"), ("id", "ascending")]))


def annotations_scan(
    datasets: Datasets, pinned: Pinned, *, where: AssetFilter = ALL
) -> Iterator[tuple[list[AssetRecord], pa.Table]]:
    """All assets of the filter in path order, some at a time, each lot with its annotations by asset, then by id."""
    chosen, table = ranking(datasets, pinned, where), datasets.tables.open(pinned.assets)
    for start in range(0, len(chosen), ASSETS_AT_ONCE):
        lot = records(chosen.take(table, start, ASSETS_AT_ONCE))
        yield lot, annotations_of(datasets, pinned, [asset.id for asset in lot])


def select_asset_ids(
    datasets: Datasets, pinned: Pinned, where: AssetFilter = ALL, *, rows: int = 10_000
) -> Iterator[pa.Array]:
    """Ids of the assets that the filter means, in path order, in arrays of at most `rows`."""
    chosen = ranking(datasets, pinned, where)
    for page in pages_of(chosen, datasets.tables.open(pinned.assets), ["id"], rows):
        yield page["id"].combine_chunks()


def select_between(
    datasets: Datasets, pinned: Pinned, where: AssetFilter, order: Order, *, start: int, limit: int
) -> list[str]:
    """The ids of the ranks `start` to `start + limit`."""
    rows = ranking(datasets, pinned, where, order).take(
        datasets.tables.open(pinned.assets), start, limit, columns=["id"]
    )
    ids: list[str] = rows["id"].to_pylist()
    return ids


def select_all_but(datasets: Datasets, pinned: Pinned, where: AssetFilter, without: Iterable[str]) -> str:
    """Keep what the filter means now, without some; the selection's id."""
    left_out = set(without)
    found = (asset_id for ids in select_asset_ids(datasets, pinned, where) for asset_id in ids.to_pylist())
    return keep_selection(datasets.objects, (asset_id for asset_id in found if asset_id not in left_out))


def label_histogram(datasets: Datasets, pinned: Pinned) -> list[tuple[Label, int]]:
    """How many annotations each Label has, in the Labels' order."""
    counts: dict[str, int] = {}
    for batch in datasets.tables.open(pinned.annotations).to_batches(columns=["label_id"]):
        for entry in batch["label_id"].value_counts().to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    return [(label, counts.get(label.id, 0)) for label in pinned.labels]


def tags_in_use(datasets: Datasets, pinned: Pinned) -> list[tuple[str, int]]:
    """Each tag and how many assets have it, by name."""
    counts: dict[str, int] = {}
    for batch in datasets.tables.open(pinned.assets).to_batches(columns=["tags"]):
        for entry in batch["tags"].flatten().value_counts().to_pylist():
            counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
    return sorted(counts.items())


def median_score(datasets: Datasets, pinned: Pinned) -> float | None:
    """Of all annotations that have a score; None where none has."""
    scores = [
        batch["score"].drop_null().to_numpy()
        for batch in datasets.tables.open(pinned.annotations).to_batches(columns=["score"])
    ]
    every = np.concatenate([*scores, np.empty(0)])
    return float(np.median(every)) if len(every) else None


def records(rows: pa.Table) -> list[AssetRecord]:
    """Rows of the assets table as values."""
    return [
        AssetRecord(
            **{
                **row,
                "tags": tuple(row["tags"]),
                "metadata": msgspec.json.decode(row["metadata"]) if row["metadata"] else {},
            }
        )
        for row in rows.to_pylist()
    ]


def _only(datasets: Datasets, assets: TableRef, column: str, value: str) -> AssetRecord:
    found = records(datasets.tables.open(assets).to_table(filter=one_of(column, [value])))
    if not found:
        raise AssetNotFound(value)
    return found[0]
