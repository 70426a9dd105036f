"""A COCO file of 1 000 000 boxes on 100 000 images by reference, imported by the command line into a running server."""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from bench.coco_file import HEIGHT, WIDTH, CocoSize, image_name, write_coco_file
from bench.installation import Installation, install
from bench.report import Better, Figure, MemoryHighWater

SIZE = CocoSize(images=100_000, boxes=1_000_000)
GIGABYTE = 10**9


def measure() -> Iterable[Figure]:
    """Annotations per second with all that a user waits for, and the memory of every process together."""
    with install(PIXMILL_REFERENCE_ROOTS="/tmp") as pixmill:  # noqa: S108 - where this benchmark's images are
        source = pixmill.folder / "coco"
        make_images(source, SIZE)
        write_coco_file(source / "annotations.json", SIZE)
        baseline = _bare(source / "annotations.json")
        start = time.perf_counter()
        _import(pixmill, source, "street/v1")
        rate = SIZE.boxes / (time.perf_counter() - start)
        # Once more for the memory: reading it ten times a second takes a good part of one core from what is timed.
        with MemoryHighWater(os.getpid()) as memory:
            _import(pixmill, source, "watched/v1")
        version = json.loads(pixmill.pixmill("datasets", "show", "street/v1", "--json"))
        assert str(SIZE.boxes) in json.dumps(version), version
    yield Figure(
        name="COCO import by reference",
        value=rate,
        unit="annotations/s",
        baseline=baseline,
        baseline_name="json.load of the file",
        floor=100_000,
    )
    yield Figure(
        name="COCO import, memory of client, server and worker",
        value=memory.bytes / GIGABYTE,
        unit="GB",
        better=Better.LOWER,
        floor=1,
    )


def _import(pixmill: Installation, source: Path, address: str) -> None:
    pixmill.pixmill("datasets", "import", str(source / "annotations.json"), "--to", address, "--by-reference")


def make_images(folder: Path, size: CocoSize) -> None:
    """One small image under 100 000 names: what an import by reference reads of it is its header."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (90, 120, 90))
    for first in range(0, size.images, 1000):
        original = folder / image_name(first)
        original.parent.mkdir(parents=True)
        image.save(original, quality=30)
        for number in range(first + 1, min(first + 1000, size.images)):
            (folder / image_name(number)).hardlink_to(original)


def _bare(path: Path) -> float:
    start = time.perf_counter()
    with path.open("rb") as file:
        count = len(json.load(file)["annotations"])
    return count / (time.perf_counter() - start)
