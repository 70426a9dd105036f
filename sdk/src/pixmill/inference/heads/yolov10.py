"""YOLOv10, YOLO26 and any export with suppression in the graph: one output (boxes, 6): corners, score, class."""

from collections.abc import Sequence

import numpy as np

from pixmill.inference.contract import ANY_CLASSES, Candidates, Decoder, Family, Floats, Placement, Preprocessing
from pixmill.inference.geometry import is_grid_count, pixel_scale
from pixmill.inference.signature import DetectorShape

_NUMBERS = 6
_MAX_BOXES = 1000


def create() -> Family:
    """End-to-end heads: the graph itself keeps the best few hundred boxes, of all classes together."""
    return Family(
        name="yolov10",
        title="YOLOv10, YOLO26 (end to end)",
        preprocessing=Preprocessing(Placement.CENTRED),
        suppresses=False,
        classes=_classes,
        decoder=_decoder,
    )


def _classes(shape: DetectorShape) -> int | None:
    if len(shape.outputs) != 1 or len(shape.outputs[0].shape) != 2:  # noqa: PLR2004 - boxes and numbers
        return None
    count, numbers = shape.outputs[0].shape
    is_grid = is_grid_count(count, height=shape.height, width=shape.width)
    return ANY_CLASSES if numbers == _NUMBERS and count <= _MAX_BOXES and not is_grid else None


def _decoder(shape: DetectorShape, _grey: Sequence[Floats]) -> Decoder:
    def decode(outputs: Sequence[Floats], confidence: float) -> Candidates:
        # Asked of each image, as a graph with suppression gives nothing but zeros where it finds nothing.
        scale = pixel_scale(outputs[0][:, :4], height=shape.height, width=shape.width)
        kept = outputs[0][outputs[0][:, 4] >= confidence]
        # Empty places of the list may have class -1 and score 0.
        kept = kept[kept[:, 5] >= 0]
        return Candidates(kept[:, :4] * scale, kept[:, 4], np.rint(kept[:, 5]).astype(np.int64))

    return decode
