"""What goes into a graph and what comes out of it, as every file format and engine can say it."""

from dataclasses import dataclass

from pixmill.errors import ModelError

_IMAGE_AXES = 4
_CHANNELS = 3


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output of a graph."""

    name: str
    shape: tuple[int | None, ...]
    """None for an axis that the graph leaves open."""
    dtype: str
    """As numpy writes it: `float32`, `float16`, `uint8`, ...; empty where the file does not say."""


@dataclass(frozen=True, slots=True)
class GraphSignature:
    """All inputs and outputs, in the graph's own order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The one input of a detector: a batch of images of three channels."""

    name: str
    batch: int | None
    """None: any number of images at once."""
    height: int | None
    width: int | None
    channels_last: bool
    """True for (batch, height, width, 3), False for (batch, 3, height, width)."""
    dtype: str


@dataclass(frozen=True, slots=True)
class OutputShape:
    """One output for one image: its shape without the batch axis."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DetectorShape:
    """A detector at a given input size: all that a family of heads is recognised by."""

    height: int
    width: int
    outputs: tuple[OutputShape, ...]


def image_input(signature: GraphSignature) -> ImageInput:
    """The image that the graph takes; refuses graphs that take anything else, or more."""
    if len(signature.inputs) != 1:
        names = ", ".join(f"'{spec.name}'" for spec in signature.inputs) or "none"
        raise ModelError(
            f"The graph takes {len(signature.inputs)} inputs ({names}), not one image.",
            hint="Export the detector without its post-processing, so that it takes images alone.",
        )
    spec = signature.inputs[0]
    # Some exports leave even the number of colours open; all of them have it second.
    if len(spec.shape) == _IMAGE_AXES and (spec.shape[1] in (_CHANNELS, None) or spec.shape[3] == _CHANNELS):
        batch, second, third, fourth = spec.shape
        if fourth != _CHANNELS or second == _CHANNELS:
            return ImageInput(spec.name, batch, third, fourth, channels_last=False, dtype=spec.dtype)
        return ImageInput(spec.name, batch, second, third, channels_last=True, dtype=spec.dtype)
    raise ModelError(
        f"The input '{spec.name}' of shape {shape_text(spec.shape)} is not a batch of colour images.",
        hint="A detector takes (batch, 3, height, width) or (batch, height, width, 3).",
    )


def detector_shape(signature: GraphSignature, *, height: int, width: int) -> DetectorShape | None:
    """The shape of one image's outputs; None where the graph leaves more than the batch open."""
    outputs = []
    for spec in signature.outputs:
        axes = tuple(axis for axis in spec.shape[1:] if axis is not None)
        if len(axes) != len(spec.shape) - 1:
            return None
        outputs.append(OutputShape(spec.name, axes))
    return DetectorShape(height=height, width=width, outputs=tuple(outputs))


def shape_text(shape: tuple[int | None, ...]) -> str:
    """A shape as people write it, with `?` for an open axis."""
    return "(" + ", ".join("?" if axis is None else str(axis) for axis in shape) + ")"
