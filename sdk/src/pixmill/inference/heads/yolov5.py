"""YOLOv5 and YOLOv7: one output (3 x cells, 5 + classes): center, size, objectness, class scores, decoded."""

from collections.abc import Sequence

import numpy as np

from pixmill.inference.contract import Candidates, Decoder, Family, Floats, Placement, Preprocessing
from pixmill.inference.geometry import best_classes, cell_counts, corners, pixel_scale
from pixmill.inference.signature import DetectorShape

_BOX_AND_OBJECTNESS = 5
_ANCHORS_PER_CELL = 3


def create() -> Family:
    """YOLOv5 and YOLOv7 with their anchors; a YOLOv5u has the head of YOLOv8."""
    return Family(
        name="yolov5",
        title="YOLOv5, YOLOv7",
        preprocessing=Preprocessing(Placement.CENTRED),
        suppresses=True,
        classes=_classes,
        decoder=_decoder,
    )


def _classes(shape: DetectorShape) -> int | None:
    # Some exports give the three raw levels as well, after the decoded output.
    first = shape.outputs[0].shape
    if len(first) != 2 or any(len(output.shape) == 2 for output in shape.outputs[1:]):  # noqa: PLR2004 - rows, numbers
        return None
    count, numbers = first
    possible = {_ANCHORS_PER_CELL * cells for cells in cell_counts(shape.height, shape.width)}
    return numbers - _BOX_AND_OBJECTNESS if count in possible and numbers > _BOX_AND_OBJECTNESS else None


def _decoder(shape: DetectorShape, grey: Sequence[Floats]) -> Decoder:
    scale = pixel_scale(grey[0][:, :4], height=shape.height, width=shape.width)

    def decode(outputs: Sequence[Floats], confidence: float) -> Candidates:
        hopeful = outputs[0][np.flatnonzero(outputs[0][:, 4] >= confidence)]
        kept, best, classes = best_classes(hopeful[:, 4:5] * hopeful[:, 5:], confidence)
        return Candidates(corners(hopeful[kept, :4] * scale), best, classes)

    return decode
