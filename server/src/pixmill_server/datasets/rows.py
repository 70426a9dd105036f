"""Between the SDK's AnnotationColumns and rows of the annotations table. Only whole arrays, never a loop over rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pixmill.annotations import KINDS, AnnotationColumns, Origin, Review
from pixmill_server.datasets.identity import new_ids
from pixmill_server.datasets.records import Label
from pixmill_server.datasets.schemas import ANNOTATIONS, UTC_MICROSECONDS

_KIND_NAMES = pa.array([str(kind) for kind in KINDS])
_NO_EXTERNAL_ID = -1


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is the same for all rows of one change."""

    origin: Origin
    now: datetime
    review: Review = Review.UNREVIEWED
    edited_by: str = ""


def rows_from_columns(
    columns: AnnotationColumns, asset_ids: pa.Array, label_ids: pa.Array, provenance: Provenance
) -> pa.RecordBatch:
    """Rows with fresh ids; `asset_ids` and `label_ids` stand for `columns.assets` and `columns.labels`."""
    count = len(columns)
    boxes = [_nullable(columns.bbox[:, side]) for side in range(4)]
    external = pa.array(columns.external_id, mask=columns.external_id == _NO_EXTERNAL_ID)
    attributes = pa.StringArray.from_buffers(
        count, pa.py_buffer(columns.attribute_offsets.astype(np.int32)), pa.py_buffer(columns.attributes.tobytes())
    )
    masks = pa.BinaryArray.from_buffers(
        pa.binary(),
        count,
        [None, pa.py_buffer(columns.mask_offsets.astype(np.int32)), pa.py_buffer(columns.masks.tobytes())],
    )
    arrays = [
        new_ids(count, provenance.now),
        asset_ids.take(pa.array(columns.asset)),
        _KIND_NAMES.take(pa.array(columns.kind)),
        label_ids.take(pa.array(columns.label)),
        *boxes,
        _nullable(columns.score),
        _nullable(columns.area),
        external,
        _lists(columns.coordinates, columns.coordinate_offsets),
        _lists(columns.rings, columns.ring_offsets),
        masks,
        attributes,
        *_provenance_arrays(provenance, count),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=ANNOTATIONS)


def columns_from_rows(rows: pa.Table, labels: Sequence[Label]) -> AnnotationColumns:
    """The inverse: `assets` are asset ids, in the order in which they come; ids, origins and reviews stay behind.

    Every row's Label must be one of `labels`; the Revision that the rows were read from has them all.
    """
    rows = rows.combine_chunks()
    assets = rows["asset_id"].combine_chunks().dictionary_encode()
    bbox = np.stack([_floats(rows[f"bbox_{side}"]) for side in ("x", "y", "width", "height")], axis=1)
    coordinates, coordinate_offsets = _flat(rows["coordinates"], np.float64)
    rings, ring_offsets = _flat(rows["rings"], np.int32)
    masks, mask_offsets = _bytes(rows["mask"])
    attributes, attribute_offsets = _bytes(rows["attributes"])
    return AnnotationColumns(
        assets=tuple(assets.dictionary.to_pylist()),
        labels=tuple(label.name for label in labels),
        asset=assets.indices.to_numpy(zero_copy_only=False).astype(np.int32),
        kind=_index_in(rows["kind"], _KIND_NAMES).astype(np.uint8),
        label=_index_in(rows["label_id"], pa.array([label.id for label in labels], pa.string())),
        bbox=np.ascontiguousarray(bbox),
        score=_floats(rows["score"]),
        area=_floats(rows["area"]),
        external_id=pc.fill_null(rows["external_id"], _NO_EXTERNAL_ID).to_numpy().astype(np.int64),
        coordinates=coordinates,
        coordinate_offsets=coordinate_offsets,
        rings=rings,
        ring_offsets=ring_offsets,
        masks=masks,
        mask_offsets=mask_offsets,
        attributes=attributes,
        attribute_offsets=attribute_offsets,
    )


def _provenance_arrays(provenance: Provenance, count: int) -> list[pa.Array]:
    origin = provenance.origin
    texts = [origin.source, origin.run_id, origin.processing, origin.model, provenance.review]
    columns = [pa.repeat(pa.scalar(str(text)), count) for text in texts]
    now = pa.repeat(pa.scalar(provenance.now, UTC_MICROSECONDS), count)
    return [*columns, now, pa.repeat(pa.scalar(provenance.edited_by), count)]


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(np.ascontiguousarray(values), mask=np.isnan(values))


def _lists(flat: NDArray[np.float64] | NDArray[np.int32], offsets: NDArray[np.int64]) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(flat))


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(column, float("nan")).to_numpy(), dtype=np.float64)


def _flat(column: pa.ChunkedArray, dtype: type) -> tuple[np.ndarray, NDArray[np.int64]]:
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    offsets = array.offsets.to_numpy().astype(np.int64)
    return array.flatten().to_numpy(zero_copy_only=False).astype(dtype), offsets - offsets[0]


def _bytes(column: pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    array = (
        pa.concat_arrays(column.chunks).cast(pa.large_binary())
        if column.num_chunks
        else pa.array([], pa.large_binary())
    )
    offsets = np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    content = array.buffers()[2]
    flat = np.frombuffer(content, dtype=np.uint8)[offsets[0] : offsets[-1]] if content else np.empty(0, dtype=np.uint8)
    return flat, offsets - offsets[0]


def _index_in(column: pa.ChunkedArray, names: pa.Array) -> NDArray[np.int32]:
    index = pc.index_in(column, value_set=names)
    if index.null_count:
        unknown = column.filter(pc.is_null(index))[0].as_py()
        raise KeyError(unknown)
    return np.asarray(index.to_numpy(), dtype=np.int32)
