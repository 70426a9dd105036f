"""Pre-annotation of real photographs, from import to COCO export, against the reference accuracy of the same models."""

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import onnx
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.e2e.product import Product, product_up

FULL = ("-p", "confidence=0.001", "-p", "iou=0.65", "-p", "max_detections=300")
TOLERANCE = 0.003
BF16_TOLERANCE = 0.006
REFERENCE = {
    ("yolox_nano.onnx", "onnxruntime", "fp32"): 0.3029,
    ("yolox_nano.onnx", "openvino", "fp32"): 0.3029,
    ("yolox_nano.onnx", "openvino", "bf16"): 0.3059,
    ("yolov8n_int8.onnx", "onnxruntime", "fp32"): 0.3766,
    ("yolov8n_int8.onnx", "openvino", "fp32"): 0.3790,
    ("yolov8n_int8.onnx", "openvino", "bf16"): 0.3736,
}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, test_data: Path) -> Iterator[Product]:
    """Pixmill with the photographs in `coco/raw`, its 80 Labels set, no annotation."""
    with product_up(tmp_path_factory.mktemp("product") / "data") as product:
        product.require("datasets", "import", str(test_data / "coco_tiny_val" / "images"), "--to", "coco/raw")
        product.require("labels", "set", "coco/raw", *_category_names(test_data))
        yield product


@pytest.mark.parametrize(("model", "engine", "precision"), REFERENCE)
@pytest.mark.timeout(600)
def test_boxes_are_as_good_as_the_reference(
    product: Product, test_data: Path, tmp_path: Path, model: str, engine: str, precision: str
) -> None:
    if precision == "bf16" and not _has_bf16():
        pytest.skip("this CPU has no bf16 (AMX or AVX512_BF16)")
    name = f"{Path(model).stem}-{engine}-{precision}".replace("_", "-")
    _push(product, test_data, test_data / "models" / model, f"{name}/1")
    engine_options = ("-p", f"engine={engine}", "-p", f"precision={precision}")
    exported = _annotated(product, tmp_path, name, "yolo-preannotation", *FULL, *engine_options)
    tolerance = BF16_TOLERANCE if precision == "bf16" else TOLERANCE
    expected = REFERENCE[model, engine, precision]
    assert _average_precision(test_data, exported) == pytest.approx(expected, abs=tolerance)


def test_a_model_pushed_without_metadata_annotates_as_well(product: Product, test_data: Path, tmp_path: Path) -> None:
    model = onnx.load(test_data / "models" / "yolov8n_int8.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    _push(product, test_data, tmp_path / "bare.onnx", "bare/1", "--task", "detection", "--family", "yolov8")
    options = ("-p", "engine=onnxruntime", *FULL)
    exported = _annotated(product, tmp_path, "bare", "yolo-preannotation", *options)
    assert _average_precision(test_data, exported) == pytest.approx(0.3766, abs=TOLERANCE)


def test_only_the_labels_of_the_version_are_annotated_and_exactly_as_in_the_full_result(
    product: Product, test_data: Path, tmp_path: Path
) -> None:
    _push(product, test_data, test_data / "models" / "yolox_nano.onnx", "subset/1")
    options = ("-p", "engine=onnxruntime", "-p", "confidence=0.01", "-p", "iou=0.65", "-p", "max_detections=10000")
    full = _annotated(product, tmp_path, "subset", "yolo-preannotation", *options, version="all-labels")
    product.require("datasets", "fork", "coco/raw", "coco/two-labels")
    product.require("labels", "set", "coco/two-labels", "person", "car")
    product.require(
        "jobs", "launch", "yolo-preannotation", "coco/two-labels", "--model", "subset/1", *options, "--follow"
    )
    two = _export(product, "coco/two-labels", tmp_path / "two")
    wanted = {box for box in _boxes(full) if box[1] in {"person", "car"}}
    assert _boxes(two) == wanted


def _push(product: Product, test_data: Path, file: Path, name: str, *options: str) -> None:
    known = product.run("models", "show", name)
    if known.returncode == 0:
        return
    if "yolox" in file.name or options:
        # The annotations' own names, by class index: the models' list spells some of them otherwise.
        labels = product.data.parent / "classes.txt"
        labels.write_text("\n".join(_category_names(test_data)))
        options = (*options, "--labels", str(labels))
    if "yolox" in file.name:
        options = (*options, "--task", "detection", "--family", "yolox")
    product.require("models", "push", str(file), "--to", name, *options)


def _category_names(test_data: Path) -> list[str]:
    coco = json.loads((test_data / "coco_tiny_val" / "annotations.json").read_text())
    return [category["name"] for category in sorted(coco["categories"], key=lambda category: category["id"])]


def _annotated(
    product: Product, tmp_path: Path, model: str, processing: str, *options: str, version: str | None = None
) -> Path:
    address = f"coco/{version or model}"
    product.require("datasets", "fork", "coco/raw", address)
    product.require("jobs", "launch", processing, address, "--model", f"{model}/1", *options, "--follow")
    return _export(product, address, tmp_path / "exported")


def _export(product: Product, address: str, out: Path) -> Path:
    product.require("datasets", "export", address, "--format", "coco", "--out", str(out))
    return out / "annotations.json"


def _average_precision(test_data: Path, exported: Path) -> float:
    """COCO AP of exported shapes, joined by file name and category name."""
    with redirect_stdout(StringIO()):
        truth = COCO(str(test_data / "coco_tiny_val" / "annotations.json"))
        images = {image["file_name"]: image["id"] for image in truth.dataset["images"]}
        categories = {category["name"]: category["id"] for category in truth.dataset["categories"]}
        found = [
            {"image_id": images[file], "category_id": categories[label], "bbox": list(box), "score": score}
            for file, label, box, score in _boxes(exported)
        ]
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def _boxes(exported: Path) -> set[tuple[str, str, tuple[float, ...], float]]:
    coco = json.loads(exported.read_text())
    files = {image["id"]: Path(image["file_name"]).name for image in coco["images"]}
    labels = {category["id"]: category["name"] for category in coco["categories"]}
    return {
        (files[a["image_id"]], labels[a["category_id"]], tuple(round(v, 3) for v in a["bbox"]), round(a["score"], 5))
        for a in coco["annotations"]
    }


def _has_bf16() -> bool:
    flags = Path("/proc/cpuinfo").read_text()
    return "avx512_bf16" in flags or "amx_bf16" in flags
