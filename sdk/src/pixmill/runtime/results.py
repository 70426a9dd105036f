"""What became of every asset, chunk by chunk, in the child: collected here, sent to be staged when a chunk is whole."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pixmill.annotations import KINDS, AnnotationColumns, ColumnsBuilder, ShapeKind
from pixmill.annotations.detections import Detections
from pixmill.authoring import Change, LabeledShape, NewAsset
from pixmill.runtime.messages import AddedAsset, ChunkResult, FailedAsset, SkippedAsset

_BOX: Final = KINDS.index(ShapeKind.BOX)
_UNMAPPED: Final = -1


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Which Label a class goes to; a name that is neither mapped nor a Label goes nowhere, and is counted."""

    labels: tuple[str, ...]
    mapped: Mapping[str, str] | None
    """None: a class goes to the Label of its own name."""

    def label_of_class(self, name: str) -> int:
        """Index into `labels`, for a class of a model; -1: none."""
        label = name if self.mapped is None else self.mapped.get(name)
        return self.labels.index(label) if label in self.labels else _UNMAPPED

    def label_of_shape(self, name: str) -> int:
        """The same for the label that an author wrote: a Label of the version, else a class."""
        return self.labels.index(name) if name in self.labels else self.label_of_class(name)


@dataclass(slots=True)
class ChunkResults:
    """One chunk: every one of its `size` assets ends up done, failed or skipped."""

    index: int
    size: int
    labels: LabelMap
    done: list[str] = field(default_factory=list)
    failed: list[FailedAsset] = field(default_factory=list)
    skipped: list[SkippedAsset] = field(default_factory=list)
    retried: int = 0
    _tags: dict[str, list[str]] = field(default_factory=dict)
    _metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    _dropped: Counter[str] = field(default_factory=Counter)
    _boxes: list[tuple[str, Detections, NDArray[np.int64]]] = field(default_factory=list)
    _shapes: ColumnsBuilder = field(default_factory=ColumnsBuilder)
    _lookups: dict[tuple[str, ...], NDArray[np.int64]] = field(default_factory=dict)
    _added: list[AddedAsset] = field(default_factory=list)
    _added_shapes: ColumnsBuilder = field(default_factory=ColumnsBuilder)

    @property
    def is_whole(self) -> bool:
        return len(self.done) + len(self.failed) + len(self.skipped) >= self.size

    @property
    def is_begun(self) -> bool:
        return bool(self.done or self.failed or self.skipped)

    def add(self, change: Change) -> None:
        """What a Change adds; the asset's own outcome is said apart."""
        if change.detections is not None:
            self._add_detections(change.asset_id, change.detections)
        for shape in change.shapes:
            self._add_shape(self._shapes, change.asset_id, shape)
        if change.tags:
            known = self._tags.setdefault(change.asset_id, [])
            known.extend(tag for tag in change.tags if tag not in known)
        if change.metadata:
            self._metadata.setdefault(change.asset_id, {}).update(change.metadata)

    def add_asset(self, origin: str, number: int, new: NewAsset) -> None:
        """An asset for the new version, whose image has this number."""
        self._added.append(AddedAsset(origin, number, new.path, list(new.tags), dict(new.metadata)))
        for shape in new.annotations:
            self._add_shape(self._added_shapes, new.path, shape)

    def packed(self) -> tuple[ChunkResult, bytes]:
        """The message, and the annotations that go with it (empty for none)."""
        columns = [part for part in (self._box_columns(), self._shapes.build()) if len(part)]
        annotations = AnnotationColumns.concatenate(columns).to_bytes() if columns else b""
        message = ChunkResult(
            self.index,
            self.done,
            self.failed,
            self.skipped,
            self._tags,
            self._metadata,
            dict(self._dropped),
            retried=self.retried,
            partial=not self.is_whole,
            added=self._added,
            added_annotations=self._added_shapes.build().to_bytes() if len(self._added_shapes) else b"",
        )
        return message, annotations

    def _add_shape(self, shapes: ColumnsBuilder, asset: str, new: LabeledShape) -> None:
        label = self.labels.label_of_shape(new.label)
        if label == _UNMAPPED:
            self._dropped[new.label] += 1
            return
        name = self.labels.labels[label]
        shapes.append(asset, name, new.shape, score=new.score, attributes=dict(new.attributes))

    def _add_detections(self, asset_id: str, found: Detections) -> None:
        if not len(found):
            return
        if found.class_names not in self._lookups:
            labels = [self.labels.label_of_class(name) for name in found.class_names]
            self._lookups[found.class_names] = np.array(labels, dtype=np.int64)
        labels_of_rows = self._lookups[found.class_names][found.class_indices]
        kept = labels_of_rows != _UNMAPPED
        if not kept.all():
            classes, counts = np.unique(found.class_indices[~kept], return_counts=True)
            for index, count in zip(classes, counts, strict=True):
                self._dropped[found.class_names[index]] += int(count)
            found, labels_of_rows = found.take(kept), labels_of_rows[kept]
        if len(found):
            self._boxes.append((asset_id, found, labels_of_rows))

    def _box_columns(self) -> AnnotationColumns:
        rows = sum(len(found) for _, found, _ in self._boxes)
        counts = [len(found) for _, found, _ in self._boxes]
        no_number, no_offset = np.full(rows, np.nan), np.zeros(rows + 1, dtype=np.int64)
        return AnnotationColumns(
            assets=tuple(asset_id for asset_id, _, _ in self._boxes),
            labels=self.labels.labels,
            asset=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
            kind=np.full(rows, _BOX, dtype=np.uint8),
            label=_joined([labels for _, _, labels in self._boxes]).astype(np.int32),
            bbox=_joined([found.boxes for _, found, _ in self._boxes]).astype(np.float64).reshape(-1, 4),
            score=_joined([found.scores for _, found, _ in self._boxes]).astype(np.float64),
            area=no_number,
            external_id=np.full(rows, -1, dtype=np.int64),
            coordinates=np.zeros(0),
            coordinate_offsets=no_offset,
            rings=np.zeros(0, dtype=np.int32),
            ring_offsets=no_offset,
            masks=np.zeros(0, dtype=np.uint8),
            mask_offsets=no_offset,
            attributes=np.zeros(0, dtype=np.uint8),
            attribute_offsets=no_offset,
        )


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)
