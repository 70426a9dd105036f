"""ONNX Runtime on the CPU: one session, its threads shared out among the lanes, spinning off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime

from pixmill.errors import ModelError
from pixmill.inference.contract import EngineKind, EngineRequest, Floats
from pixmill.inference.signature import GraphSignature, TensorSpec

_ERRORS_ONLY = 3
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
}


def create() -> EngineKind:
    """ONNX Runtime, as installed."""
    return EngineKind(
        name="onnxruntime", frameworks=frozenset({"onnx"}), version=onnxruntime.__version__, compile=_compile
    )


@dataclass(frozen=True, slots=True)
class _Session:
    session: onnxruntime.InferenceSession
    signature: GraphSignature
    name: str = "onnxruntime"
    precision: str = "fp32"

    def lane(self) -> "_Lane":
        return _Lane(self.session, self.signature.inputs[0])


@dataclass(frozen=True, slots=True)
class _Lane:
    session: onnxruntime.InferenceSession
    image: TensorSpec

    def __call__(self, tensor: Floats) -> list[Floats]:
        outputs = self.session.run(None, {self.image.name: tensor.astype(self.image.dtype, copy=False)})
        return [np.asarray(output, dtype=np.float32) for output in outputs]


def _compile(request: EngineRequest) -> _Session:
    if request.precision == "bf16":
        raise ModelError("onnxruntime does not compute in bf16 on a CPU.", hint="Choose precision fp32, or openvino.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(request.threads // request.lanes, 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # A thread that spins while it waits takes the CPU from decoding, and from other Runs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(request.file), options, providers=["CPUExecutionProvider"])
    except _refusals() as error:
        raise ModelError(
            f"onnxruntime cannot load '{request.file.name}': {str(error).splitlines()[0]}",
            hint="Export the model again, with an older opset if this says so.",
        ) from error
    signature = GraphSignature(inputs=_specs(session.get_inputs()), outputs=_specs(session.get_outputs()))
    return _Session(session=session, signature=signature)


def _refusals() -> tuple[type[Exception], ...]:
    """Everything that ONNX Runtime raises of its own; its exceptions have no common base but `Exception`."""
    state = onnxruntime.capi.onnxruntime_pybind11_state
    kinds = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (*kinds, RuntimeError, ValueError)


def _specs(arguments: Sequence[onnxruntime.NodeArg]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=argument.name,
            shape=tuple(axis if isinstance(axis, int) and axis > 0 else None for axis in argument.shape),
            dtype=_DTYPES.get(argument.type, ""),
        )
        for argument in arguments
    )
