"""The detectors' Processings in their own locked environments, under a real supervisor, in the sandbox."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from pixmill.annotations import BoundingBox
from pixmill.environments import Environment, build, pack_sdk
from tests.run_server import FakeRun, make_run, serving, supervising

FOLDER = Path(__file__).parents[1]
LABELS = ["car", "person", "dog"]


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


def environment_of(processing: str, root: Path) -> Environment:
    return build((FOLDER / f"{processing}.lock").read_bytes(), pack_sdk(root), root)


def car_and_dog(path: Path) -> Path:
    """An ONNX detector that sees a car and a dog in every image of 64 x 64, wherever it looks."""
    boxes = np.zeros((1, 100, 6), dtype=np.float32)
    boxes[0, :2] = [[8, 16, 24, 40, 0.75, 0], [30, 16, 40, 40, 0.5, 2]]
    nodes = [
        helper.make_node("ReduceMin", ["images", "axes"], ["least"], keepdims=1),
        helper.make_node("Reshape", ["least", "shape"], ["flat"]),
        helper.make_node("Mul", ["flat", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "boxes"], ["output0"]),
    ]
    weights = [
        numpy_helper.from_array(np.array([1, 2, 3], dtype=np.int64), "axes"),
        numpy_helper.from_array(np.array([-1, 1, 1], dtype=np.int64), "shape"),
        numpy_helper.from_array(np.zeros(1, dtype=np.float32), "zero"),
        numpy_helper.from_array(boxes, "boxes"),
    ]
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, 64, 64])
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 100, 6])
    graph = helper.make_graph(nodes, "detector", [image], [output], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(path))
    return path


def planned(processing: str, entry: str, model: Path, framework: str, **parameters: Any) -> dict[str, Any]:
    """What the server tells a supervisor of the Processing, its model and its Parameters."""
    file = {"name": model.name, "digest": "", "size_bytes": model.stat().st_size, "path": str(model), "url": "model"}
    return {
        "processing": {
            "name": processing.replace("_", "-"),
            "form": "batch",
            "entry": entry,
            "batch_size": 4,
            "code_digest": "",
            "source_url": "source",
        },
        "model": {
            "name": "tested/1",
            "task": "detection",
            "framework": framework,
            "labels": LABELS,
            "parameters": {},
            "files": [file],
        },
        "model_parameter": "model",
        "parameters": {"model": "tested/1", **parameters},
    }


def run_to_the_end(run: FakeRun, processing: str, environment: Environment, tmp_path: Path) -> int:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    source = FOLDER / f"{processing}.py"
    with serving(run) as url, supervising(url, environment, source, scratch) as supervisor:
        return supervisor.wait(timeout=240)


@pytest.mark.parametrize("engine", ["auto", "onnxruntime", "openvino"])
def test_yolo_preannotation_annotates_the_labels_of_the_version_alone(
    environments: Path, tmp_path: Path, engine: str
) -> None:
    plan = planned("yolo_preannotation", "YoloPreannotation", car_and_dog(tmp_path / "m.onnx"), "onnx", engine=engine)
    run = make_run(tmp_path / "images", images=6, wanted_classes=[0, 1], label_map={"car": "car"}, **plan)

    run_to_the_end(run, "yolo_preannotation", environment_of("yolo_preannotation", environments), tmp_path)

    assert run.finished is not None
    assert run.finished["error"] is None, run.text
    assert run.finished["ledger_complete"]
    # The image of 64 x 48 lies 8 pixels below the top of the input.
    assert [(row.label, row.shape, row.score) for row in run.rows()] == [("car", BoundingBox(8, 8, 16, 24), 0.75)] * 6
    assert run.staged[0]["dropped"] == {}
    assert run.facts["processing"]["precision"] == "fp32"
    used = "openvino" if engine == "auto" else engine
    assert f"tested/1: yolov10 head on {used}" in run.text
    assert "detects 2 of 3 classes (car, person), ignores 1" in run.text


def test_a_model_that_fits_no_family_fails_the_run_with_what_to_do(environments: Path, tmp_path: Path) -> None:
    model = car_and_dog(tmp_path / "m.onnx")
    plan = planned("yolo_preannotation", "YoloPreannotation", model, "onnx", family="yolox")
    run = make_run(tmp_path / "images", images=2, **plan)

    run_to_the_end(run, "yolo_preannotation", environment_of("yolo_preannotation", environments), tmp_path)

    assert run.finished is not None
    assert run.finished["error"]["type"] == "ModelError"
    assert "not of the family 'yolox'" in run.finished["error"]["message"]
    assert "Families that fit: yolov10" in run.text


def test_tensorflow_preannotation_annotates_with_litert(environments: Path, tmp_path: Path, test_data: Path) -> None:
    model = test_data / "models" / "yolov8n_int8.tflite"
    plan = planned("tensorflow_preannotation", "TensorflowPreannotation", model, "tflite")
    plan["model"]["labels"] = (test_data / "models" / "coco_classes.txt").read_text().splitlines()[:80]
    run = make_run(tmp_path / "images", images=2, labels=plan["model"]["labels"], **plan)
    photographs = sorted((test_data / "coco_tiny_val" / "images").iterdir())
    for asset, photograph in zip(run.chunks[0]["assets"], photographs, strict=False):
        with Image.open(photograph) as image:
            asset |= {"local_path": str(photograph), "width": image.width, "height": image.height}

    run_to_the_end(run, "tensorflow_preannotation", environment_of("tensorflow_preannotation", environments), tmp_path)

    assert run.finished is not None
    assert run.finished["error"] is None, run.text
    assert "yolov8 head on litert" in run.text
    assert {row.asset for row in run.rows()} == {"asset-0000", "asset-0001"}
