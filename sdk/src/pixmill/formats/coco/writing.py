"""Writes COCO: images and annotations side by side, joined at the end, so that nothing is held in memory."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

import msgspec

from pixmill.annotations import AnnotationColumns, ShapeKind
from pixmill.errors import FormatError
from pixmill.formats.coco.numbering import Numbering
from pixmill.formats.coco.outlines import Row, area_of, exact_of, rows_of_columns, segmentation_of
from pixmill.formats.contract import ExportPlan, FormatImage, FormatLabel
from pixmill.formats.report import Report

FILE_NAME = "annotations.json"
IMAGE_FOLDER = "images"

_RESERVED = frozenset({"id", "image_id", "category_id", "bbox", "area", "keypoints", "pixmill"})
_IMAGE_RESERVED = frozenset({"id", "file_name", "width", "height"})
_KIND_NAMES: Mapping[ShapeKind, str] = {
    ShapeKind.CLASS: "classes of whole images: others see a box around the image",
    ShapeKind.ROTATED_BOX: "rotated boxes: others see their outline",
    ShapeKind.LINE: "lines: others see their bounds",
    ShapeKind.POINT: "points: others see a box of no size",
}


@dataclass(slots=True)
class CocoWriter:
    """One COCO export in the making: two partial files, and the finished one once `finish` was called."""

    folder: Path
    categories: list[dict[str, object]]
    category_ids: dict[str, int]
    _images: IO[bytes]
    _annotations: IO[bytes]
    _image_ids: Numbering
    _annotation_ids: Numbering
    report: Report = field(default_factory=Report)

    @classmethod
    def begin(cls, folder: Path, plan: ExportPlan) -> Self:
        """Refuses a folder that already holds an export, with `FormatError`."""
        if (folder / FILE_NAME).exists():
            raise FormatError(f"'{folder / FILE_NAME}' exists already.", hint="Name another folder, or remove it.")
        folder.mkdir(parents=True, exist_ok=True)
        categories = _categories(plan.labels)
        ids = {str(category["name"]): category["id"] for category in categories}
        images = (folder / f"{FILE_NAME}.part").open("wb")
        images.write(b'{"info":' + msgspec.json.encode({"description": plan.title}) + b',"images":[')
        return cls(
            folder,
            categories,
            {name: identity for name, identity in ids.items() if isinstance(identity, int)},
            images,
            (folder / f"{FILE_NAME}.annotations.part").open("w+b"),
            Numbering(plan.highest_image_id),
            Numbering(plan.highest_annotation_id),
        )

    def image_file(self, path: str) -> Path:
        return self.folder / IMAGE_FOLDER / path

    def add(self, images: Sequence[FormatImage], annotations: AnnotationColumns) -> None:
        by_path = {image.path: (image, self._image_ids.number(image.external_id)) for image in images}
        _append(self._images, (_image(image, identity) for image, identity in by_path.values()), self.report.images)
        elements = (self._element(row, *by_path[row.asset]) for row in rows_of_columns(annotations))
        self.report.annotations = _append(self._annotations, elements, self.report.annotations)
        self.report.images += len(images)

    def finish(self) -> Report:
        self._images.write(b'],"annotations":[')
        self._annotations.seek(0)
        shutil.copyfileobj(self._annotations, self._images)
        self._images.write(b'],"categories":' + msgspec.json.encode(self.categories) + b"}\n")
        for file in (self._images, self._annotations):
            file.close()
        (self.folder / f"{FILE_NAME}.annotations.part").unlink()
        (self.folder / f"{FILE_NAME}.part").replace(self.folder / FILE_NAME)
        renumbered = self._annotation_ids.renumbered + self._image_ids.renumbered
        if renumbered:
            self.report.note("ids that came more than once were numbered anew", FILE_NAME, renumbered)
        return self.report

    def _element(self, row: Row, image: FormatImage, image_id: int) -> dict[str, object]:
        element: dict[str, object] = {
            "id": self._annotation_ids.number(row.external_id),
            "image_id": image_id,
            "category_id": self.category_ids[row.label],
            "bbox": row.bbox if row.kind is not ShapeKind.CLASS else [0, 0, image.width or 0, image.height or 0],
            "area": area_of(row),
            "iscrowd": 0,
        }
        segmentation = segmentation_of(row)
        if segmentation is not None:
            element["segmentation"] = segmentation
        if row.kind is ShapeKind.KEYPOINTS:
            element["keypoints"] = row.coordinates
            element["num_keypoints"] = sum(1 for visibility in row.coordinates[2::3] if visibility > 0)
        if row.score is not None:
            element["score"] = row.score
        exact = exact_of(row)
        if exact is not None:
            element["pixmill"] = exact
            self.report.cannot_hold(_KIND_NAMES.get(row.kind, "holes in polygons: others see the outline"), image.path)
        self._add_attributes(element, row, image)
        return element

    def _add_attributes(self, element: dict[str, object], row: Row, image: FormatImage) -> None:
        taken = _RESERVED | ({"segmentation"} if "segmentation" in element else set())
        for key, value in row.attributes.items():
            if key in taken or (key == "score" and row.score is not None):
                self.report.cannot_hold(f"an attribute named '{key}'", image.path)
            else:
                element[key] = value


def _append(file: IO[bytes], elements: Iterator[dict[str, object]], written: int) -> int:
    """Write the elements, with a comma before each but the file's first; returns how many the file has now."""
    encoder = msgspec.json.Encoder()
    for element in elements:
        file.write(b",\n" if written else b"\n")
        file.write(encoder.encode(element))
        written += 1
    return written


def _image(image: FormatImage, identity: int) -> dict[str, object]:
    element: dict[str, object] = {
        "id": identity,
        "file_name": image.path,
        "width": image.width,
        "height": image.height,
    }
    if image.url:
        element["coco_url"] = image.url
    return element | {key: value for key, value in image.metadata.items() if key not in _IMAGE_RESERVED}


def _categories(labels: Sequence[FormatLabel]) -> list[dict[str, object]]:
    numbering = Numbering(max((label.external_id for label in labels), default=0))
    numbering.highest = max(numbering.highest, 0)
    categories = []
    for label in labels:
        category: dict[str, object] = {"id": numbering.number(label.external_id), "name": label.name}
        if label.supercategory:
            category["supercategory"] = label.supercategory
        if label.keypoints:
            category |= {"keypoints": list(label.keypoints), "skeleton": [list(pair) for pair in label.skeleton]}
        categories.append(category)
    return categories
