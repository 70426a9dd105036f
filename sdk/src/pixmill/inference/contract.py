"""What a family of heads and an engine promise each other and the detector. Values and interfaces only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pixmill.inference.signature import DetectorShape, GraphSignature

Floats: TypeAlias = NDArray[np.float32]

ANY_CLASSES = 0
"""A head whose shape does not tell how many classes the model has."""


class Placement(StrEnum):
    """How an image of any size is laid into the network's input."""

    CENTRED = "centred"
    """Scaled to fit, grey margins on both sides."""
    TOP_LEFT = "top-left"
    """Scaled to fit, grey margins right and below."""
    STRETCHED = "stretched"
    """Each axis scaled by itself; no margin."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What the network expects of its pixels: (colour / unit - mean) / deviation."""

    placement: Placement
    bgr: bool = False
    """The order of colours; False is red, green, blue."""
    unit: float = 255.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of red, green, blue, in units."""
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of red, green, blue, in units."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The boxes of one image before suppression: every one that reaches the confidence, under its best class."""

    boxes: Floats
    """(n, 4) left, top, right, bottom in pixels of the network's input."""
    scores: Floats
    """(n,) 0 to 1."""
    classes: NDArray[np.int64]
    """(n,) index of the class."""

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Candidates":
        return Candidates(self.boxes[rows], self.scores[rows], self.classes[rows])


Decoder: TypeAlias = Callable[[Sequence[Floats], float], Candidates]
"""From one image's outputs (without the batch axis) and the least score to its candidates."""


@dataclass(frozen=True, slots=True)
class Family:
    """One way to lay out a detector's outputs, and what such networks expect as input."""

    name: str
    title: str
    """The networks that are of this family, for people."""
    preprocessing: Preprocessing
    suppresses: bool
    """Whether overlapping boxes have to be suppressed after decoding."""
    classes: Callable[[DetectorShape], int | None]
    """How many classes a network of this shape has, `ANY_CLASSES` if its shape does not tell; None: another family."""
    decoder: Callable[[DetectorShape, Sequence[Floats]], Decoder]
    """Makes the decoder; the outputs for a grey image tell what shapes cannot (decoded or raw, pixels or 0 to 1)."""


class Lane(Protocol):
    """One of several places where a network runs at the same time; belongs to one thread at a time."""

    def __call__(self, tensor: Floats) -> list[Floats]:
        """All outputs for (batch, ...) float32 input, as float32. They may be overwritten by the lane's next call."""
        ...


class Engine(Protocol):
    """A network, compiled and ready."""

    @property
    def name(self) -> str: ...

    @property
    def precision(self) -> str:
        """What it computes in, as the engine itself reports it: `fp32` or `bf16`."""
        ...

    @property
    def signature(self) -> GraphSignature: ...

    def lane(self) -> Lane: ...


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """How a network is to be compiled."""

    file: Path
    precision: str
    """`auto` (fp32), `fp32` or `bf16`; an engine that cannot compute in it raises `ModelError`."""
    threads: int
    lanes: int
    """How many lanes will run at once; the threads are shared out among them."""
    input_size: tuple[int, int] | None
    """Height and width to fix an open graph to; None where the graph has its own."""


@dataclass(frozen=True, slots=True)
class EngineKind:
    """An engine, installed: `create()` of its file gives this, and importing the file imports the engine."""

    name: str
    frameworks: frozenset[str]
    """Of the models it runs: `onnx`, `tflite`."""
    version: str
    compile: Callable[[EngineRequest], Engine]
    """Raises `ModelError` where the engine cannot load or run the file as asked."""
