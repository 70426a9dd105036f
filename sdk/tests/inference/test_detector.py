from importlib import import_module
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from pixmill.errors import ModelError, ParameterError
from pixmill.inference.available import engine_names
from pixmill.inference.detector import open_detector

from .model_files import Batch, StoredModel, constant_detector, end_to_end_output

LABELS = ("car", "person", "dog")
# Found by their files, so that a new engine meets the same tests.
KINDS = [import_module(f"pixmill.inference.engines.{name}").create() for name in engine_names()]
ONNX_ENGINES = [kind.name for kind in KINDS if "onnx" in kind.frameworks]


def picture(level: int, *, width: int = 128, height: int = 64) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, dtype=np.uint8)


@pytest.fixture
def two_cars(tmp_path: Path) -> StoredModel:
    """Sees a car, a worse car, and a person in every image of 64 x 64 (YOLOv10 head: what the graph says stays)."""
    output = end_to_end_output((8, 20, 24, 40, 0.9, 0), (30, 20, 40, 40, 0.5, 0), (50, 20, 60, 40, 0.7, 1))
    return StoredModel(constant_detector(tmp_path / "model.onnx", {"output0": output}), LABELS)


@pytest.mark.parametrize("engine", ONNX_ENGINES)
def test_boxes_are_in_pixels_of_the_image_best_first(two_cars: StoredModel, engine: str) -> None:
    (found,) = open_detector(two_cars, engine=engine)([np.zeros((32, 64, 3), dtype=np.uint8)])

    # The margins above and below the 64 x 32 image are grey: the answer is moved by their share of the mean colour.
    moved = 114 / 255 / 2
    np.testing.assert_allclose(found.boxes[:, 0], [8 + moved, 50 + moved, 30 + moved], atol=1e-4)
    np.testing.assert_allclose(found.boxes[:, 1], [4, 4, 4], atol=1e-4)
    np.testing.assert_allclose(found.scores, [0.9, 0.7, 0.5], atol=1e-6)
    assert [found.class_names[index] for index in found.class_indices] == ["car", "person", "car"]


@pytest.mark.parametrize("engine", ONNX_ENGINES)
@pytest.mark.parametrize("batch", [1, 2, "n"], ids=["one at a time", "two at a time", "any batch"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_image_of_a_batch_gets_its_own_boxes(tmp_path: Path, engine: str, batch: Batch, threads: int) -> None:
    file = constant_detector(tmp_path / "m.onnx", {"output0": end_to_end_output((8, 20, 24, 40, 0.9, 0))}, batch=batch)
    detect = open_detector(StoredModel(file, LABELS), engine=engine, threads=threads)
    levels = [0, 255, 51, 102, 153]

    found = detect([picture(level, width=64) for level in levels])

    np.testing.assert_allclose([one.boxes[0, 0] for one in found], [8, 9, 8.2, 8.4, 8.6], atol=1e-4)
    assert detect([]) == []


def test_boxes_are_clipped_to_the_image_and_those_outside_go(tmp_path: Path) -> None:
    outside, over_the_edge = (0, 0, 10, 10, 0.9, 0), (-20, 10, 30, 64, 0.8, 1)
    file = constant_detector(tmp_path / "m.onnx", {"output0": end_to_end_output(outside, over_the_edge)})

    (found,) = open_detector(StoredModel(file, LABELS))([picture(0, width=128, height=64)])

    # In the input of 64 x 64 the image fills rows 16 to 48; one pixel there is two of the image.
    assert found.class_indices.tolist() == [1]
    np.testing.assert_allclose(found.boxes, [[0, 0, 60, 64]], atol=1e-4)


def test_classes_that_are_not_wanted_take_no_place_from_those_that_are(two_cars: StoredModel) -> None:
    all_of_it = open_detector(two_cars)([picture(9)])[0]
    only_persons = StoredModel(two_cars.file, LABELS, wanted=frozenset({1}))

    (found,) = open_detector(only_persons, max_detections=1)([picture(9)])

    assert found.boxes.tolist() == all_of_it.boxes[all_of_it.class_indices == 1].tolist()


def test_the_best_boxes_stay_under_the_cap(two_cars: StoredModel) -> None:
    (found,) = open_detector(two_cars, max_detections=2)([picture(9)])

    np.testing.assert_allclose(found.scores, [0.9, 0.7], atol=1e-6)


def test_overlapping_boxes_of_a_class_are_suppressed_and_those_of_others_stay(tmp_path: Path) -> None:
    output = np.zeros((7, 84), dtype=np.float32)
    output[:, 1] = [32, 32, 20, 20, 0.9, 0, 0]
    output[:, 2] = [33, 32, 20, 20, 0.8, 0, 0]
    output[:, 3] = [33, 32, 20, 20, 0, 0.7, 0]
    file = constant_detector(tmp_path / "m.onnx", {"output0": output})

    (loose,) = open_detector(StoredModel(file, LABELS), iou=0.95)([picture(9)])
    (strict,) = open_detector(StoredModel(file, LABELS), iou=0.5)([picture(9)])

    np.testing.assert_allclose(loose.scores, [0.9, 0.8, 0.7], atol=1e-6)
    np.testing.assert_allclose(strict.scores, [0.9, 0.7], atol=1e-6)


@pytest.mark.parametrize("engine", ONNX_ENGINES)
def test_a_graph_of_any_size_runs_at_the_size_that_its_model_says(tmp_path: Path, engine: str) -> None:
    output = end_to_end_output((8, 20, 24, 40, 0.9, 0))
    file = constant_detector(tmp_path / "m.onnx", {"output0": output}, size="side", batch="n", colours="colours")

    detect = open_detector(StoredModel(file, LABELS, parameters={"input_size": [96, 64]}), engine=engine)

    assert detect.describe()["input_size"] == [96, 64]
    assert len(detect([picture(9)])[0]) == 1
    with pytest.raises(ModelError, match="images of any size"):
        open_detector(StoredModel(file, LABELS), engine=engine)


def test_a_detector_says_how_it_runs(two_cars: StoredModel) -> None:
    model = StoredModel(two_cars.file, LABELS, wanted=frozenset({0, 1}), threads=2)

    detect = open_detector(model, engine="openvino")

    said = detect.describe()
    assert (said["engine"], said["precision"], said["family"]) == ("openvino", "fp32", "yolov10")
    assert (said["batch"], said["threads"]) == (1, 2)
    assert "detects 2 of 3 classes (car, person), ignores 1" in detect.summary()


def test_openvino_comes_first(two_cars: StoredModel) -> None:
    assert open_detector(two_cars).describe()["engine"] == "openvino"
    assert engine_names()[0] == "openvino"


def test_a_model_that_openvino_cannot_load_runs_on_onnxruntime_and_says_why(two_cars: StoredModel) -> None:
    model = onnx.load(str(two_cars.file))
    model.graph.node[-1].output[0] = "found"
    model.graph.initializer.append(numpy_helper.from_array(np.array(0, dtype=np.int32), "first"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([0], dtype=np.int64), "first_axes"))
    model.graph.node.append(helper.make_node("ExpandDims", ["found", "first"], ["wide"], domain="com.microsoft"))
    model.graph.node.append(helper.make_node("Squeeze", ["wide", "first_axes"], ["output0"]))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(model, str(two_cars.file))

    detect = open_detector(two_cars)

    assert detect.describe()["engine"] == "onnxruntime"
    assert "openvino cannot load 'model.onnx'" in detect.summary()
    assert "ExpandDims" in detect.summary()
    assert len(detect([picture(9)])[0]) == 3


@pytest.mark.parametrize("engine", ONNX_ENGINES)
def test_a_transformer_that_leaves_every_axis_open_is_read(tmp_path: Path, engine: str) -> None:
    logits, boxes = np.full((100, 3), -9, dtype=np.float32), np.zeros((100, 4), dtype=np.float32)
    logits[4, 1], boxes[4] = 2, [0.5, 0.5, 0.25, 0.25]
    outputs = {"logits": logits, "pred_boxes": boxes}
    file = constant_detector(tmp_path / "m.onnx", outputs, size="side", batch="n", colours="colours")
    model = StoredModel(file, LABELS, family="rtdetr", parameters={"input_size": 64})

    found, _ = open_detector(model, engine=engine)([picture(0), picture(9)])

    np.testing.assert_allclose(found.boxes, [[48, 24, 32, 16]], atol=1e-4)
    assert found.class_indices.tolist() == [1]


def test_labels_of_the_file_are_used_where_the_model_has_none(tmp_path: Path) -> None:
    output = {"output0": end_to_end_output((8, 20, 24, 40, 0.9, 1))}
    named = constant_detector(tmp_path / "named.onnx", output, metadata={"names": "['car', 'person', 'dog']"})

    assert open_detector(StoredModel(named)).class_names == LABELS
    with pytest.raises(ModelError, match="does not name its classes"):
        open_detector(StoredModel(constant_detector(tmp_path / "bare.onnx", output)))


def test_a_class_beyond_the_labels_is_an_error_and_not_another_class(tmp_path: Path) -> None:
    file = constant_detector(tmp_path / "m.onnx", {"output0": end_to_end_output((8, 20, 24, 40, 0.9, 7))})

    with pytest.raises(ModelError, match="found class 7, and has 3 labels"):
        open_detector(StoredModel(file, LABELS))([picture(9)])


def test_numbers_that_are_not_finite_are_no_boxes(tmp_path: Path) -> None:
    nan, inf = float("nan"), float("inf")
    output = end_to_end_output((nan, 20, 24, 40, 0.9, 0), (8, 20, inf, 40, 0.9, 0), (8, 20, 24, 40, nan, 0))
    file = constant_detector(tmp_path / "m.onnx", {"output0": output})

    assert len(open_detector(StoredModel(file, LABELS), engine="onnxruntime")([picture(9)])[0]) == 0


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("confidence", 1.5), ("iou", -0.1), ("max_detections", 0), ("precision", "int4")],
)
def test_a_parameter_out_of_range_is_refused_by_name(two_cars: StoredModel, parameter: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"Parameter '{parameter}' cannot be"):
        open_detector(two_cars, **{parameter: value})  # type: ignore[arg-type] # the point of the test


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"engine": "litert"}, "'litert' does not run onnx models"),
        ({"engine": "tensorrt"}, "no engine 'tensorrt'"),
        ({"engine": "onnxruntime", "precision": "bf16"}, "does not compute in bf16"),
        ({"family": "yolox"}, "not of the family 'yolox'"),
    ],
)
def test_what_an_engine_cannot_do_is_refused(two_cars: StoredModel, asked: dict[str, str], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        open_detector(two_cars, **asked)  # type: ignore[arg-type] # one keyword or two


@pytest.mark.parametrize("engine", ["auto", *ONNX_ENGINES])
def test_a_graph_that_no_engine_accepts_is_refused_with_their_words(tmp_path: Path, engine: str) -> None:
    file = constant_detector(tmp_path / "m.onnx", {"output0": end_to_end_output()})
    file.write_bytes(file.read_bytes().replace(b"ReduceMean", b"ReduceMoan"))

    with pytest.raises(ModelError, match=r"ReduceMoan"):
        open_detector(StoredModel(file, LABELS), engine=engine)


def test_an_image_that_is_none_is_refused(two_cars: StoredModel) -> None:
    with pytest.raises(ValueError, match=r"uint8 \(height, width, 3\)"):
        open_detector(two_cars)([np.zeros((4, 4), dtype=np.uint8)])
