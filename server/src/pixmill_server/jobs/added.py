"""Assets that a Run adds to the version it makes: checked when they are staged, rows of the version at the commit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from pixmill.annotations import AnnotationColumns, AssetId, require_attributes
from pixmill_server.datasets.identity import new_ids
from pixmill_server.datasets.ingest import Ingest, Offered, StagedImage, assets_batch, check_images, missing_objects
from pixmill_server.datasets.records import AssetRecord
from pixmill_server.datasets.stores import Datasets
from pixmill_server.jobs.errors import ChunkMismatch


@dataclass(frozen=True, slots=True)
class OfferedAsset:
    """An asset for the new version, as the supervisor tells it."""

    origin: str
    """The id of the asset that it was made of."""
    path: str
    digest: str
    tags: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


class AddedAsset(msgspec.Struct, frozen=True):
    """One whose image was checked, as it is staged."""

    id: str
    origin: str
    image: StagedImage


@dataclass(frozen=True, slots=True)
class Added:
    """What a chunk adds."""

    assets: Sequence[AddedAsset] = ()
    annotations: AnnotationColumns | None = None
    """Of these, by id; None for none."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Assets of which something was made that is no image: why, by id."""


def check_added(ingest: Ingest, offered: Sequence[OfferedAsset], packed: bytes) -> Added:
    """Decode each image in full, as an import does; where one is refused, nothing that was made of its origin is taken.

    `packed` are their annotations, by path. Raises `ChunkMismatch` for what no supervisor of ours says.
    """
    if not offered:
        return Added()
    paths = [asset.path for asset in offered]
    images = {asset.path: Offered(asset.path, asset.digest, metadata=asset.metadata) for asset in offered}
    if missing := missing_objects(ingest.datasets.objects, list(images.values())):
        raise ChunkMismatch(f"The image {missing[0]} was not sent.")
    checked = check_images(ingest, list(images.values()))
    refused = _made_twice(offered)
    for asset in offered:
        if why := checked.refused.get(asset.path):
            refused.setdefault(asset.origin, f"the image '{asset.path}' that was made of it was refused: {why}")
    found = {image.path: image for image in checked.staged}
    kept = [asset for asset in offered if asset.origin not in refused]
    ids = new_ids(len(kept), ingest.datasets.clock.now()).to_pylist()
    assets = [
        AddedAsset(asset_id, asset.origin, msgspec.structs.replace(found[asset.path], tags=list(asset.tags)))
        for asset_id, asset in zip(ids, kept, strict=True)
    ]
    return Added(assets, _by_id(packed, paths, {asset.image.path: asset.id for asset in assets}), refused)


def without(columns: AnnotationColumns, gone: Mapping[str, object]) -> AnnotationColumns:
    """The annotations of other assets than these."""
    return _of(columns, {name: name for name in columns.assets if name not in gone})


def rows_of_added(added: Sequence[AddedAsset], datasets: Datasets) -> pa.RecordBatch:
    """Rows of the assets table."""
    return assets_batch([asset.image for asset in added], datasets, ids=[asset.id for asset in added])


def record_of(new: AddedAsset, *, created_at: datetime) -> AssetRecord:
    """As an asset is read, of one that is in no version yet."""
    image = new.image
    return AssetRecord(
        id=AssetId(new.id),
        path=image.path,
        digest=image.digest,
        size_bytes=image.size_bytes,
        width=image.width,
        height=image.height,
        orientation=image.orientation,
        media_type=image.media_type,
        source_uri=image.source_uri,
        external_id=image.external_id,
        tags=tuple(image.tags),
        metadata=msgspec.json.decode(image.metadata) if image.metadata else {},
        created_at=created_at,
    )


def _made_twice(offered: Sequence[OfferedAsset]) -> dict[str, str]:
    """The origins of assets with equal paths, with that reason."""
    made = Counter(asset.path for asset in offered)
    return {
        asset.origin: f"more than one asset '{asset.path}' is made, and a path is there once"
        for asset in offered
        if made[asset.path] > 1
    }


def _by_id(packed: bytes, paths: Sequence[str], ids: Mapping[str, str]) -> AnnotationColumns | None:
    if not packed:
        return None
    try:
        columns = AnnotationColumns.from_bytes(packed)
        require_attributes(columns)
    except (msgspec.DecodeError, ValueError) as error:
        raise ChunkMismatch(f"The annotations of added assets cannot be read: {error}.") from error
    if strangers := set(columns.assets) - set(paths):
        raise ChunkMismatch(f"'{min(strangers)}' has annotations, and is not among the assets that are added.")
    return _of(columns, ids)


def _of(columns: AnnotationColumns, names: Mapping[str, str]) -> AnnotationColumns:
    """The rows of the named assets alone, under their new names."""
    kept = [place for place, name in enumerate(columns.assets) if name in names]
    taken = columns.take(np.flatnonzero(np.isin(columns.asset, kept)))
    places = np.zeros(len(columns.assets), dtype=np.int32)
    places[kept] = np.arange(len(kept), dtype=np.int32)
    return replace(taken, assets=tuple(names[columns.assets[place]] for place in kept), asset=places[taken.asset])
