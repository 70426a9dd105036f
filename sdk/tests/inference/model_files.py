"""Model files made on the spot, and what a detector wants to know of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Batch = int | str


@dataclass(frozen=True)
class StoredModel:
    """A ModelVersion as `open_detector` sees it."""

    file: Path
    labels: tuple[str, ...] = ()
    family: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    wanted: frozenset[int] | None = None
    threads: int | None = None
    name: str = "tested/1"
    framework: str = "onnx"


def constant_detector(
    path: Path,
    outputs: Mapping[str, NDArray[np.float32]],
    *,
    size: int | str = 64,
    batch: Batch = 1,
    colours: int | str = 3,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """An ONNX file that answers every image with the same outputs, moved a little by the image's mean colour.

    The first column of the first output grows by the mean of the image's pixels (after preprocessing), so that answers
    can be told apart by image.
    """
    weights = [numpy_helper.from_array(np.array([1, 2, 3], dtype=np.int64), "axes")]
    nodes = [helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0)]
    infos = []
    for index, (name, output) in enumerate(outputs.items()):
        marker = np.zeros_like(output)
        if index == 0:
            marker[..., 0] = 1.0
        weights += [
            numpy_helper.from_array(output[None], f"{name}_values"),
            numpy_helper.from_array(marker[None], f"{name}_marker"),
            numpy_helper.from_array(np.array([-1] + [1] * output.ndim, dtype=np.int64), f"{name}_shape"),
        ]
        nodes += [
            helper.make_node("Reshape", ["mean", f"{name}_shape"], [f"{name}_mean"]),
            helper.make_node("Mul", [f"{name}_mean", f"{name}_marker"], [f"{name}_moved"]),
            helper.make_node("Add", [f"{name}_moved", f"{name}_values"], [name]),
        ]
        infos.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *output.shape]))
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, colours, size, size])
    graph = helper.make_graph(nodes, "detector", [image], infos, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, str(path))
    return path


def end_to_end_output(*boxes: tuple[float, float, float, float, float, float]) -> NDArray[np.float32]:
    """(100, 6) as YOLOv10 gives it: left, top, right, bottom, score, class; the rest empty."""
    output = np.zeros((100, 6), dtype=np.float32)
    output[: len(boxes)] = np.array(boxes, dtype=np.float32).reshape(-1, 6)
    return output
