"""Many annotations at once, as numpy columns: what import, staging and export stream. Little-endian on the wire.

How each kind of shape lies in the columns (n rows; flat columns have an offsets column of n + 1 entries):

| kind        | bbox            | coordinates (float64)            | rings (int32)                        | mask bytes |
| ----------- | --------------- | -------------------------------- | ------------------------------------ | ---------- |
| class       | NaN             | -                                | -                                    | -          |
| box         | x, y, w, h      | -                                | -                                    | -          |
| rotated_box | its bounds      | cx, cy, w, h, degrees            | -                                    | -          |
| polygon     | bounds or given | x, y of every point              | points of each ring; < 0 for a hole  | -          |
| mask        | bounds or given | height, width                    | -                                    | COCO RLE   |
| line        | bounds          | x, y of every point              | -                                    | -          |
| point       | x, y, 0, 0      | x, y                             | -                                    | -          |
| keypoints   | given or bounds | x, y, visibility of every point  | -                                    | -          |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from pixmill.annotations.shapes import ShapeKind

KINDS: tuple[ShapeKind, ...] = tuple(ShapeKind)
"""The order in which the `kind` column counts them; only ever appended to."""

NO_EXTERNAL_ID = -1

_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class AnnotationColumns:
    """n annotations; all arrays are C-contiguous and of the types written here."""

    assets: tuple[str, ...]
    """The distinct assets, by path or by id, as the place that uses it says."""
    labels: tuple[str, ...]
    """The distinct Label names."""
    asset: NDArray[np.int32]
    """(n,) index into `assets`."""
    kind: NDArray[np.uint8]
    """(n,) index into `KINDS`."""
    label: NDArray[np.int32]
    """(n,) index into `labels`."""
    bbox: NDArray[np.float64]
    """(n, 4) x, y, width, height in pixels; NaN for a class."""
    score: NDArray[np.float64]
    """(n,) 0 to 1; NaN where nobody gave one."""
    area: NDArray[np.float64]
    """(n,) square pixels, as the file gave it; NaN where it did not."""
    external_id: NDArray[np.int64]
    """(n,) the id in the file it came from; -1 where it had none."""
    coordinates: NDArray[np.float64]
    coordinate_offsets: NDArray[np.int64]
    rings: NDArray[np.int32]
    ring_offsets: NDArray[np.int64]
    masks: NDArray[np.uint8]
    mask_offsets: NDArray[np.int64]
    attributes: NDArray[np.uint8]
    """UTF-8 JSON objects, one after the other; empty where there are none."""
    attribute_offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.asset)

    def to_bytes(self) -> bytes:
        """As MessagePack: names and label lists, and the raw bytes of every array."""
        arrays = {name: getattr(self, name).tobytes() for name in _ARRAYS}
        return msgspec.msgpack.encode({"assets": self.assets, "labels": self.labels, **arrays})

    @classmethod
    def from_bytes(cls, packed: bytes) -> Self:
        """The inverse of `to_bytes`; the arrays share the given bytes. Raises `msgspec.DecodeError` or `ValueError`."""
        names = msgspec.msgpack.decode(packed, type=_PackedNames)
        buffers = msgspec.msgpack.decode(packed, type=dict[str, msgspec.Raw])
        arrays = {name: _array(buffers[name], dtype) for name, dtype in _ARRAYS.items() if name in buffers}
        missing = set(_ARRAYS) - set(arrays)
        _require(not missing, f"no column {sorted(missing)}")
        arrays["bbox"] = arrays["bbox"].reshape(-1, 4)
        columns = cls(assets=tuple(names.assets), labels=tuple(names.labels), **arrays)
        columns.require_consistent()
        return columns

    def require_consistent(self) -> None:
        """Raise `ValueError` where lengths, indices or offsets do not fit each other."""
        rows = len(self.asset)
        for name in ("kind", "label", "bbox", "score", "area", "external_id"):
            _require(len(getattr(self, name)) == rows, f"{name} has {len(getattr(self, name))} rows, not {rows}")
        _require_index("asset", self.asset, len(self.assets))
        _require_index("label", self.label, len(self.labels))
        _require_index("kind", self.kind, len(KINDS))
        for flat, offsets in _FLAT.items():
            _require_offsets(offsets, getattr(self, offsets), rows, len(getattr(self, flat)))

    def take(self, rows: NDArray[np.int64]) -> Self:
        """The given rows, in the given order; names lists are kept whole."""
        picked = {name: getattr(self, name)[rows] for name in _PER_ROW}
        for flat, offsets in _FLAT.items():
            picked[flat], picked[offsets] = _take_flat(getattr(self, flat), getattr(self, offsets), rows)
        return type(self)(assets=self.assets, labels=self.labels, **picked)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """All rows of all parts in order; names are merged, equal names become one."""
        assets, asset_maps = _merge_names([part.assets for part in parts])
        labels, label_maps = _merge_names([part.labels for part in parts])
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in (*_PLAIN, *_FLAT)}
        joined["asset"] = np.concatenate([m[p.asset] for m, p in zip(asset_maps, parts, strict=True)])
        joined["label"] = np.concatenate([m[p.label] for m, p in zip(label_maps, parts, strict=True)])
        for flat, offsets in _FLAT.items():
            joined[offsets] = _concatenate_offsets([(getattr(p, flat), getattr(p, offsets)) for p in parts])
        return cls(assets=assets, labels=labels, **joined)


_ARRAYS: dict[str, str] = {
    "asset": "<i4",
    "kind": "u1",
    "label": "<i4",
    "bbox": "<f8",
    "score": "<f8",
    "area": "<f8",
    "external_id": "<i8",
    "coordinates": "<f8",
    "coordinate_offsets": "<i8",
    "rings": "<i4",
    "ring_offsets": "<i8",
    "masks": "u1",
    "mask_offsets": "<i8",
    "attributes": "u1",
    "attribute_offsets": "<i8",
}
_PLAIN = ("kind", "bbox", "score", "area", "external_id")
_PER_ROW = ("asset", "label", *_PLAIN)
_FLAT = {
    "coordinates": "coordinate_offsets",
    "rings": "ring_offsets",
    "masks": "mask_offsets",
    "attributes": "attribute_offsets",
}


class _PackedNames(msgspec.Struct):
    assets: list[str]
    labels: list[str]


def _array(raw: msgspec.Raw, dtype: str) -> NDArray[Any]:
    return np.frombuffer(msgspec.msgpack.decode(raw, type=bytes), dtype=dtype)


def _require(fits: bool, complaint: str) -> None:  # noqa: FBT001 - the condition is the whole point
    if not fits:
        raise ValueError(complaint)


def _require_index(name: str, index: NDArray[np.int32] | NDArray[np.uint8], size: int) -> None:
    if len(index):
        _require(int(index.min()) >= 0 and int(index.max()) < size, f"{name} points outside its {size} names")


def _require_offsets(name: str, offsets: NDArray[np.int64], rows: int, size: int) -> None:
    _require(len(offsets) == rows + 1, f"{name} has {len(offsets)} entries, not {rows + 1}")
    _require(offsets[0] == 0 and offsets[-1] == size and bool((np.diff(offsets) >= 0).all()), f"{name} does not ascend")


def _take_flat(
    flat: NDArray[_Number], offsets: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[_Number], NDArray[np.int64]]:
    lengths = np.diff(offsets)[rows]
    taken = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    source = np.repeat(offsets[:-1][rows] - taken[:-1], lengths) + np.arange(taken[-1])
    return flat[source], taken


def _merge_names(lists: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], list[NDArray[np.int32]]]:
    place: dict[str, int] = {}
    maps = [np.array([place.setdefault(name, len(place)) for name in names], dtype=np.int32) for names in lists]
    return tuple(place), maps


def _concatenate_offsets(parts: Sequence[tuple[NDArray[np.generic], NDArray[np.int64]]]) -> NDArray[np.int64]:
    shifts = np.cumsum([0, *(len(flat) for flat, _ in parts)])
    ends = [offsets[1:] + shift for (_, offsets), shift in zip(parts, shifts, strict=False)]
    return np.concatenate([np.zeros(1, dtype=np.int64), *ends])
