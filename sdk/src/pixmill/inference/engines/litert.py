"""LiteRT (TensorFlow Lite) with XNNPACK: one interpreter a lane, as an interpreter serves one thread at a time."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from ai_edge_litert import interpreter as litert
from numpy.typing import NDArray

from pixmill.errors import ModelError
from pixmill.inference.contract import EngineKind, EngineRequest, Floats
from pixmill.inference.signature import GraphSignature, TensorSpec


def create() -> EngineKind:
    """LiteRT, as installed."""
    return EngineKind(
        name="litert", frameworks=frozenset({"tflite"}), version=version("ai-edge-litert"), compile=_compile
    )


@dataclass(frozen=True, slots=True)
class _Model:
    request: EngineRequest
    signature: GraphSignature
    name: str = "litert"
    precision: str = "fp32"

    def lane(self) -> "_Lane":
        return _Lane(_interpreter(self.request))


class _Lane:
    def __init__(self, interpreter: litert.Interpreter) -> None:
        self._interpreter = interpreter
        (self._input,) = interpreter.get_input_details()
        self._outputs = interpreter.get_output_details()

    def __call__(self, tensor: Floats) -> list[Floats]:
        if tensor.shape != tuple(self._input["shape"]):
            self._interpreter.resize_tensor_input(self._input["index"], tensor.shape)
            self._interpreter.allocate_tensors()
            (self._input,) = self._interpreter.get_input_details()
        self._interpreter.set_tensor(self._input["index"], _quantized(tensor, self._input))
        self._interpreter.invoke()
        return [_real(self._interpreter.get_tensor(output["index"]), output) for output in self._outputs]


def _compile(request: EngineRequest) -> _Model:
    if request.precision == "bf16":
        raise ModelError("litert does not compute in bf16.", hint="Choose precision fp32.")
    interpreter = _interpreter(request)
    signature = GraphSignature(
        inputs=tuple(_spec(details) for details in interpreter.get_input_details()),
        outputs=tuple(_spec(details) for details in interpreter.get_output_details()),
    )
    return _Model(request=request, signature=signature)


def _interpreter(request: EngineRequest) -> litert.Interpreter:
    try:
        interpreter = litert.Interpreter(str(request.file), num_threads=max(request.threads // request.lanes, 1))
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"litert cannot load '{request.file.name}': {str(error).splitlines()[0]}",
            hint="Export the model with TensorFlow Lite's built-in operators only.",
        ) from error
    return interpreter


def _spec(details: dict[str, Any]) -> TensorSpec:
    axes = details["shape_signature"] if len(details["shape_signature"]) else details["shape"]
    shape = tuple(int(axis) if axis > 0 else None for axis in axes)
    return TensorSpec(name=details["name"], shape=shape, dtype=np.dtype(details["dtype"]).name)


def _quantized(tensor: Floats, details: dict[str, Any]) -> NDArray[Any]:
    """As the graph's input type; integers by the scale and zero point that the graph gives."""
    scale, zero = details["quantization"]
    dtype = np.dtype(details["dtype"])
    if dtype.kind not in "iu":
        return tensor.astype(dtype, copy=False)
    if not scale:
        return np.rint(tensor).astype(dtype)
    limits = np.iinfo(dtype)
    steps = np.rint(tensor / np.float32(scale) + np.float32(zero))
    return np.asarray(np.clip(steps, limits.min, limits.max), dtype=dtype)


def _real(output: NDArray[Any], details: dict[str, Any]) -> Floats:
    scale, zero = details["quantization"]
    if output.dtype.kind in "iu" and scale:
        return np.asarray((output.astype(np.float32) - np.float32(zero)) * np.float32(scale), dtype=np.float32)
    return np.asarray(output, dtype=np.float32)
