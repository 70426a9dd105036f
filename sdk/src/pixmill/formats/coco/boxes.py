"""The fast path: annotations that are boxes and nothing more become columns in bulk."""

from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from pixmill.annotations import KINDS, AnnotationColumns, ShapeKind
from pixmill.formats.coco.index import UNKNOWN, CategoryIndex, ImageIndex
from pixmill.formats.contract import HIGHEST_ID
from pixmill.formats.report import Report

_NAN = float("nan")
_Id = Annotated[int, msgspec.Meta(ge=-HIGHEST_ID, le=HIGHEST_ID)]
_Nothing = Annotated[list[float], msgspec.Meta(max_length=0)]


class _Box(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    image_id: _Id
    category_id: _Id
    bbox: tuple[float, float, float, float]
    id: _Id = -1
    area: float | None = _NAN
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = _NAN
    iscrowd: Literal[0] = 0
    segmentation: _Nothing = msgspec.field(default_factory=list)


_boxes = msgspec.json.Decoder(list[_Box])


def decode_plain_boxes(
    text: bytes, images: ImageIndex, categories: CategoryIndex, report: Report
) -> AnnotationColumns | None:
    """A piece of the annotations as columns; None where any of them is more than a plain box."""
    try:
        boxes = _boxes.decode(text)
    except msgspec.DecodeError:
        return None
    count = len(boxes)
    bbox = np.array([box.bbox for box in boxes], dtype=np.float64).reshape(-1, 4)
    ids = np.fromiter((box.id for box in boxes), np.int64, count)
    asset = images.places(np.fromiter((box.image_id for box in boxes), np.int64, count))
    label = categories.places(np.fromiter((box.category_id for box in boxes), np.int64, count))
    keep = _report_wrong(boxes, asset, label, bbox, report)
    present, asset_index = np.unique(asset[keep], return_inverse=True)
    no_offsets = np.zeros(int(keep.sum()) + 1, dtype=np.int64)
    return AnnotationColumns(
        assets=tuple(images.paths[place] for place in present.tolist()),
        labels=categories.names,
        asset=asset_index.astype(np.int32),
        kind=np.full(len(asset_index), KINDS.index(ShapeKind.BOX), dtype=np.uint8),
        label=label[keep].astype(np.int32),
        bbox=np.ascontiguousarray(bbox[keep]),
        score=_numbers([box.score for box in boxes])[keep],
        area=_numbers([box.area for box in boxes])[keep],
        external_id=ids[keep],
        coordinates=np.empty(0, dtype=np.float64),
        coordinate_offsets=no_offsets,
        rings=np.empty(0, dtype=np.int32),
        ring_offsets=no_offsets,
        masks=np.empty(0, dtype=np.uint8),
        mask_offsets=no_offsets,
        attributes=np.empty(0, dtype=np.uint8),
        attribute_offsets=no_offsets,
    )


def _report_wrong(
    boxes: list[_Box], asset: NDArray[np.int64], label: NDArray[np.int64], bbox: NDArray[np.float64], report: Report
) -> NDArray[np.bool_]:
    """Which rows are right; the others go into the report, each with one reason."""
    keep = np.ones(len(boxes), dtype=np.bool_)
    wrong = {
        "the image it names is not in the file": asset == UNKNOWN,
        "the category it names is not in the file": label == UNKNOWN,
        "a box whose numbers are not finite": ~np.isfinite(bbox).all(axis=1),
        "a box of negative size": (bbox[:, 2:] < 0).any(axis=1),
    }
    for reason, rows in wrong.items():
        for row in np.flatnonzero(rows & keep).tolist():
            report.skip(reason, name_of(boxes[row].id, boxes[row].image_id, boxes[row].category_id))
        keep &= ~rows
    return keep


def name_of(identity: object, image_id: object, category_id: object) -> str:
    """How a report calls an annotation."""
    return f"annotation {identity} (image {image_id}, category {category_id})"


def _numbers(values: list[float | None]) -> NDArray[np.float64]:
    return np.array([_NAN if value is None else value for value in values], dtype=np.float64)
