"""Reads YOLO: each image's text file, scaled to the image's display size."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Self

from pixmill.annotations import AnnotationColumns, BoundingBox, ColumnsBuilder, Polygon, Ring, Shape
from pixmill.errors import AnnotationError, FormatError
from pixmill.formats.contract import FormatImage, FormatLabel
from pixmill.formats.files import Files
from pixmill.formats.report import Report
from pixmill.formats.sizes import display_size

_BATCH_ROWS = 20_000
_BOX_FIELDS = 5
_SCORED_BOX_FIELDS = 6
_LEAST_POLYGON_FIELDS = 7
_SLACK = 0.01
"""How far outside 0 to 1 a rounded coordinate may lie."""


@dataclass(slots=True)
class YoloSource:
    """One opened YOLO folder."""

    files: Files
    labels: Sequence[FormatLabel]
    names: list[str]
    """By class number; two classes may have one name."""
    image_files: list[str]
    stray: list[str]
    report: Report
    poses: bool
    _read: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.files.close()

    @property
    def image_count(self) -> int:
        return len(self.image_files)

    def images(self) -> Iterator[FormatImage]:
        for name, reason in self.files.refused.items():
            self.report.skip(reason, name)
        for name in self.stray:
            self.report.skip("a label file without its image", name)
        for name in self.image_files:
            self.report.images += 1
            yield FormatImage(path=image_path(name), file=name)

    def annotations(self) -> Iterator[AnnotationColumns]:
        builder = ColumnsBuilder()
        for name in self.image_files:
            labels = label_file(name)
            if self.files.has(labels):
                self._read_labels(builder, labels, name)
            self._read += 1
            if len(builder) >= _BATCH_ROWS:
                yield builder.build()
                builder = ColumnsBuilder()
        if len(builder):
            yield builder.build()

    def progress(self) -> float:
        return self._read / max(1, len(self.image_files))

    def _read_labels(self, builder: ColumnsBuilder, labels: str, image: str) -> None:
        try:
            with self.files.open(labels) as file:
                lines = file.read().decode("utf-8", "replace").splitlines()
        except (OSError, FormatError) as error:
            self.report.skip(f"a label file that cannot be read: {error}", labels)
            return
        if not any(line.strip() for line in lines):
            return
        size = display_size(self.files, image)
        if size is None:
            self.report.skip("labels of an image whose size cannot be read", labels)
            return
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                self._append(builder, line.split(), image_path(image), size)
            except AnnotationError as error:
                self.report.skip(error.message, f"{labels}:{number}")
            else:
                self.report.annotations += 1

    def _append(self, builder: ColumnsBuilder, fields: list[str], path: str, size: tuple[int, int]) -> None:
        try:
            number, values = int(fields[0]), [float(field) for field in fields[1:]]
        except ValueError as error:
            raise AnnotationError("a line that is not numbers") from error
        if not 0 <= number < len(self.names):
            raise AnnotationError(f"class {number} is not one of the {len(self.names)} classes")
        if not all(math.isfinite(value) for value in values):
            raise AnnotationError("numbers that are not finite")
        score = None
        if self.poses:
            values = values[: _BOX_FIELDS - 1]
        elif len(fields) == _SCORED_BOX_FIELDS:
            score = values.pop()
        builder.append(path, self.names[number], _shape(values, size), score=score)


def image_path(name: str) -> str:
    """The path of an asset: the image's, without the folder `images` that YOLO begins with."""
    return name.removeprefix("images/")


def label_file(image: str) -> str:
    """Where the labels of an image are: the last `images` of its folders becomes `labels`; else beside it."""
    path = PurePosixPath(image).with_suffix(".txt")
    folders = list(path.parent.parts)
    for at in range(len(folders) - 1, -1, -1):
        if folders[at] == "images":
            folders[at] = "labels"
            break
    return str(PurePosixPath(*folders, path.name))


def _shape(values: list[float], size: tuple[int, int]) -> Shape:
    if any(not -_SLACK <= value <= 1 + _SLACK for value in values):
        raise AnnotationError("coordinates outside 0 to 1")
    width, height = size
    if len(values) == _BOX_FIELDS - 1:
        x, y, w, h = values
        if w < 0 or h < 0:
            raise AnnotationError("a box of negative size")
        return BoundingBox((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
    if len(values) + 1 < _LEAST_POLYGON_FIELDS or len(values) % 2:
        raise AnnotationError(f"{len(values) + 1} numbers, which are neither a box nor a polygon")
    points = zip(values[0::2], values[1::2], strict=True)
    return Polygon((Ring(tuple((x * width, y * height) for x, y in points)),))
