"""The way of one part of a batch through a lane: into the input, through the network, back to boxes of the images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixmill.annotations.detections import Detections
from pixmill.annotations.images import RgbImage
from pixmill.errors import ModelError
from pixmill.inference.contract import Candidates, Decoder, Floats, Lane
from pixmill.inference.geometry import finite
from pixmill.inference.letterbox import Fit, Letterbox, to_image
from pixmill.inference.suppression import suppress


@dataclass(frozen=True, slots=True)
class Selection:
    """Which boxes are to stay."""

    confidence: float
    """The least score."""
    iou: float
    """Intersection over union above which the worse of two boxes of a class goes."""
    suppresses: bool
    """False where the graph itself has suppressed already."""
    max_detections: int
    class_names: tuple[str, ...]
    wanted: NDArray[np.bool_] | None
    """(classes,) True for those to detect; None: all."""


@dataclass(frozen=True, slots=True)
class Track:
    """A lane and all it owns. Belongs to one thread at a time."""

    lane: Lane
    letterbox: Letterbox
    batch: int | None
    """How many images the graph takes, exactly; None: any number."""
    decode: Decoder
    selection: Selection

    def detect(self, images: Sequence[RgbImage]) -> list[Detections]:
        """Detections of each image, in order; at most `batch` images."""
        tensor, places = self.letterbox(images)
        outputs = self.lane(_padded(tensor, self.batch))
        return [
            self._finish([output[index] for output in outputs], image, place)
            for index, (image, place) in enumerate(zip(images, places, strict=True))
        ]

    def _finish(self, outputs: Sequence[Floats], image: RgbImage, place: Fit) -> Detections:
        """From one image's outputs to its boxes, best first."""
        chosen = self.selection
        candidates = _only_wanted(finite(self.decode(outputs, chosen.confidence)), chosen)
        boxes = to_image(candidates.boxes, place)
        if chosen.suppresses:
            rows = suppress(boxes, candidates.scores, candidates.classes, iou=chosen.iou)
        else:
            rows = np.argsort(-candidates.scores, kind="stable")
        height, width = image.shape[:2]
        corners = np.clip(boxes[rows], 0.0, np.array([width, height, width, height], dtype=np.float64))
        inside = (corners[:, 2:] > corners[:, :2]).all(axis=1)
        rows, corners = rows[inside][: chosen.max_detections], corners[inside][: chosen.max_detections]
        return Detections(
            boxes=np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1),
            scores=candidates.scores[rows],
            class_indices=candidates.classes[rows],
            class_names=chosen.class_names,
        )


def _padded(tensor: Floats, batch: int | None) -> Floats:
    """Filled up with zeros to the number of images that the graph is fixed to."""
    if batch is None or len(tensor) == batch:
        return tensor
    full = np.zeros((batch, *tensor.shape[1:]), dtype=np.float32)
    full[: len(tensor)] = tensor
    return full


def _only_wanted(candidates: Candidates, chosen: Selection) -> Candidates:
    """Without the classes that nobody wants: before suppression and the cap, so that they cost the others no place.

    A box keeps its best class whether that is wanted or not; what stays is what the full result has of these classes.
    """
    if len(candidates.classes) and int(candidates.classes.max()) >= len(chosen.class_names):
        raise ModelError(
            f"The model found class {int(candidates.classes.max())}, and has {len(chosen.class_names)} labels.",
            hint="Push it with one label for each of its classes.",
        )
    if chosen.wanted is None:
        return candidates
    return candidates.take(chosen.wanted[candidates.classes])
