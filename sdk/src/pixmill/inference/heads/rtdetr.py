"""RT-DETR and D-FINE: boxes (queries, 4) in parts of the image and logits (queries, classes), or both in one output."""

from collections.abc import Sequence

import numpy as np

from pixmill.inference.contract import Candidates, Decoder, Family, Floats, Placement, Preprocessing
from pixmill.inference.detr import decode_queries, query_outputs
from pixmill.inference.geometry import best_classes, corners, is_grid_count, pixel_scale
from pixmill.inference.signature import DetectorShape

_BOX = 4
_MAX_QUERIES = 1000


def create() -> Family:
    """Transformers that see the image stretched, in 0 to 1."""
    return Family(
        name="rtdetr",
        title="RT-DETR, D-FINE",
        preprocessing=Preprocessing(Placement.STRETCHED),
        suppresses=False,
        classes=_classes,
        decoder=_decoder,
    )


def _classes(shape: DetectorShape) -> int | None:
    places = query_outputs(shape)
    if places is not None:
        names = {output.name for output in shape.outputs}
        return None if names == {"dets", "labels"} else shape.outputs[places.logits].shape[1]
    if len(shape.outputs) != 1 or len(shape.outputs[0].shape) != 2:  # noqa: PLR2004 - queries and numbers
        return None
    count, numbers = shape.outputs[0].shape
    is_grid = is_grid_count(count, height=shape.height, width=shape.width)
    return numbers - _BOX if _BOX < numbers < count <= _MAX_QUERIES and not is_grid else None


def _decoder(shape: DetectorShape, grey: Sequence[Floats]) -> Decoder:
    places = query_outputs(shape)
    if places is not None:
        return decode_queries(places, height=shape.height, width=shape.width)
    scale = pixel_scale(grey[0][:, :_BOX], height=shape.height, width=shape.width)

    def decode(outputs: Sequence[Floats], confidence: float) -> Candidates:
        # This export has applied the sigmoid already.
        kept, best, classes = best_classes(np.ascontiguousarray(outputs[0][:, _BOX:]), confidence)
        return Candidates(corners(outputs[0][kept, :_BOX] * scale), best, classes)

    return decode
