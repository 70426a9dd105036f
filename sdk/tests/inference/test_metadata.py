from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from pixmill.errors import ModelError
from pixmill.inference.metadata import read_metadata, require_family

from .model_files import constant_detector, end_to_end_output

V8_OUTPUT = np.zeros((6, 84), dtype=np.float32)


def test_names_task_size_family_and_licence_come_from_the_file(tmp_path: Path) -> None:
    said = {
        "names": "{0: 'car', 1: \"driver's door\"}",
        "task": "detect",
        "license": "Apache-2.0",
        "imgsz": "[64, 64]",
        "author": "Ultralytics",
    }
    path = constant_detector(tmp_path / "model.onnx", {"output0": V8_OUTPUT}, metadata=said)

    read = read_metadata(path)

    assert read.labels == ("car", "driver's door")
    assert (read.framework, read.task, read.licence) == ("onnx", "detection", "Apache-2.0")
    assert (read.input_size, read.batch, read.family) == ((64, 64), 1, "yolov8")


def test_a_file_without_metadata_says_what_its_graph_says(tmp_path: Path) -> None:
    read = read_metadata(constant_detector(tmp_path / "model.onnx", {"output0": V8_OUTPUT}, batch="n"))

    assert (read.labels, read.licence, read.batch) == ((), "", None)
    assert (read.task, read.input_size, read.family) == ("detection", (64, 64), "yolov8")


def test_labels_that_the_user_gives_decide_between_families(tmp_path: Path) -> None:
    path = constant_detector(tmp_path / "model.onnx", {"output": np.zeros((84, 7), dtype=np.float32)})

    assert read_metadata(path).family is None
    assert read_metadata(path).family_choices == ("yolov8", "yolox")
    assert read_metadata(path, labels=("car", "person")).family == "yolox"
    assert read_metadata(path, labels=("car", "person", "dog")).family == "yolov8"


def test_an_open_graph_has_the_size_that_its_exporter_wrote(tmp_path: Path) -> None:
    said = {"imgsz": "[96, 64]"}
    path = constant_detector(tmp_path / "model.onnx", {"output0": V8_OUTPUT}, size="side", metadata=said)

    assert read_metadata(path).input_size == (96, 64)


def test_a_model_of_another_task_has_no_family(tmp_path: Path) -> None:
    path = constant_detector(tmp_path / "model.onnx", {"output0": V8_OUTPUT}, metadata={"task": "segment"})

    assert (read_metadata(path).task, read_metadata(path).family_choices) == ("segmentation", ())


def test_a_graph_without_an_image_is_a_model_all_the_same(tmp_path: Path) -> None:
    text = helper.make_tensor_value_info("text", TensorProto.INT64, ["n"])
    answer = helper.make_tensor_value_info("answer", TensorProto.INT64, ["n"])
    graph = helper.make_graph([helper.make_node("Identity", ["text"], ["answer"])], "text", [text], [answer])
    onnx.save(helper.make_model(graph), str(tmp_path / "text.onnx"))

    read = read_metadata(tmp_path / "text.onnx")

    assert (read.task, read.input_size, read.family) == (None, None, None)


def test_weights_that_old_exports_list_as_inputs_are_none(tmp_path: Path) -> None:
    path = constant_detector(tmp_path / "model.onnx", {"output0": V8_OUTPUT})
    model = onnx.load(str(path))
    model.graph.input.append(helper.make_tensor_value_info("axes", TensorProto.INT64, [3]))
    onnx.save(model, str(path))

    assert read_metadata(path).input_size == (64, 64)


@pytest.mark.parametrize(
    "names", ["__import__('os').system('true')", "{0: 'a', 2: 'c'}", "{", "[" * 5000, "{'x': 'a'}"]
)
def test_names_that_are_no_plain_list_are_not_believed(tmp_path: Path, names: str) -> None:
    path = constant_detector(tmp_path / "model.onnx", {"output0": V8_OUTPUT}, metadata={"names": names})

    assert read_metadata(path).labels == ()


def test_a_large_model_is_not_read_into_memory(tmp_path: Path) -> None:
    path = constant_detector(tmp_path / "model.onnx", {"output0": V8_OUTPUT})
    model = onnx.load(str(path))
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(50_000_000, dtype=np.uint8), "ballast"))
    onnx.save(model, str(path))

    assert read_metadata(path).family == "yolov8"


def test_a_detector_whose_family_is_not_certain_has_to_be_asked_about(tmp_path: Path) -> None:
    path = constant_detector(tmp_path / "model.onnx", {"output": np.zeros((84, 7), dtype=np.float32)})

    with pytest.raises(ModelError, match=r"\(84, 7\) and no class names fits several families: yolov8, yolox"):
        require_family(path, read_metadata(path))
    with pytest.raises(ModelError, match=r"4 class names fits no family.*--family other"):
        require_family(path, read_metadata(path, labels=("a", "b", "c", "d")))
    require_family(path, read_metadata(path, labels=("car", "person")))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.onnx", b"names: [car, person]\n"),
        ("model.onnx", b""),
        ("model.onnx", b"\x08\x07"),
        ("model.onnx", b"\x08\x07\x3a\xff\xff\xff\xff\x0f"),
        ("model.tflite", b"not a model, not at all"),
        ("model.tflite", b"\x1c\x00\x00\x00TFL3"),
        ("model.tflite", b""),
    ],
)
def test_what_is_not_a_model_is_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ModelError, match=r"'model\.\w+' is not a (n ONNX|TFLite|ONNX)?|is not an ONNX file"):
        read_metadata(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.pt", b"PK\x03\x04 a zip with data.pkl"),
        ("model.onnx", b"PK\x03\x04 a renamed checkpoint"),
        ("model.onnx", b"\x80\x04\x95 a renamed pickle"),
        ("model.pkl", b"anything"),
    ],
)
def test_pickles_are_refused_whatever_they_are_called(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ModelError, match="would run code"):
        read_metadata(tmp_path / name)


def test_other_files_are_refused_with_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"\x89HDF")

    with pytest.raises(ModelError, match=r"Export the model to \.onnx or \.tflite"):
        read_metadata(tmp_path / "model.h5")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_onnx_file_is_read_or_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = constant_detector(folder / "model.onnx", {"output0": end_to_end_output()}, metadata={"names": "['a']"})
    content = bytearray(path.read_bytes()[: data.draw(st.integers(0, path.stat().st_size))])
    for place in data.draw(st.lists(st.integers(0, max(len(content) - 1, 0)), max_size=4)) if content else ():
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)

    with suppress(ModelError):
        read_metadata(path)


def test_a_tflite_file_says_what_was_appended_to_it(test_data: Path) -> None:
    read = read_metadata(test_data / "models" / "yolov8n_int8.tflite")

    assert (read.framework, read.task, read.family) == ("tflite", "detection", "yolov8")
    assert (read.input_size, read.batch) == ((640, 640), 1)
    assert (read.labels[0], len(read.labels)) == ("person", 80)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_tflite_file_is_read_or_refused_and_nothing_else(
    test_data: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "model.tflite"
    content = bytearray((test_data / "models" / "yolov8n_int8.tflite").read_bytes()[:200_000])
    for place in data.draw(st.lists(st.integers(8, len(content) - 1), max_size=200)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])

    with suppress(ModelError):
        read_metadata(path)
