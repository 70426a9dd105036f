"""RF-DETR: outputs `dets` (queries, 4) in parts of the image and `labels` (queries, classes) as logits."""

from collections.abc import Sequence

from pixmill.inference.contract import Decoder, Family, Floats, Placement, Preprocessing
from pixmill.inference.detr import decode_queries, query_outputs
from pixmill.inference.signature import DetectorShape

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def create() -> Family:
    """RF-DETR, which sees the image stretched and normalised as ImageNet is."""
    return Family(
        name="rfdetr",
        title="RF-DETR",
        preprocessing=Preprocessing(Placement.STRETCHED, mean=_IMAGENET_MEAN, deviation=_IMAGENET_DEVIATION),
        suppresses=False,
        classes=_classes,
        decoder=_decoder,
    )


def _classes(shape: DetectorShape) -> int | None:
    places = query_outputs(shape)
    names = {output.name for output in shape.outputs}
    if places is None or names == {"pred_boxes", "logits"}:
        return None
    return shape.outputs[places.logits].shape[1]


def _decoder(shape: DetectorShape, _grey: Sequence[Floats]) -> Decoder:
    places = query_outputs(shape)
    if places is None:
        raise ValueError("asked to decode a graph that is not of this family")
    return decode_queries(places, height=shape.height, width=shape.width)
