"""One shape at a time: the eight kinds of shape and the Annotation that carries one.

All coordinates are float pixels of the displayed image, origin top-left. Constructors refuse what cannot be
(not finite, negative size, too few points) with `AnnotationError`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from pixmill.annotations.identity import AnnotationId, AssetId
from pixmill.errors import AnnotationError

MIN_RING_POINTS = 3
MIN_LINE_POINTS = 2


class ShapeKind(StrEnum):
    """Which of the eight shapes an Annotation is."""

    CLASS = "class"
    BOX = "box"
    ROTATED_BOX = "rotated_box"
    POLYGON = "polygon"
    MASK = "mask"
    LINE = "line"
    POINT = "point"
    KEYPOINTS = "keypoints"


class Source(StrEnum):
    """Who made an Annotation."""

    HUMAN = "human"
    IMPORT = "import"
    RUN = "run"


class Review(StrEnum):
    """What a human said of an Annotation. Accepted and edited ones are never overwritten by a Run."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EDITED = "edited"


class Visibility(IntEnum):
    """Of a keypoint, as in COCO."""

    NOT_LABELED = 0
    HIDDEN = 1
    VISIBLE = 2


@dataclass(frozen=True, slots=True)
class Classification:
    """The whole image is of its Label."""


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """An upright box: its top-left corner, width and height in pixels; both sizes are 0 or more."""

    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        _require_finite("box", self.x, self.y, self.width, self.height)
        _require_size("box", self.width, self.height)


@dataclass(frozen=True, slots=True)
class RotatedBox:
    """A box about its centre; `angle` is in degrees, clockwise on the screen, 0 for an upright box."""

    center_x: float
    center_y: float
    width: float
    height: float
    angle: float

    def __post_init__(self) -> None:
        _require_finite("rotated box", self.center_x, self.center_y, self.width, self.height, self.angle)
        _require_size("rotated box", self.width, self.height)


@dataclass(frozen=True, slots=True)
class Ring:
    """A closed outline (the last point joins the first) of at least three points; a hole cuts the outline before it."""

    points: tuple[tuple[float, float], ...]
    hole: bool = False

    def __post_init__(self) -> None:
        _require_points("polygon ring", self.points, MIN_RING_POINTS)


@dataclass(frozen=True, slots=True)
class Polygon:
    """One or more outlines, each with its holes after it."""

    rings: tuple[Ring, ...]

    def __post_init__(self) -> None:
        if not self.rings or self.rings[0].hole:
            raise AnnotationError("A polygon cannot begin without an outline.", hint="Give an outer ring first.")


@dataclass(frozen=True, slots=True)
class Mask:
    """A bitmap of the image's size, run-length encoded as COCO does: columns first, beginning with the zeros.

    `counts` is COCO's compressed ASCII form (pycocotools `maskApi.c`, rleToString).
    """

    height: int
    width: int
    counts: bytes

    def __post_init__(self) -> None:
        if self.height <= 0 or self.width <= 0:
            raise AnnotationError(f"A mask cannot be {self.width}x{self.height} pixels.", hint="Give the image's size.")


@dataclass(frozen=True, slots=True)
class Line:
    """An open line of at least two points."""

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        _require_points("line", self.points, MIN_LINE_POINTS)


@dataclass(frozen=True, slots=True)
class Point:
    """One point."""

    x: float
    y: float

    def __post_init__(self) -> None:
        _require_finite("point", self.x, self.y)


@dataclass(frozen=True, slots=True)
class Keypoint:
    """One point of a skeleton; (0, 0) when not labeled."""

    x: float
    y: float
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class Keypoints:
    """The points of one skeleton, in the order that its Label's skeleton names them; a box may be given with them."""

    points: tuple[Keypoint, ...]
    box: BoundingBox | None = None
    """None means the box around the labeled points."""

    def __post_init__(self) -> None:
        if not self.points:
            raise AnnotationError("Keypoints cannot be empty.", hint="Give every point of the skeleton.")
        for point in self.points:
            _require_finite("keypoint", point.x, point.y)


Shape = Classification | BoundingBox | RotatedBox | Polygon | Mask | Line | Point | Keypoints

_KINDS: Mapping[type, ShapeKind] = {
    Classification: ShapeKind.CLASS,
    BoundingBox: ShapeKind.BOX,
    RotatedBox: ShapeKind.ROTATED_BOX,
    Polygon: ShapeKind.POLYGON,
    Mask: ShapeKind.MASK,
    Line: ShapeKind.LINE,
    Point: ShapeKind.POINT,
    Keypoints: ShapeKind.KEYPOINTS,
}


def kind_of(shape: Shape) -> ShapeKind:
    """Which of the eight kinds a shape is."""
    return _KINDS[type(shape)]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an Annotation came from; the Run, Processing and Model names are empty unless the source is a Run."""

    source: Source
    run_id: str = ""
    processing: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One shape on one asset."""

    id: AnnotationId
    asset_id: AssetId
    label: str
    shape: Shape
    score: float | None
    """0 to 1; None means that nobody gave one (a human's shape)."""
    origin: Origin
    review: Review = Review.UNREVIEWED
    attributes: Mapping[str, object] = field(default_factory=dict)
    """JSON values; what a format holds beyond a shape (`iscrowd`, `area`, unknown keys) is kept here."""


def _require_finite(what: str, *values: float) -> None:
    # A sum is finite only if every number is; it may also be infinite where numbers are only very large.
    if not math.isfinite(sum(values)) and not all(map(math.isfinite, values)):
        raise AnnotationError(f"A {what} cannot have the coordinates {values}.", hint="Every number must be finite.")


def _require_size(what: str, width: float, height: float) -> None:
    if width < 0 or height < 0:
        raise AnnotationError(f"A {what} cannot be {width} x {height} pixels.", hint="Sizes must be 0 or more.")


def _require_points(what: str, points: tuple[tuple[float, float], ...], least: int) -> None:
    if len(points) < least:
        raise AnnotationError(f"A {what} cannot have {len(points)} points.", hint=f"It needs {least} or more.")
    # A sum is finite only if every number is: one call for a long outline.
    if not math.isfinite(sum(map(sum, points))):
        for x, y in points:
            _require_finite(what, x, y)
