"""One number for the content of each row, many rows at once, so that two states of a table can be compared.

Two rows of equal content have the same number; two of different content have different ones but for one chance in 2^64.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def fingerprints(batch: pa.RecordBatch, columns: Sequence[str]) -> Numbers:
    """Of each row, over these columns; the order of the columns counts."""
    total = np.zeros(batch.num_rows, dtype=np.uint64)
    for name in columns:
        total = _mixed(total + _STEP) + _of_column(batch[name])
    return _mixed(total)


def _of_column(column: pa.Array) -> Numbers:
    kind = column.type
    if pa.types.is_list(kind):
        if pa.types.is_string(kind.value_type):
            return _of_column(pc.binary_join(column, "\x1f"))
        offsets = column.offsets.to_numpy().astype(np.int64)
        return _ragged(_bits(column.flatten()), offsets - offsets[0])
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        # Most texts come many times over: each is looked at once.
        encoded = column.dictionary_encode()
        return np.asarray(_of_bytes(encoded.dictionary)[encoded.indices.to_numpy(zero_copy_only=False)])
    return _mixed(_bits(column))


def _of_bytes(column: pa.Array) -> Numbers:
    wide = column.cast(pa.large_binary())
    offsets = np.frombuffer(wide.buffers()[1], dtype=np.int64)[wide.offset : wide.offset + len(wide) + 1]
    content = wide.buffers()[2]
    flat = np.frombuffer(content, dtype=np.uint8)[offsets[0] : offsets[-1]] if content else np.empty(0, dtype=np.uint8)
    return _ragged(flat.astype(np.uint64), offsets - offsets[0])


def _bits(column: pa.Array) -> Numbers:
    """Each value's bits; a missing one is as NaN, or as the lowest number."""
    if pa.types.is_floating(column.type):
        values = pc.fill_null(column, float("nan")).to_numpy(zero_copy_only=False)
        return np.asarray(values, dtype=np.float64).view(np.uint64)
    lowest = pa.scalar(-(2**31), column.type) if column.null_count else None
    filled = column if lowest is None else pc.fill_null(column, lowest)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int64).view(np.uint64)


def _ragged(values: Numbers, offsets: NDArray[np.int64]) -> Numbers:
    """Of each run of values from one offset to the next; their order and their number count."""
    lengths = np.diff(offsets)
    places = (np.arange(len(values)) - np.repeat(offsets[:-1], lengths)).astype(np.uint64)
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(_mixed(values + _mixed(places + _STEP)))])
    return _mixed(sums[offsets[1:]] - sums[offsets[:-1]] + lengths.astype(np.uint64))


def _mixed(values: Numbers) -> Numbers:
    """Spread over all 64 bits (SplitMix64); arithmetic wraps around."""
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))
