"""YOLOX: one output (cells, 5 + classes): center, size, objectness, class scores; raw, or decoded in the graph."""

from collections.abc import Sequence

import numpy as np

from pixmill.inference.contract import Candidates, Decoder, Family, Floats, Placement, Preprocessing
from pixmill.inference.geometry import best_classes, cell_counts, cells, corners
from pixmill.inference.signature import DetectorShape

_BOX_AND_OBJECTNESS = 5
_DECODED_MEDIAN_PIXELS = 8.0


def create() -> Family:
    """YOLOX, of any size."""
    return Family(
        name="yolox",
        title="YOLOX",
        preprocessing=Preprocessing(Placement.TOP_LEFT, bgr=True, unit=1.0),
        suppresses=True,
        classes=_classes,
        decoder=_decoder,
    )


def _classes(shape: DetectorShape) -> int | None:
    if len(shape.outputs) != 1 or len(shape.outputs[0].shape) != 2:  # noqa: PLR2004 - cells and numbers
        return None
    count, numbers = shape.outputs[0].shape
    if count not in cell_counts(shape.height, shape.width) or numbers <= _BOX_AND_OBJECTNESS:
        return None
    return numbers - _BOX_AND_OBJECTNESS


def _decoder(shape: DetectorShape, grey: Sequence[Floats]) -> Decoder:
    strides = cell_counts(shape.height, shape.width)[len(grey[0])]
    places, steps = cells(shape.height, shape.width, strides)
    # Raw centers are offsets within a cell; decoded ones lie all over the input.
    is_decoded = float(np.median(np.abs(grey[0][:, :2]))) > _DECODED_MEDIAN_PIXELS

    def decode(outputs: Sequence[Floats], confidence: float) -> Candidates:
        output = outputs[0]
        rows = np.flatnonzero(output[:, 4] >= confidence)
        hopeful = output[rows]
        scores = hopeful[:, 4:5] * hopeful[:, 5:]
        kept, best, classes = best_classes(scores, confidence)
        boxes = hopeful[kept, :4]
        if not is_decoded:
            kept = rows[kept]
            center = (boxes[:, :2] + places[kept]) * steps[kept]
            boxes = np.concatenate([center, np.exp(boxes[:, 2:]) * steps[kept]], axis=1)
        return Candidates(corners(boxes), best, classes)

    return decode
