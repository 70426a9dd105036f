"""Reads the exported detector's answers with numpy alone, and measures them against the truth.

This is not the product's decoder: it is a second, plain one, so that the two can be compared.
"""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

GREY = 114
CONFIDENCE, OVERLAP, MOST = 0.001, 0.65, 300


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture in the detector's square frame, and how it got there."""

    pixels: npt.NDArray[np.float32]
    """(3, size, size), RGB 0 to 1."""
    scale: float
    left: int
    top: int


def letterbox(image: Image.Image, size: int) -> Frame:
    """The whole picture in the middle of a grey square."""
    scale = min(size / image.width, size / image.height)
    wide, high = round(image.width * scale), round(image.height * scale)
    left, top = (size - wide) // 2, (size - high) // 2
    frame = Image.new("RGB", (size, size), (GREY, GREY, GREY))
    frame.paste(image.convert("RGB").resize((wide, high), Image.Resampling.BILINEAR), (left, top))
    return Frame(np.asarray(frame, np.float32).transpose(2, 0, 1) / np.float32(255), scale, left, top)


def detections(answer: npt.NDArray[np.float32], frame: Frame) -> npt.NDArray[np.float32]:
    """One image's answers (4 + classes, anchors) as rows: left, top, right, bottom in the picture, score, class."""
    places, classes = np.nonzero(answer[4:].T > CONFIDENCE)
    scores = answer[4 + classes, places]
    middle, size = answer[:2, places].T, answer[2:4, places].T
    boxes = np.concatenate([middle - size / 2, middle + size / 2], 1)
    keep = [i for number in np.unique(classes) for i in _apart(boxes, scores, np.flatnonzero(classes == number))]
    order = sorted(keep, key=lambda i: -scores[i])[:MOST]
    boxes = (boxes[order] - np.array([frame.left, frame.top] * 2, np.float32)) / frame.scale
    return np.concatenate([boxes, scores[order, None], classes[order, None]], 1).astype(np.float32)


def _apart(boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], chosen: npt.NDArray[np.intp]) -> list[int]:
    """Non-maximum suppression: the best of those that overlap."""
    kept: list[int] = []
    rest = chosen[np.argsort(-scores[chosen], kind="stable")]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    while len(rest):
        best, rest = int(rest[0]), rest[1:]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[rest, :2]), np.minimum(boxes[best, 2:], boxes[rest, 2:])
        shared = (high - low).clip(0).prod(1)
        rest = rest[shared / (area[best] + area[rest] - shared + 1e-9) <= OVERLAP]
    return kept


def average_precision(model: Path, folder: Path) -> dict[str, float]:
    """AP at an IoU of 0.5 for each class name, over a folder that `sample.draw` wrote."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    size = int(json.loads(session.get_modelmeta().custom_metadata_map["imgsz"])[0])
    document = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    numbers = [category["id"] for category in document["categories"]]
    found: list[dict[str, object]] = []
    for entry in document["images"]:
        with Image.open(folder / entry["file_name"]) as image:
            frame = letterbox(image, size)
        answer = session.run(None, {"images": frame.pixels[None]})[0][0]
        for x0, y0, x1, y1, score, number in detections(answer, frame).tolist():
            box = [x0, y0, x1 - x0, y1 - y0]
            found.append({"image_id": entry["id"], "category_id": numbers[int(number)], "bbox": box, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(folder / "annotations.json")
        judge = COCOeval(truth, truth.loadRes(found), "bbox")
        judge.evaluate()
        judge.accumulate()
    # Precision is (IoU thresholds, recalls, classes, areas, caps): IoU 0.5, all areas, 100 a picture.
    precision = judge.eval["precision"][0, :, :, 0, 2]
    return {category["name"]: float(precision[:, i].mean()) for i, category in enumerate(document["categories"])}
