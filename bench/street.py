"""A DatasetVersion of any size, made without files: assets by reference, and boxes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.coco_file import CATEGORIES, HEIGHT, WIDTH, CocoSize, image_name
from pixmill.annotations import AnnotationColumns, Origin, ShapeKind, Source
from pixmill.annotations.columns import KINDS
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.datasets import labels, versions
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.identity import new_ids
from pixmill_server.datasets.revise import Author, Committed
from pixmill_server.datasets.schemas import ASSETS
from pixmill_server.datasets.stores import Datasets
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.kernel.clock import SystemClock
from pixmill_server.storage.objects import open_objects
from pixmill_server.storage.tables import Tables

ACTOR = Actor(user_id="usr_bench", organization_id="org_bench", role=Role.OWNER)
ASSETS_AT_ONCE = 10_000
IMPORT = Origin(Source.IMPORT)
RUN = Origin(Source.RUN, run_id="run_bench", processing="bench", model="bench/1")


@contextmanager
def open_datasets() -> Iterator[Datasets]:
    """In a temporary folder, on SQLite."""
    with TemporaryDirectory(prefix="pixmill-bench-") as folder:
        database = open_database(f"sqlite:///{folder}/pixmill.db")
        schema.upgrade(database)
        yield Datasets(database, Tables(f"{folder}/tables"), open_objects(f"{folder}/objects"), SystemClock())
        database.close()


def make_street(datasets: Datasets, size: CocoSize, actor: Actor = ACTOR, *, pictures: Sequence[str] = ("",)) -> str:
    """The id of a version with so many assets and boxes, spread evenly.

    The assets take the pictures, digests of stored images, in turn; an empty one is an asset by reference.
    """
    version_id = versions.create_version(datasets, actor, "street/v1").id
    labels.add_labels(datasets, actor, version_id, list(CATEGORIES))
    each = size.boxes // size.images

    def parts() -> Iterator[ChangePart]:
        for start in range(0, size.images, ASSETS_AT_ONCE):
            names = [image_name(number) for number in range(start, min(start + ASSETS_AT_ONCE, size.images))]
            digests = [pictures[number % len(pictures)] for number in range(start, start + len(names))]
            yield ChangePart(assets=_asset_rows(datasets, names, digests), annotations=make_boxes(names, each))

    save(datasets, version_id, ChangeSource(parts, IMPORT, assets_by=AssetKey.PATH))
    return version_id


def save(datasets: Datasets, version_id: str, source: ChangeSource) -> Committed:
    """Commit a change that adds."""
    author = Author(user_id=ACTOR.user_id)
    return commit(datasets, version_id, source, author=author, summary="Benchmark", existing=Existing.ADD)


def make_boxes(assets: list[str], each: int, *, seed: int = 7) -> AnnotationColumns:
    """So many boxes on each of the named assets."""
    random, count = np.random.default_rng(seed), len(assets) * each
    sizes = random.uniform(8, 300, (count, 2))
    corners = random.uniform(0, 1, (count, 2)) * [WIDTH - 300, HEIGHT - 300]
    nothing: NDArray[np.int64] = np.zeros(count + 1, dtype=np.int64)
    return AnnotationColumns(
        assets=tuple(assets),
        labels=CATEGORIES,
        asset=np.repeat(np.arange(len(assets), dtype=np.int32), each),
        kind=np.full(count, KINDS.index(ShapeKind.BOX), dtype=np.uint8),
        label=random.integers(0, len(CATEGORIES), count, dtype=np.int32),
        bbox=np.concatenate([corners, sizes], axis=1),
        score=random.uniform(0.05, 1, count),
        area=sizes.prod(axis=1),
        external_id=np.full(count, -1, dtype=np.int64),
        coordinates=np.empty(0),
        coordinate_offsets=nothing,
        rings=np.empty(0, dtype=np.int32),
        ring_offsets=nothing,
        masks=np.empty(0, dtype=np.uint8),
        mask_offsets=nothing,
        attributes=np.empty(0, dtype=np.uint8),
        attribute_offsets=nothing,
    )


def _asset_rows(datasets: Datasets, names: list[str], digests: list[str]) -> pa.RecordBatch:
    now, count = datasets.clock.now(), len(names)
    same = {
        "size_bytes": 300_000,
        "width": WIDTH,
        "height": HEIGHT,
        "orientation": 1,
        "media_type": "image/jpeg",
        "external_id": -1,
        "tags": [],
        "metadata": "",
        "created_at": now,
    }
    columns = {name: pa.array([value] * count, ASSETS.field(name).type) for name, value in same.items()}
    columns |= {
        "id": new_ids(count, now),
        "path": pa.array(names),
        "digest": pa.array(digests),
        "source_uri": pa.array(
            ["" if digest else f"file:///images/{name}" for name, digest in zip(names, digests, strict=True)]
        ),
    }
    return pa.record_batch([columns[field.name] for field in ASSETS], schema=ASSETS)
