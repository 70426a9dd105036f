"""Pictures with one bright rectangle each, and Processings that find it."""

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 64, 48

BRIGHT = '''"""Find the bright rectangle.

What is brighter than a threshold is boxed.
"""

import numpy as np

from pixmill.annotations import BoundingBox
from pixmill.authoring import Batch, processing


@processing(kind="pre-annotation", batch_size=4)
class FindBright:
    """threshold: grey value, 0 to 255."""

    def __init__(self, *, threshold: int = 128) -> None:
        self.threshold = threshold

    def __call__(self, batch: Batch):
        for asset, image in zip(batch.assets, batch.images):
            rows, columns = np.nonzero(image.mean(axis=2) > self.threshold)
            print(f"looked at {asset.path}", flush=True)
            x, y = float(columns.min()), float(rows.min())
            box = BoundingBox(x, y, float(columns.max()) + 1 - x, float(rows.max()) + 1 - y)
            yield asset.annotate(box, label="bright", score=0.5)
'''


def rectangle_of(number: int) -> tuple[int, int, int, int]:
    """x, y, width, height of the rectangle in picture `number`."""
    return 3 + number % 20, 5 + number % 11, 12, 9


def draw(folder: Path, count: int) -> Path:
    """`count` pictures, `scene-000.png` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.full((HEIGHT, WIDTH, 3), 20, dtype=np.uint8)
        x, y, width, height = rectangle_of(number)
        pixels[y : y + height, x : x + width] = 250
        Image.fromarray(pixels).save(folder / f"scene-{number:03}.png")
    return folder
