"""Pre-annotation from launch to commit, beside a bare loop over the same files with the same engine and precision."""

import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from pydantic import JsonValue

from bench.installation import Installation, install
from bench.models import class_names, real_models, test_data
from bench.report import Figure
from pixmill.annotations.images import RgbImage
from pixmill.authoring import ModelVersion
from pixmill.inference.detector import open_detector

COPIES = 2
BATCH = 8
CONFIDENCE = 0.25


def measure() -> Iterable[Figure]:
    """Images per second, OpenVINO fp32, on the photographs of the tests' data, several times over."""
    photographs = test_data()
    if photographs is None:
        sys.stderr.write("preannotation: not measured, no photographs here; set PIXMILL_TEST_DATA\n")
        return
    with install() as pixmill:
        images = _copy(photographs / "coco_tiny_val" / "images", pixmill.folder / "images")
        pixmill.pixmill("datasets", "import", str(pixmill.folder / "images"), "--to", "street/v1")
        pixmill.pixmill("labels", "set", "street/v1", *class_names())
        for name, path in real_models().items():
            yield _measure(pixmill, name, path, images)


def _copy(source: Path, target: Path) -> list[Path]:
    for number in range(COPIES):
        shutil.copytree(source, target / str(number))
    return sorted(target.rglob("*.jpg"))


def _measure(pixmill: Installation, name: str, model: Path, images: Sequence[Path]) -> Figure:
    classes = pixmill.folder / "classes.txt"
    classes.write_text("\n".join(class_names()))
    address = f"{name.replace('_', '-')}/1"
    family = ["--family", "yolox"] if "yolox" in name else []
    pixmill.pixmill(
        "models", "push", str(model), "--to", address, "--labels", str(classes), "--task", "detection", *family
    )
    _run(pixmill, address)
    rates = [(len(images) / _run(pixmill, address), _bare(name, model, images)) for _ in range(2)]
    return Figure(
        name=f"pre-annotation, launch to commit, {name}, openvino fp32",
        value=max(ours for ours, _ in rates),
        unit="images/s",
        baseline=max(bare for _, bare in rates),
        baseline_name="bare loop",
        ratio_floor=0.6,
    )


def _run(pixmill: Installation, model: str) -> float:
    """Seconds from the launch to the end of the Run, as the server saw both."""
    parameters: dict[str, JsonValue] = {
        "engine": "openvino",
        "precision": "fp32",
        "confidence": CONFIDENCE,
        "batch_size": BATCH,
    }
    job = pixmill.client.jobs.launch(
        "yolo-preannotation", "street/v1", model=model, parameters=parameters, existing="add"
    )
    done = pixmill.client.jobs.wait(job.id, timeout_seconds=600)
    assert done.status == "succeeded", done
    run = done.runs[0]
    assert run.ended_at is not None
    return (run.ended_at - run.created_at).total_seconds()


def _bare(name: str, model: Path, images: Sequence[Path]) -> float:
    version = ModelVersion(
        name, "detection", "onnx", "yolox" if "yolox" in name else None, class_names(), files={model.name: model}
    )
    detector = open_detector(version, confidence=CONFIDENCE, engine="openvino", precision="fp32")
    start = time.perf_counter()
    for first in range(0, len(images), BATCH):
        detector([_decode(path) for path in images[first : first + BATCH]])
    rate = len(images) / (time.perf_counter() - start)
    detector.close()
    return rate


def _decode(path: Path) -> RgbImage:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert image is not None, path
    return np.asarray(image, dtype=np.uint8)
