"""Annotations of every kind, one by one: polygons, masks, crowds, keypoints, and what COCO has no word for."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pixmill.annotations import (
    AnnotationColumns,
    BoundingBox,
    Classification,
    ColumnsBuilder,
    Keypoint,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Ring,
    RotatedBox,
    Shape,
    ShapeKind,
    Visibility,
)
from pixmill.annotations.rle import compress, decompress
from pixmill.errors import AnnotationError
from pixmill.formats.coco.boxes import name_of
from pixmill.formats.coco.index import UNKNOWN, CategoryIndex, ImageIndex
from pixmill.formats.contract import HIGHEST_ID, NO_EXTERNAL_ID
from pixmill.formats.report import Report

EXACT = "pixmill"
"""The key under which shapes that COCO has no word for are written exactly."""
KNOWN_KEYS = frozenset(
    {
        "id",
        "image_id",
        "category_id",
        "bbox",
        "area",
        "iscrowd",
        "segmentation",
        "keypoints",
        "num_keypoints",
        "score",
        EXACT,
    }
)
_NUMBERS = frozenset({int, float})
_BOX_NUMBERS = 4
_KEYPOINT_NUMBERS = 3

Element = Mapping[str, object]


def read_annotations(
    elements: Iterable[Element], images: ImageIndex, categories: CategoryIndex, report: Report
) -> AnnotationColumns:
    """Columns of the annotations that can be read; the others go into the report."""
    builder = ColumnsBuilder()
    for element in elements:
        try:
            _append(builder, element, images, categories, report)
        except AnnotationError as error:
            report.skip(str(error.message), _name(element))
    return builder.build()


def _append(
    builder: ColumnsBuilder, element: Element, images: ImageIndex, categories: CategoryIndex, report: Report
) -> None:
    image, category = images.place(element.get("image_id")), categories.place(element.get("category_id"))
    if image == UNKNOWN:
        raise AnnotationError("the image it names is not in the file")
    if category == UNKNOWN:
        raise AnnotationError("the category it names is not in the file")
    box = _box(element.get("bbox"))
    attributes = {key: value for key, value in element.items() if key not in KNOWN_KEYS}
    shape = _shape(element, box, images.sizes[image], attributes)
    if element.get("iscrowd"):
        attributes["iscrowd"] = element["iscrowd"]
    score = _number(element.get("score"), "score")
    if score is not None and not 0 <= score <= 1:
        report.note("a score outside 0 to 1 was kept as an attribute", _name(element))
        attributes["score"], score = score, None
    identity = element.get("id")
    builder.append(
        images.paths[image],
        categories.names[category],
        shape,
        score=score,
        bbox=box,
        area=_number(element.get("area"), "area"),
        external_id=identity if isinstance(identity, int) and 0 <= identity <= HIGHEST_ID else NO_EXTERNAL_ID,
        attributes=attributes,
    )


def _shape(
    element: Element, box: BoundingBox | None, size: tuple[int | None, int | None], attributes: dict[str, object]
) -> Shape:
    exact, segmentation, keypoints = element.get(EXACT), element.get("segmentation"), element.get("keypoints")
    if isinstance(exact, dict):
        return _exact(exact)
    if isinstance(keypoints, list) and keypoints:
        if segmentation:
            attributes["segmentation"] = segmentation
        if "num_keypoints" in element:
            attributes["num_keypoints"] = element["num_keypoints"]
        return Keypoints(_keypoints(keypoints), box)
    if isinstance(segmentation, dict):
        return _mask(segmentation, size)
    if isinstance(segmentation, list) and segmentation:
        return Polygon(tuple(_ring(ring) for ring in segmentation))
    if box is None:
        raise AnnotationError("neither bbox, segmentation nor keypoints")
    return box


def _box(value: object) -> BoundingBox | None:
    if value is None or value == []:
        return None
    numbers = _floats(value, "a box that is not four numbers")
    if len(numbers) != _BOX_NUMBERS:
        raise AnnotationError("a box that is not four numbers")
    if not _are_finite(numbers):
        raise AnnotationError("a box whose numbers are not finite")
    if numbers[2] < 0 or numbers[3] < 0:
        raise AnnotationError("a box of negative size")
    return BoundingBox(*numbers)


def _ring(value: object) -> Ring:
    numbers = _floats(value, "a polygon that is not a list of numbers")
    if len(numbers) % 2:
        raise AnnotationError("a polygon with an odd number of coordinates")
    if not _are_finite(numbers):
        raise AnnotationError("a polygon whose numbers are not finite")
    if len(numbers) < 6:  # noqa: PLR2004 - three points
        raise AnnotationError("a polygon of fewer than three points")
    return Ring(tuple(zip(numbers[0::2], numbers[1::2], strict=True)))


def _keypoints(value: Sequence[object]) -> tuple[Keypoint, ...]:
    numbers = _floats(value, "keypoints that are not numbers")
    if len(numbers) % _KEYPOINT_NUMBERS or not all(number in (0, 1, 2) for number in numbers[2::3]):
        raise AnnotationError("keypoints that are not x, y and a visibility of 0, 1 or 2 each")
    triples = zip(numbers[0::3], numbers[1::3], numbers[2::3], strict=True)
    return tuple(Keypoint(x, y, Visibility(int(visibility))) for x, y, visibility in triples)


def _mask(value: Mapping[str, object], size: tuple[int | None, int | None]) -> Mask:
    measures, counts = value.get("size"), value.get("counts")
    if not isinstance(measures, list) or len(measures) != 2 or not all(isinstance(side, int) for side in measures):  # noqa: PLR2004 - height, width
        raise AnnotationError("a mask without its size")
    height, width = measures
    if None not in size and (width, height) != size:
        raise AnnotationError("a mask of another size than its image")
    if isinstance(counts, str):
        packed = counts.encode("ascii", "replace")
        runs = decompress(packed)
    elif isinstance(counts, list) and all(isinstance(run, int) and run >= 0 for run in counts):
        runs = np.array(counts, dtype=np.int64)
        packed = compress(counts)
    else:
        raise AnnotationError("a mask without run lengths")
    if int(runs.sum()) != height * width:
        raise AnnotationError("a mask whose run lengths do not add up to its size")
    return Mask(height, width, packed)


def _exact(value: Mapping[str, object]) -> Shape:
    """What `writing.py` put under the key `pixmill`."""
    numbers = _floats(value.get("coordinates"), "a shape without coordinates")
    points = tuple(zip(numbers[0::2], numbers[1::2], strict=False))
    match value.get("kind"):
        case ShapeKind.CLASS:
            return Classification()
        case ShapeKind.ROTATED_BOX if len(numbers) == 5:  # noqa: PLR2004 - centre, size, angle
            return RotatedBox(*numbers)
        case ShapeKind.LINE:
            return Line(points)
        case ShapeKind.POINT if len(points) == 1:
            return Point(*points[0])
        case ShapeKind.POLYGON:
            return _polygon_with_holes(points, _floats(value.get("rings"), "a polygon without rings"))
        case kind:
            raise AnnotationError(f"a shape of the kind '{kind}'")


def _polygon_with_holes(points: tuple[tuple[float, float], ...], sizes: list[float]) -> Polygon:
    rings, start = [], 0
    for size in sizes:
        count = abs(int(size))
        rings.append(Ring(points[start : start + count], hole=size < 0))
        start += count
    return Polygon(tuple(rings))


def _floats(value: object, complaint: str) -> list[float]:
    if not isinstance(value, list) or not set(map(type, value)) <= _NUMBERS:
        raise AnnotationError(complaint)
    return list(map(float, value))


def _are_finite(numbers: list[float]) -> bool:
    """A sum is finite only if every number is: one call instead of many."""
    return math.isfinite(sum(numbers)) or all(map(math.isfinite, numbers))


def _number(value: object, what: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise AnnotationError(f"{what} is not a number")
    return None if math.isnan(value) else float(value)


def _name(element: Element) -> str:
    return name_of(element.get("id"), element.get("image_id"), element.get("category_id"))
