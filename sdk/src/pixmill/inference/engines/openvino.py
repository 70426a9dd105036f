"""OpenVINO on the CPU: as many streams as lanes; the precision is asked for, read back, and never left to chance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino

from pixmill.errors import ModelError
from pixmill.inference.contract import EngineKind, EngineRequest, Floats
from pixmill.inference.signature import GraphSignature, TensorSpec, image_input

_HINTS = {"fp32": openvino.Type.f32, "bf16": openvino.Type.bf16}
_PRECISIONS = {"f32": "fp32", "bf16": "bf16", "f16": "fp16"}
_DTYPES = {"f32": "float32", "f16": "float16", "u8": "uint8", "i64": "int64", "i32": "int32"}


def create() -> EngineKind:
    """OpenVINO, as installed."""
    return EngineKind(
        name="openvino", frameworks=frozenset({"onnx"}), version=openvino.__version__.split("-")[0], compile=_compile
    )


@dataclass(frozen=True, slots=True)
class _Compiled:
    model: openvino.CompiledModel
    signature: GraphSignature
    precision: str
    name: str = "openvino"

    def lane(self) -> "_Lane":
        return _Lane(self.model.create_infer_request(), self.signature.inputs[0].dtype or "float32")


@dataclass(frozen=True, slots=True)
class _Lane:
    request: openvino.InferRequest
    dtype: str

    def __call__(self, tensor: Floats) -> list[Floats]:
        # The tensor is read where it lies, and the outputs stay where the engine wrote them.
        self.request.set_input_tensor(openvino.Tensor(tensor.astype(self.dtype, copy=False), shared_memory=True))
        self.request.infer(share_outputs=True)
        return [np.asarray(output.data, dtype=np.float32) for output in self.request.output_tensors]


def _compile(request: EngineRequest) -> _Compiled:
    core = openvino.Core()
    precision = "bf16" if request.precision == "bf16" else "fp32"
    if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise ModelError(
            "This CPU does not compute in bf16: it has neither AMX nor AVX512_BF16.", hint="Choose precision fp32."
        )
    try:
        model = core.read_model(request.file)
        signature = GraphSignature(inputs=_specs(model.inputs), outputs=_specs(model.outputs))
        _fix_size(model, signature, request)
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": _HINTS[precision],
                "INFERENCE_NUM_THREADS": request.threads,
                "NUM_STREAMS": request.lanes,
            },
        )
    except RuntimeError as error:
        raise ModelError(
            f"openvino cannot load '{request.file.name}': {_last_line(error)}", hint="Try the engine onnxruntime."
        ) from error
    reported = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if _PRECISIONS.get(reported) != precision:
        raise ModelError(f"openvino compiled the model in {reported}, not in {precision}.", hint="Use onnxruntime.")
    signature = GraphSignature(inputs=_specs(compiled.inputs), outputs=_specs(compiled.outputs))
    return _Compiled(model=compiled, signature=signature, precision=precision)


def _fix_size(model: openvino.Model, signature: GraphSignature, request: EngineRequest) -> None:
    """Give an open graph its input size and a batch of one: known shapes run faster, and lanes replace the batch."""
    image = image_input(signature)
    if image.batch and image.height and image.width:
        return
    size = (image.height, image.width) if image.height and image.width else request.input_size
    if size is None:
        return
    axes = (*size, 3) if image.channels_last else (3, *size)
    model.reshape([image.batch or 1, *axes])


def _specs(ports: list[Any]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=port.get_any_name() if port.get_names() else "",
            shape=tuple(axis.get_length() if axis.is_static else None for axis in port.get_partial_shape()),
            dtype=_DTYPES.get(port.get_element_type().get_type_name(), ""),
        )
        for port in ports
    )


def _last_line(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
