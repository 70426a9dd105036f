"""What the tests of Datasets build upon: a clock, assets that are rows only, and boxes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from pixmill.annotations import BoundingBox, ColumnsBuilder, Origin, Source
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import labels, read, versions
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.revise import Author, Committed
from pixmill_server.datasets.schemas import ASSETS
from pixmill_server.datasets.stores import Datasets


@dataclass
class SetClock:
    """A clock that stands still until it is moved."""

    at: datetime = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def forward(self, span: timedelta) -> None:
        self.at += span


IMPORT = Origin(Source.IMPORT)
RUN = Origin(Source.RUN, run_id="run_1", processing="yolo", model="m@1")


def asset_rows(datasets: Datasets, paths: Sequence[str], digest: str = "d0") -> pa.RecordBatch:
    now = datasets.clock.now()
    # By its path, so that an asset which was removed and imported again is the same one.
    ids = [id_of(path) for path in paths]
    plain = {
        "digest": digest, "size_bytes": 10, "width": 64, "height": 48, "orientation": 1, "media_type": "image/jpeg",
        "source_uri": "", "external_id": -1, "tags": [], "metadata": "", "created_at": now,
    }  # fmt: skip
    rows = [{"id": asset_id, "path": path, **plain} for asset_id, path in zip(ids, paths, strict=True)]
    return pa.RecordBatch.from_pylist(rows, schema=ASSETS)


def boxes(on: Sequence[str], label: str = "car", x: float = 1.0) -> ChangePart:
    builder = ColumnsBuilder()
    for asset in on:
        builder.append(asset, label, BoundingBox(x, 2, 3, 4), score=0.5, attributes={"first_x": x})
    return ChangePart(annotations=builder.build())


def run_commit(
    datasets: Datasets, version_id: str, *parts: ChangePart, existing: Existing = Existing.ADD, origin: Origin = RUN
) -> Committed:
    source = ChangeSource(lambda: parts, origin, assets_by=AssetKey.PATH)
    return commit(datasets, version_id, source, author=Author(run_id="run_1"), summary="Run", existing=existing)


def street(
    datasets: Datasets, actor: Actor, paths: Sequence[str] = ("a.jpg", "b.jpg", "c.jpg"), *, name: str = "street/v1"
) -> str:
    """The id of a version with these assets, of the Labels car and person, at Revision 3."""
    version_id = versions.create_version(datasets, actor, name).id
    labels.add_labels(datasets, actor, version_id, ["car", "person"])
    run_commit(datasets, version_id, ChangePart(assets=asset_rows(datasets, paths)), origin=IMPORT)
    return version_id


def annotated_paths(datasets: Datasets, version_id: str, number: int | None = None) -> list[tuple[str, float]]:
    pinned = pin(datasets, version_id, number)
    return sorted(
        (asset.path, row["bbox_x"])
        for assets, rows in read.annotations_scan(datasets, pinned)
        for asset in assets
        for row in rows.to_pylist()
        if row["asset_id"] == asset.id
    )


def id_of(path: str) -> str:
    return hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()
