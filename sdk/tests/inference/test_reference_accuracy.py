"""Accuracy on real photographs, against figures that were measured elsewhere (the README of the test data)."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pixmill.annotations import Detections
from pixmill.errors import ModelError
from pixmill.inference.detector import open_detector

from .model_files import StoredModel

REFERENCE = {
    ("yolox_nano", "onnxruntime", "fp32"): (0.3029, 0.4688),
    ("yolox_nano", "openvino", "fp32"): (0.3029, 0.4688),
    ("yolox_nano", "openvino", "bf16"): (0.3059, 0.4670),
    ("yolov8n_int8", "onnxruntime", "fp32"): (0.3766, 0.5280),
    ("yolov8n_int8", "openvino", "fp32"): (0.3790, 0.5295),
    ("yolov8n_int8", "openvino", "bf16"): (0.3736, 0.5226),
}
TOLERANCE = {"fp32": 0.003, "bf16": 0.006}
BATCH = 8


@cache
def truth(data: Path) -> COCO:
    return COCO(str(data / "coco_tiny_val" / "annotations.json"))


@cache
def photographs(data: Path) -> tuple[tuple[int, NDArray[np.uint8]], ...]:
    """Every image's id and its pixels, red first."""
    folder, coco = data / "coco_tiny_val" / "images", truth(data)
    files = [(image["id"], folder / image["file_name"]) for image in coco.loadImgs(coco.getImgIds())]
    read = [(number, cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)) for number, file in files]
    return tuple((number, np.asarray(image, dtype=np.uint8)) for number, image in read)


def labels(data: Path) -> tuple[str, ...]:
    return tuple((data / "models" / "coco_classes.txt").read_text().splitlines()[:80])


@cache
def detections(data: Path, file: Path, engine: str, precision: str) -> tuple[Detections, ...]:
    """Of every photograph, as the figures were measured."""
    detect = open_detector(
        StoredModel(file, labels(data)), confidence=0.001, iou=0.65, engine=engine, precision=precision
    )
    images = [image for _, image in photographs(data)]
    batches = [detect(images[start : start + BATCH]) for start in range(0, len(images), BATCH)]
    return tuple(found for batch in batches for found in batch)


def average_precision(data: Path, found: Sequence[Detections]) -> tuple[float, float]:
    """AP and AP50 of boxes, by pycocotools."""
    coco = truth(data)
    categories = sorted(coco.getCatIds())
    results = [
        {"image_id": number, "category_id": categories[kind], "bbox": box, "score": score}
        for (number, _), one in zip(photographs(data), found, strict=True)
        for box, kind, score in zip(one.boxes.tolist(), one.class_indices.tolist(), one.scores.tolist(), strict=True)
    ]
    evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])


def require_precision(data: Path, engine: str, precision: str) -> None:
    if precision == "bf16":
        model = StoredModel(data / "models" / "yolox_nano.onnx", labels(data))
        try:
            open_detector(model, engine=engine, precision=precision)
        except ModelError as error:
            pytest.skip(error.message)


@pytest.mark.parametrize(("model", "engine", "precision"), REFERENCE)
def test_accuracy_is_that_of_the_reference(test_data: Path, model: str, engine: str, precision: str) -> None:
    require_precision(test_data, engine, precision)

    found = detections(test_data, test_data / "models" / f"{model}.onnx", engine, precision)

    precision_of_all, precision_at_half = average_precision(test_data, found)
    reference, reference_at_half = REFERENCE[model, engine, precision]
    assert precision_of_all == pytest.approx(reference, abs=TOLERANCE[precision])
    assert precision_at_half == pytest.approx(reference_at_half, abs=2 * TOLERANCE[precision])


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_model_without_its_metadata_finds_the_same(test_data: Path, tmp_path: Path, engine: str) -> None:
    file = test_data / "models" / "yolov8n_int8.onnx"
    bare = onnx.load(str(file))
    del bare.metadata_props[:]
    onnx.save(bare, str(tmp_path / "bare.onnx"))
    images = [image for _, image in photographs(test_data)[:BATCH]]

    found = open_detector(
        StoredModel(tmp_path / "bare.onnx", labels(test_data)), confidence=0.001, iou=0.65, engine=engine
    )(images)

    for one, other in zip(found, detections(test_data, file, engine, "fp32"), strict=False):
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-3)
        assert one.class_indices.tolist() == other.class_indices.tolist()


def test_wanted_classes_are_found_exactly_as_in_the_full_result(test_data: Path) -> None:
    file = test_data / "models" / "yolox_nano.onnx"
    wanted = frozenset({0, 2})  # person and car
    images = [image for _, image in photographs(test_data)]
    model = StoredModel(file, labels(test_data), wanted=wanted)

    def run(model: StoredModel) -> list[Detections]:
        return open_detector(model, confidence=0.001, iou=0.65, max_detections=10_000, engine="openvino")(images)

    for some, everything in zip(run(model), run(StoredModel(file, labels(test_data))), strict=True):
        same = everything.take(np.isin(everything.class_indices, sorted(wanted)))
        assert some.boxes.tolist() == same.boxes.tolist()
        assert some.scores.tolist() == same.scores.tolist()
        assert some.class_indices.tolist() == same.class_indices.tolist()


def test_tflite_is_as_accurate_as_a_plain_loop(test_data: Path) -> None:
    file = test_data / "models" / "yolov8n_int8.tflite"
    plain = [one_by_one(infer, image) for infer in [litert(file)] for _, image in photographs(test_data)]

    found = average_precision(test_data, detections(test_data, file, "auto", "auto"))

    assert found == pytest.approx(average_precision(test_data, plain), abs=0.003)


def litert(file: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    interpreter = Interpreter(str(file), num_threads=2)
    interpreter.allocate_tensors()

    def infer(tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], tensor)
        interpreter.invoke()
        return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])

    return infer


def one_by_one(infer: Callable[[NDArray[np.float32]], NDArray[np.float32]], image: NDArray[np.uint8]) -> Detections:
    """YOLOv8 as its authors wrote it down, with OpenCV's own suppression."""
    height, width = image.shape[:2]
    scale = min(640 / height, 640 / width)
    scaled = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
    left, top = round((640 - scaled.shape[1]) / 2 - 0.1), round((640 - scaled.shape[0]) / 2 - 0.1)
    canvas = np.full((640, 640, 3), 114, dtype=np.uint8)
    canvas[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    output = infer(np.divide(canvas[None], 255, dtype=np.float32))
    boxes, scores, kinds = output[:4].T * 640, output[4:].max(axis=0), output[4:].argmax(axis=0)
    corner = (boxes[:, :2] - boxes[:, 2:] / 2 - [left, top]) / scale
    places = np.concatenate([corner, boxes[:, 2:] / scale], axis=1)
    likely = scores >= 0.001
    places, scores, kinds = places[likely], scores[likely], kinds[likely]
    kept = np.array(cv2.dnn.NMSBoxesBatched(places.tolist(), scores.tolist(), kinds.tolist(), 0.001, 0.65), dtype=int)
    kept = kept[np.argsort(-scores[kept])][:300]
    return Detections(places[kept], scores[kept], kinds[kept], tuple(str(kind) for kind in range(80)))
