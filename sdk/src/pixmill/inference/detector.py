"""A detector, ready to be called with images: the one thing of this package that a Processing uses.

An image is laid into the network's input, the network runs, its head is decoded, classes that are not wanted go, boxes
that overlap a better one of their class go, and what is left is carried back to the image's own pixels, clipped and
capped. Several lanes go that way side by side, each on its share of the threads and with its own part of the batch: on
CPUs that is faster than one image on all threads.
"""

import os
import queue
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np

from pixmill.annotations.detections import Detections
from pixmill.annotations.images import RgbImage
from pixmill.errors import ModelError, ParameterError
from pixmill.inference.available import Compiled, compile_model
from pixmill.inference.contract import EngineRequest, Family, Lane
from pixmill.inference.families import AUTO, choose_family
from pixmill.inference.letterbox import Letterbox
from pixmill.inference.metadata import ModelMetadata, read_metadata
from pixmill.inference.pipeline import Selection, Track
from pixmill.inference.signature import DetectorShape, ImageInput, OutputShape, image_input

PRECISIONS = ("auto", "fp32", "bf16")
_MAX_LANES = 8
_GREY_LEVEL = 0.5
_MAX_SIDE = 8192
_NAMED_CLASSES = 10


class DetectorModel(Protocol):
    """What a detector needs of a ModelVersion."""

    @property
    def name(self) -> str: ...

    @property
    def framework(self) -> str: ...

    @property
    def family(self) -> str | None:
        """None, empty or `auto`: found by the shapes of the head."""
        ...

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def parameters(self) -> Mapping[str, object]:
        """`input_size`, [height, width], is used where the graph leaves its size open."""
        ...

    @property
    def file(self) -> Path: ...

    @property
    def wanted(self) -> frozenset[int] | None:
        """The class indices to detect; None: all."""
        ...

    @property
    def threads(self) -> int | None:
        """CPU threads that the Run was given; None: all that the process may run on."""
        ...


class Detector:
    """Finds objects in images. Made by `open_detector`; call it from one thread at a time."""

    def __init__(self, tracks: Sequence[Track], compiled: Compiled, description: Mapping[str, object]) -> None:
        self._description = dict(description)
        self._passed_over = compiled.passed_over
        self._lanes = len(tracks)
        self._batch = tracks[0].batch
        self._class_names = tracks[0].selection.class_names
        self._wanted = tracks[0].selection.wanted
        self._input_size = tracks[0].letterbox.height, tracks[0].letterbox.width
        self._idle: queue.SimpleQueue[Track] = queue.SimpleQueue()
        for track in tracks:
            self._idle.put(track)
        self._threads = ThreadPoolExecutor(max_workers=self._lanes, thread_name_prefix="detector")

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._class_names

    def describe(self) -> dict[str, object]:
        """How it runs: engine, precision, family, input size, batch, lanes, threads; values fit for JSON."""
        return dict(self._description)

    def summary(self) -> str:
        """The same in one line for people, and which classes are detected or ignored."""
        said, wanted = self._description, self._wanted
        height, width = self._input_size
        batch = f"{self._batch} at a time" if self._batch else "any batch"
        kept = [name for index, name in enumerate(self._class_names) if wanted is None or wanted[index]]
        ignored = len(self._class_names) - len(kept)
        passed_over = "".join(f"; {reason}" for reason in self._passed_over)
        named = ", ".join(kept[:_NAMED_CLASSES]) + (", ..." if len(kept) > _NAMED_CLASSES else "")
        return (
            f"{said['family']} head on {said['engine']} {said['engine_version']} in {said['precision']}, "
            f"{width}x{height} pixels, {batch}, threads {said['threads']}; "
            f"detects {len(kept)} of {len(self._class_names)} classes ({named}), ignores {ignored}{passed_over}"
        )

    def __call__(self, images: Sequence[RgbImage]) -> list[Detections]:
        """Detections of each image, in order. Images are RGB uint8 (height, width, 3), of any sizes."""
        for image in images:
            _require_image(image)
        size = self._batch or max(-(-len(images) // self._lanes), 1)
        parts = [images[start : start + size] for start in range(0, len(images), size)]
        return [found for part in self._threads.map(self._detect, parts) for found in part]

    def close(self) -> None:
        """Let the threads go; the detector cannot be called afterwards."""
        self._threads.shutdown()

    def _detect(self, images: Sequence[RgbImage]) -> list[Detections]:
        track = self._idle.get()
        try:
            return track.detect(images)
        finally:
            self._idle.put(track)


def open_detector(
    model: DetectorModel,
    *,
    confidence: float = 0.25,
    iou: float = 0.45,
    max_detections: int = 300,
    family: str = AUTO,
    engine: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
) -> Detector:
    """Load a ModelVersion and find out how its head is decoded; runs it once on a grey image.

    `iou` is the intersection over union above which the worse of two boxes of a class goes. `precision` auto is fp32.
    `threads` None means those of the Run, else all the CPUs that this process may run on.
    Raises `ModelError` and `ParameterError`.
    """
    _require_parameters(confidence, iou, max_detections, precision)
    metadata = read_metadata(model.file)
    labels = _labels(model, metadata)
    threads = threads or model.threads or len(os.sched_getaffinity(0))
    lanes = min(threads, _MAX_LANES)
    size = _said_size(model.parameters) or metadata.input_size
    request = EngineRequest(model.file, precision, threads=threads, lanes=lanes, input_size=size)
    compiled = compile_model(request, framework=metadata.framework, engine=engine)
    image = _sized(image_input(compiled.engine.signature), size, model.name)
    opened = [compiled.engine.lane() for _ in range(lanes)]
    grey = _run_grey(opened[0], image)
    names = [spec.name for spec in compiled.engine.signature.outputs]
    outputs = tuple(OutputShape(name, output.shape) for name, output in zip(names, grey, strict=True))
    shape = DetectorShape(height=image.height or 0, width=image.width or 0, outputs=outputs)
    said = model.family or AUTO if family == AUTO else family
    chosen = choose_family(shape, labels=len(labels), said=said, hinted=metadata.hinted_families)
    decode = chosen.decoder(shape, grey)
    wanted = _wanted_mask(model.wanted, len(labels))
    selection = Selection(confidence, iou, chosen.suppresses, max_detections, labels, wanted)
    tracks = [Track(lane, _letterbox(chosen, image), image.batch, decode, selection) for lane in opened]
    return Detector(tracks, compiled, _describe(compiled, chosen, image, request))


def _require_parameters(confidence: float, iou: float, max_detections: int, precision: str) -> None:
    for name, value in (("confidence", confidence), ("iou", iou)):
        if not 0 <= value <= 1:
            raise ParameterError(name, value, expected="0 to 1")
    if max_detections < 1:
        raise ParameterError("max_detections", max_detections, expected="1 or more")
    if precision not in PRECISIONS:
        raise ParameterError("precision", precision, expected=f"one of {', '.join(PRECISIONS)}")


def _require_image(image: RgbImage) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or not image.size or image.dtype != np.uint8:  # noqa: PLR2004 - (h, w, 3)
        raise ValueError(f"an image is uint8 (height, width, 3), not {image.dtype} {image.shape}")


def _labels(model: DetectorModel, metadata: ModelMetadata) -> tuple[str, ...]:
    labels = tuple(model.labels) or metadata.labels
    if not labels:
        raise ModelError(
            f"The model '{model.name}' does not name its classes.", hint="Push it with --labels FILE, one name a line."
        )
    return labels


def _said_size(parameters: Mapping[str, object]) -> tuple[int, int] | None:
    value = parameters.get("input_size")
    if value is None:
        return None
    sides = [value, value] if isinstance(value, int) else value
    if isinstance(sides, (list, tuple)) and len(sides) == 2:  # noqa: PLR2004 - height and width
        height, width = sides
        if isinstance(height, int) and isinstance(width, int) and 0 < min(height, width) <= max(sides) <= _MAX_SIDE:
            return height, width
    raise ParameterError("input_size", value, expected="height and width in pixels, such as [640, 640]")


def _sized(image: ImageInput, size: tuple[int, int] | None, name: str) -> ImageInput:
    """With the input size that will be used: the graph's own, else what the model's parameters or its file say."""
    if image.height and image.width:
        return image
    if size is None:
        raise ModelError(
            f"The model '{name}' takes images of any size, and nothing says which it was trained for.",
            hint="Push it with its input size, such as 640.",
        )
    return ImageInput(image.name, image.batch, size[0], size[1], image.channels_last, image.dtype)


def _run_grey(lane: Lane, image: ImageInput) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """The outputs for one grey image, copied, without the batch axis."""
    height, width = image.height or 0, image.width or 0
    axes = (height, width, 3) if image.channels_last else (3, height, width)
    outputs = lane(np.full((image.batch or 1, *axes), _GREY_LEVEL, dtype=np.float32))
    return [output[0].copy() for output in outputs]


def _wanted_mask(wanted: frozenset[int] | None, classes: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    if wanted is None:
        return None
    mask = np.zeros(classes, dtype=np.bool_)
    mask[sorted(wanted)] = True
    return mask


def _letterbox(family: Family, image: ImageInput) -> Letterbox:
    height, width = image.height or 0, image.width or 0
    return Letterbox(family.preprocessing, height=height, width=width, channels_last=image.channels_last)


def _describe(compiled: Compiled, family: Family, image: ImageInput, request: EngineRequest) -> dict[str, object]:
    return {
        "engine": compiled.engine.name,
        "engine_version": compiled.version,
        "precision": compiled.engine.precision,
        "family": family.name,
        "input_size": [image.height, image.width],
        "batch": image.batch,
        "lanes": request.lanes,
        "threads": request.threads,
        "passed_over": list(compiled.passed_over),
    }
