"""Reads COCO: categories and image ids first, then images and annotations as they stream by."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

import msgspec

from pixmill.annotations import AnnotationColumns
from pixmill.errors import FormatError
from pixmill.formats.coco.boxes import decode_plain_boxes
from pixmill.formats.coco.index import CategoryIndex, ImageIndex
from pixmill.formats.coco.sections import JsonFile, as_json
from pixmill.formats.coco.shapes import read_annotations
from pixmill.formats.contract import HIGHEST_ID, NO_EXTERNAL_ID, FormatImage, FormatLabel, is_label_name
from pixmill.formats.files import Files, why_unsafe
from pixmill.formats.report import Report

_IMAGE_KEYS = frozenset({"id", "file_name", "width", "height", "coco_url"})
_CATEGORY_KEYS = frozenset({"id", "name", "supercategory", "keypoints", "skeleton"})
_TOP_LEVEL = frozenset({"images", "annotations", "categories"})

Element = dict[str, object]
"""One decoded JSON object."""


@dataclass(slots=True)
class CocoSource:
    """One opened COCO file."""

    files: Files
    labels: Sequence[FormatLabel]
    image_count: int
    _file: JsonFile
    _folders: list[str]
    _images: ImageIndex
    _categories: CategoryIndex
    report: Report = field(default_factory=Report)
    _read: int = 0

    @classmethod
    def open(cls, files: Files, file: JsonFile, folders: list[str]) -> Self:
        """Read categories and image ids; raises `FormatError` where the file lacks them."""
        if "images" not in file.arrays:
            file.close()
            raise FormatError(f"'{file.name}' has no array 'images', so it is not COCO.", hint="Name another --format.")
        for key in _TOP_LEVEL & file.values.keys():
            file.close()
            raise FormatError(f"'{key}' of '{file.name}' is not an array of objects.", hint="Write the file again.")
        report = Report()
        labels, categories = _read_categories(file, report)
        source = cls(files, labels, file.count("images"), file, folders, ImageIndex.empty(), categories, report)
        for key in (*file.values, *file.arrays):
            if key not in _TOP_LEVEL:
                report.cannot_hold("what a file says of itself", f"'{key}' of {file.name}")
        return source

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self.files.close()

    def images(self) -> Iterator[FormatImage]:
        for name, reason in self.files.refused.items():
            self.report.skip(reason, name)
        folders = list(self._folders)
        for element in self._elements("images"):
            image = self._image(element, folders)
            if image is None:
                continue
            if not self._images.add(element["id"], image.path, image.width, image.height):
                self.report.skip("an image with this id or path came before", f"image {image.path}")
                continue
            self.report.images += 1
            yield image

    def annotations(self) -> Iterator[AnnotationColumns]:
        if not self._images.filled:
            # The ids are needed, whoever wants the images themselves.
            for _ in self.images():
                pass
        self._images.seal()
        for piece, text in self._file.pieces("annotations"):
            columns = decode_plain_boxes(text, self._images, self._categories, self.report)
            if columns is None:
                columns = read_annotations(_decode(text, self.report), self._images, self._categories, self.report)
            self._read += piece.count
            self.report.annotations += len(columns)
            if len(columns):
                yield columns

    def progress(self) -> float:
        return self._read / max(1, self._file.count("annotations"))

    def _elements(self, key: str) -> Iterator[Element]:
        for _piece, text in self._file.pieces(key):
            yield from _decode(text, self.report)

    def _image(self, element: Element, folders: list[str]) -> FormatImage | None:
        name, identity = element.get("file_name"), element.get("id")
        if not isinstance(name, str) or not isinstance(identity, int | str):
            self.report.skip("an image without id or file_name", f"image {identity or name or '?'}")
            return None
        path = name.removeprefix("./")
        unsafe = why_unsafe(path)
        if unsafe is not None:
            self.report.skip(unsafe, name)
            return None
        return FormatImage(
            path=path,
            file=self._find(path, folders),
            width=_size(element.get("width")),
            height=_size(element.get("height")),
            url=str(element.get("coco_url") or ""),
            external_id=identity if isinstance(identity, int) and identity <= HIGHEST_ID else NO_EXTERNAL_ID,
            metadata={key: value for key, value in element.items() if key not in _IMAGE_KEYS},
        )

    def _find(self, path: str, folders: list[str]) -> str | None:
        """The file of an image; the folder that had the last one is asked first."""
        for place, folder in enumerate(folders):
            if self.files.has(folder + path):
                if place:
                    folders.insert(0, folders.pop(place))
                return folder + path
        return None


def _decode(text: bytes, report: Report) -> list[Element]:
    """Elements of any shape; numbers that JSON does not have come as NaN and infinity, broken letters as marks."""
    try:
        decoded = msgspec.json.decode(text, type=list[object]) if as_json(text) is text else json.loads(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        decoded = json.loads(text.decode("utf-8", "replace"), strict=False)
    elements = [element for element in decoded if isinstance(element, dict)]
    if len(elements) < len(decoded):
        odd = next(element for element in decoded if not isinstance(element, dict))
        report.skip("an element that is not a JSON object", str(odd)[:40], len(decoded) - len(elements))
    return elements


def _size(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 and math.isfinite(value) else None


def _read_categories(file: JsonFile, report: Report) -> tuple[list[FormatLabel], CategoryIndex]:
    labels: dict[str, FormatLabel] = {}
    ids: dict[int, str] = {}
    for _piece, text in file.pieces("categories"):
        for element in _decode(text, report):
            identity, name = element.get("id"), element.get("name")
            if not isinstance(identity, int) or identity > HIGHEST_ID or not isinstance(name, str):
                report.skip("a category without id or name", f"category {identity or name or '?'}")
                continue
            if not is_label_name(name):
                report.skip("a category whose name is not 1 to 200 visible characters", f"category {identity}")
                continue
            if name in labels:
                report.note("categories of the same name became one", name)
            labels.setdefault(name, _label(identity, name, element))
            ids[identity] = name
            for key in element.keys() - _CATEGORY_KEYS:
                report.cannot_hold("keys of a category", f"'{key}' of {name}")
    return list(labels.values()), CategoryIndex.of(ids, list(labels))


def _label(identity: int, name: str, element: Element) -> FormatLabel:
    keypoints = element.get("keypoints")
    skeleton = element.get("skeleton")
    pairs = skeleton if isinstance(skeleton, list) else []
    return FormatLabel(
        name=name,
        external_id=identity,
        supercategory=str(element.get("supercategory") or ""),
        keypoints=tuple(str(point) for point in keypoints) if isinstance(keypoints, list) else (),
        skeleton=tuple((int(pair[0]), int(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) == 2),  # noqa: PLR2004 - a pair
    )
