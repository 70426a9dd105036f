"""The fast path: annotations that are boxes and nothing more become columns in bulk."""

from itertools import chain
from operator import attrgetter
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


class _Box(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    image_id: _Id
    category_id: _Id
    bbox: tuple[float, float, float, float]
    id: _Id = -1
    area: float | None = _NAN
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = _NAN
    iscrowd: Literal[0] = 0
    # A tuple: a list of its own for each of a million boxes keeps the garbage collector busy.
    segmentation: tuple[()] = ()


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
    sides = chain.from_iterable(map(attrgetter("bbox"), boxes))
    bbox = np.fromiter(sides, np.float64, count * 4).reshape(-1, 4)
    ids = _whole(boxes, "id")
    asset = images.places(_whole(boxes, "image_id"))
    label = categories.places(_whole(boxes, "category_id"))
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
        score=_numbers(boxes, "score")[keep],
        area=_numbers(boxes, "area")[keep],
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


def _whole(boxes: list[_Box], name: str) -> NDArray[np.int64]:
    return np.fromiter(map(attrgetter(name), boxes), np.int64, len(boxes))


def _numbers(boxes: list[_Box], name: str) -> NDArray[np.float64]:
    """A missing number, which numpy reads from None as well, is NaN."""
    return np.array(list(map(attrgetter(name), boxes)), dtype=np.float64)
