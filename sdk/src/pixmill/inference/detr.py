"""What the transformers that answer with queries share: which output is which, and how it is decoded."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pixmill.inference.contract import Candidates, Decoder, Floats
from pixmill.inference.geometry import best_classes, corners
from pixmill.inference.signature import DetectorShape

_BOX = 4


@dataclass(frozen=True, slots=True)
class QueryOutputs:
    """Positions of the two outputs of a query-based detector."""

    boxes: int
    logits: int


def query_outputs(shape: DetectorShape) -> QueryOutputs | None:
    """Which output holds boxes (queries, 4) and which logits (queries, classes); None where there are no such two."""
    shapes = [output.shape for output in shape.outputs]
    if len(shapes) != 2 or any(len(axes) != 2 for axes in shapes) or shapes[0][0] != shapes[1][0]:  # noqa: PLR2004
        return None
    named = [index for index, output in enumerate(shape.outputs) if output.name in ("dets", "pred_boxes", "boxes")]
    boxes = named or [index for index, axes in enumerate(shapes) if axes[1] == _BOX]
    if len(boxes) != 1 or shapes[boxes[0]][1] != _BOX:
        return None
    return QueryOutputs(boxes=boxes[0], logits=1 - boxes[0])


def decode_queries(places: QueryOutputs, *, height: int, width: int) -> Decoder:
    """Sigmoid of the logits, best class of each query, boxes from parts of the image to pixels of the input."""
    scale = np.array([width, height, width, height], dtype=np.float32)

    def decode(outputs: Sequence[Floats], confidence: float) -> Candidates:
        scores: Floats = np.float32(1) / (np.float32(1) + np.exp(-np.clip(outputs[places.logits], -80, 80)))
        kept, best, classes = best_classes(scores, confidence)
        return Candidates(corners(outputs[places.boxes][kept] * scale), best, classes)

    return decode
