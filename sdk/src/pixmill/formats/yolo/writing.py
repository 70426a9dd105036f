"""Writes YOLO: images/, labels/ and data.yaml."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Self

from pixmill.annotations import AnnotationColumns, BoundingBox, Polygon, Shape, ShapeKind, kind_of, rows_of
from pixmill.errors import FormatError
from pixmill.formats.contract import ExportPlan, FormatImage
from pixmill.formats.report import Report
from pixmill.formats.yolo.names import write_config

CONFIG = "data.yaml"
_UNFINISHED = ".unfinished-export"
_AS_BOX = {
    ShapeKind.ROTATED_BOX: "rotated boxes: written as the boxes around them",
    ShapeKind.MASK: "masks: written as the boxes around them",
    ShapeKind.KEYPOINTS: "keypoints: written as the boxes around them",
}
_LEFT_OUT = frozenset({ShapeKind.CLASS, ShapeKind.LINE, ShapeKind.POINT})


@dataclass(slots=True)
class YoloWriter:
    """One YOLO export in the making."""

    folder: Path
    numbers: dict[str, int]
    report: Report = field(default_factory=Report)

    @classmethod
    def begin(cls, folder: Path, plan: ExportPlan) -> Self:
        """Refuses a folder that already holds an export, with `FormatError`."""
        if (folder / CONFIG).exists():
            raise FormatError(f"'{folder / CONFIG}' exists already.", hint="Name another folder, or remove it.")
        if (folder / _UNFINISHED).exists():
            # Of an export that was cut off; images that came whole are kept.
            shutil.rmtree(folder / "labels", ignore_errors=True)
        elif (folder / "labels").exists():
            raise FormatError(f"'{folder / 'labels'}' exists already.", hint="Name another folder, or remove it.")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _UNFINISHED).touch()
        return cls(folder, {label.name: number for number, label in enumerate(plan.labels)})

    def image_file(self, path: str) -> Path:
        return self.folder / "images" / path

    def add(self, images: Sequence[FormatImage], annotations: AnnotationColumns) -> None:
        shapes: dict[str, list[tuple[int, list[float]]]] = {image.path: [] for image in images}
        sizes = {image.path: (image.width or 0, image.height or 0) for image in images}
        for row in rows_of(annotations):
            self._note_losses(row.asset, score=row.score, attributes=row.attributes)
            values = self._values(row.shape, row.bbox, row.asset)
            if values is not None:
                scaled = self._scaled(values, sizes[row.asset], row.asset)
                if scaled is not None:
                    shapes[row.asset].append((self.numbers[row.label], scaled))
        for path, found in shapes.items():
            self._write(path, found)
        self.report.images += len(images)

    def finish(self) -> Report:
        (self.folder / CONFIG).write_text(write_config(list(self.numbers), images="images"), encoding="utf-8")
        (self.folder / _UNFINISHED).unlink()
        return self.report

    def _values(self, shape: Shape, box: BoundingBox | None, path: str) -> list[float] | None:
        """Pixels: x, y, width, height of a box, or x, y of every point of a polygon; None: cannot be written."""
        if isinstance(shape, Polygon) and len(shape.rings) == 1:
            return [value for point in shape.rings[0].points for value in point]
        if isinstance(shape, Polygon):
            self.report.cannot_hold("polygons of several rings: written as the boxes around them", path)
        elif not isinstance(shape, BoundingBox):
            kind = kind_of(shape)
            if kind in _LEFT_OUT or box is None:
                self.report.cannot_hold(f"annotations that are a {kind}: left out", path)
                return None
            self.report.cannot_hold(_AS_BOX[kind], path)
        return None if box is None else [box.x, box.y, box.width, box.height]

    def _scaled(self, values: list[float], size: tuple[int, int], path: str) -> list[float] | None:
        """Relative to the image, within it: a box as centre and size, a polygon point by point."""
        width, height = size
        if not width or not height:
            self.report.cannot_hold("annotations of images of unknown size: left out", path)
            return None
        corners = values
        if len(values) == 4:  # noqa: PLR2004 - a box
            x, y, w, h = values
            corners = [x, y, x + w, y + h]
        relative = [value / (height if at % 2 else width) for at, value in enumerate(corners)]
        within = [min(max(value, 0.0), 1.0) for value in relative]
        if within != relative:
            self.report.note("shapes that reach out of their image were cut at its border", path)
        if len(values) == 4:  # noqa: PLR2004 - a box
            left, top, right, bottom = within
            return [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
        return within

    def _write(self, path: str, shapes: list[tuple[int, list[float]]]) -> None:
        target = self.folder / "labels" / PurePosixPath(path).with_suffix(".txt")
        if target.exists():
            self.report.cannot_hold("images whose names differ only in their endings: their labels left out", path)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        mixed = {len(values) == 4 for _, values in shapes} == {True, False}  # noqa: PLR2004 - a box
        if mixed:
            # Trainers read every line of a file with a polygon as a polygon: a box would become two points.
            self.report.cannot_hold("boxes beside polygons: written as polygons of four corners", path)
        lines = (" ".join([str(number), *_digits(_corners(values) if mixed else values)]) for number, values in shapes)
        target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        self.report.annotations += len(shapes)

    def _note_losses(self, path: str, *, score: float | None, attributes: dict[str, object]) -> None:
        if score is not None:
            self.report.cannot_hold("scores", path)
        for key in attributes:
            self.report.cannot_hold(f"attributes named '{key}'", path)


def _corners(values: list[float]) -> list[float]:
    """A box as its four corners; a polygon as it is."""
    if len(values) != 4:  # noqa: PLR2004 - a box
        return values
    x, y, half_width, half_height = values[0], values[1], values[2] / 2, values[3] / 2
    left, top, right, bottom = x - half_width, y - half_height, x + half_width, y + half_height
    return [left, top, right, top, right, bottom, left, bottom]


def _digits(values: list[float]) -> list[str]:
    return [f"{value:.10g}" for value in values]
