"""YOLOv8, v9, v11, v12 (and v5u): one output (4 + classes, cells): center, size, class scores, or transposed."""

from collections.abc import Sequence

import numpy as np

from pixmill.inference.contract import Candidates, Decoder, Family, Floats, Placement, Preprocessing
from pixmill.inference.geometry import best_classes, cell_counts, corners, pixel_scale
from pixmill.inference.signature import DetectorShape

_BOX = 4


def create() -> Family:
    """The heads without anchors and without objectness."""
    return Family(
        name="yolov8",
        title="YOLOv8, YOLOv9, YOLO11, YOLOv12",
        preprocessing=Preprocessing(Placement.CENTRED),
        suppresses=True,
        classes=_classes,
        decoder=_decoder,
    )


def _classes(shape: DetectorShape) -> int | None:
    if len(shape.outputs) != 1 or len(shape.outputs[0].shape) != 2:  # noqa: PLR2004 - numbers and cells
        return None
    numbers, count = shape.outputs[0].shape
    if count < numbers:
        if numbers not in cell_counts(shape.height, shape.width):
            return None
        numbers = count
    return numbers - _BOX if numbers > _BOX else None


def _decoder(shape: DetectorShape, grey: Sequence[Floats]) -> Decoder:
    is_transposed = grey[0].shape[1] < grey[0].shape[0]
    boxes_of_grey = grey[0][:, :_BOX] if is_transposed else grey[0][:_BOX]
    scale = pixel_scale(boxes_of_grey, height=shape.height, width=shape.width)

    def decode(outputs: Sequence[Floats], confidence: float) -> Candidates:
        output = outputs[0].T if is_transposed else outputs[0]
        columns = np.flatnonzero(output[_BOX:].max(axis=0) >= confidence)
        hopeful = output[:, columns].T
        kept, best, classes = best_classes(hopeful[:, _BOX:], confidence)
        return Candidates(corners(hopeful[kept, :_BOX] * scale), best, classes)

    return decode
