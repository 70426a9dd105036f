"""A COCO file of any size, made the same each time and written as a stream."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

CATEGORIES = ("person", "car", "bicycle", "bus", "traffic light", "truck", "dog", "bench", "bird", "stop sign")
WIDTH, HEIGHT = 1920, 1080
IMAGES_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class CocoSize:
    """How many images, and how many boxes in all."""

    images: int
    boxes: int


def image_name(number: int) -> str:
    """The path of an image, from 0; paths sort as numbers do."""
    return f"{number // 1000:03d}/{number:06d}.jpg"


def write_coco_file(path: Path, size: CocoSize, *, seed: int = 7) -> None:
    """Boxes with scores, spread evenly over the images, annotations grouped by image as most tools write them."""
    random = np.random.default_rng(seed)
    with path.open("w") as file:
        file.write('{"info":{"description":"generated"},"images":[')
        for start in range(0, size.images, IMAGES_AT_ONCE):
            numbers = range(start, min(start + IMAGES_AT_ONCE, size.images))
            file.write("," if start else "")
            file.write(",".join(_image(number) for number in numbers))
        file.write('],"annotations":[')
        for start in range(0, size.boxes, IMAGES_AT_ONCE):
            count = min(IMAGES_AT_ONCE, size.boxes - start)
            file.write("," if start else "")
            file.write(",".join(_boxes(start, count, size, random)))
        categories = ",".join(f'{{"id":{index},"name":"{name}"}}' for index, name in enumerate(CATEGORIES, start=1))
        file.write(f'],"categories":[{categories}]}}')


def _image(number: int) -> str:
    return f'{{"id":{number + 1},"file_name":"{image_name(number)}","width":{WIDTH},"height":{HEIGHT}}}'


def _boxes(start: int, count: int, size: CocoSize, random: np.random.Generator) -> list[str]:
    widths, heights = random.uniform(8, 300, count).round(2), random.uniform(8, 300, count).round(2)
    xs, ys = random.uniform(0, WIDTH - 300, count).round(2), random.uniform(0, HEIGHT - 300, count).round(2)
    categories = random.integers(1, len(CATEGORIES) + 1, count)
    scores = random.uniform(0.05, 1, count).round(4)
    numbers = range(start, start + count)
    return [
        f'{{"id":{number + 1},"image_id":{number * size.images // size.boxes + 1},"category_id":{category},'
        f'"bbox":[{x},{y},{width},{height}],"area":{width * height:.4f},"iscrowd":0,"score":{score}}}'
        for number, category, x, y, width, height, score in zip(
            numbers,
            categories.tolist(),
            xs.tolist(),
            ys.tolist(),
            widths.tolist(),
            heights.tolist(),
            scores.tolist(),
            strict=True,
        )
    ]
