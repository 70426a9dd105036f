"""Pictures for the detector to learn from: read, cropped, scaled, flipped and tinted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

GREY = 114
"""What surrounds a picture that does not fill its frame."""
LEAST_KEPT = 0.35
"""The share of a box that must be within a crop for it to count."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture and what it shows. Boxes are left, top, right, bottom in pixels: (count, 4); classes (count,)."""

    image: Image.Image
    boxes: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """A picture as the detector sees it: pixels (3, size, size), 0 to 1."""

    pixels: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]


def read_pictures(folder: Path) -> list[Picture]:
    """Everything that `sample.draw` wrote into a folder."""
    document = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    place = {category["id"]: number for number, category in enumerate(document["categories"])}
    found: dict[int, list[tuple[list[float], int]]] = {image["id"]: [] for image in document["images"]}
    for one in document["annotations"]:
        x, y, w, h = one["bbox"]
        found[one["image_id"]].append(([x, y, x + w, y + h], place[one["category_id"]]))
    pictures = []
    for entry in document["images"]:
        with Image.open(folder / entry["file_name"]) as file:
            image = file.convert("RGB")
        boxes = np.array([box for box, _ in found[entry["id"]]], np.float32).reshape(-1, 4)
        classes = np.array([number for _, number in found[entry["id"]]], np.int64)
        pictures.append(Picture(image, boxes, classes))
    return pictures


def varied(picture: Picture, size: int, rng: np.random.Generator) -> Example:
    """The picture as it could have been taken: from nearer or farther, mirrored, in other light."""
    image = picture.image
    fitting = size / max(image.size)
    scale = fitting * rng.uniform(0.85, 1.15) if rng.random() < 0.4 else fitting * rng.uniform(0.75, 1.9)
    wide, high = round(image.width * scale), round(image.height * scale)
    left, top = (_start(long, size, rng) for long in (wide, high))
    box = (
        max(left, 0) / scale,
        max(top, 0) / scale,
        min(min(left + size, wide) / scale, image.width),
        min(min(top + size, high) / scale, image.height),
    )
    shape = (round((box[2] - box[0]) * scale), round((box[3] - box[1]) * scale))
    part = image.resize(shape, Image.Resampling.BILINEAR, box=box, reducing_gap=None)
    frame = np.full((size, size, 3), GREY, np.float32)
    frame[max(-top, 0) : max(-top, 0) + shape[1], max(-left, 0) : max(-left, 0) + shape[0]] = _tinted(part, rng)
    boxes = picture.boxes * scale - np.array([left, top, left, top], np.float32)
    inside = boxes.clip(0, size)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    size_inside = inside[:, 2:] - inside[:, :2]
    keep = (size_inside.prod(1) > LEAST_KEPT * area) & (size_inside.min(1, initial=99.0) > 2.5)
    inside, classes = inside[keep], picture.classes[keep]
    if rng.random() < 0.5:
        frame = frame[:, ::-1]
        inside = np.stack([size - inside[:, 2], inside[:, 1], size - inside[:, 0], inside[:, 3]], 1)
    return Example(np.ascontiguousarray(frame.transpose(2, 0, 1)) / np.float32(255), inside, classes)


def _start(long: int, size: int, rng: np.random.Generator) -> int:
    """Where the frame starts on a side of the picture; negative where the frame is the longer one."""
    return int(rng.integers(0, long - size + 1)) if long > size else -int(rng.integers(0, size - long + 1))


def _tinted(part: Image.Image, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    pixels = np.asarray(part, np.float32)
    if rng.random() < 0.2:
        return pixels
    gains = rng.uniform(0.75, 1.25) * rng.uniform(0.9, 1.1, 3)
    grey = pixels.mean(2, keepdims=True)
    colourful = rng.uniform(0.5, 1.5)
    changed = (grey + (pixels - grey) * colourful) * gains
    changed = (changed - 128) * rng.uniform(0.8, 1.2) + 128
    noise = rng.normal(0, rng.uniform(0, 5), pixels.shape[:2])[..., None]
    tinted: npt.NDArray[np.float32] = np.clip(changed + noise, 0, 255).astype(np.float32)
    return tinted
