"""A human's edits in JSON: shapes added, moved, relabelled, reviewed and deleted."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, JsonValue

from pixmill.annotations import (
    KINDS,
    AnnotationColumns,
    ColumnsBuilder,
    Review,
    Shape,
    ShapeKind,
    rows_of,
)
from pixmill.errors import AnnotationError
from pixmill.wire.base import WireModel, WireRequest
from pixmill.wire.datasets import Counts

_NUMBERS = {ShapeKind.CLASS: 0, ShapeKind.BOX: 0, ShapeKind.ROTATED_BOX: 5, ShapeKind.MASK: 2, ShapeKind.POINT: 2}
"""How many coordinates a kind has; the others have any multiple of theirs."""
_MULTIPLES = {ShapeKind.POLYGON: 2, ShapeKind.LINE: 2, ShapeKind.KEYPOINTS: 3}
_BOX_NUMBERS = 4
Finite = Annotated[float, Field(allow_inf_nan=False)]


class ShapeValue(WireRequest):
    """A shape as assets are told to have them: which numbers mean what is in `pixmill.annotations.columns`."""

    kind: ShapeKind
    bbox: list[Finite] | None = Field(default=None, max_length=_BOX_NUMBERS)
    """x, y, width, height: of a box, and optionally of keypoints."""
    coordinates: list[Finite] = Field(default_factory=list, max_length=1_000_000)
    rings: list[Annotated[int, Field(gt=-(2**31), lt=2**31)]] = Field(default_factory=list, max_length=100_000)
    """Of a polygon: how many points each ring has; a hole's number is negative."""
    mask: str = Field(default="", max_length=10_000_000)
    """Of a mask: COCO's compressed run lengths."""

    @classmethod
    def of(cls, shape: Shape) -> Self:
        """The shape as JSON."""
        columns = ColumnsBuilder().append("", "", shape).build()
        box = [float(side) for side in columns.bbox[0]]
        return cls(
            kind=KINDS[columns.kind[0]],
            bbox=None if any(np.isnan(box)) else box,
            coordinates=[float(number) for number in columns.coordinates],
            rings=[int(size) for size in columns.rings],
            mask=columns.masks.tobytes().decode("ascii"),
        )

    def shape(self) -> Shape:
        """The shape as a value; raises `AnnotationError` for one that cannot be."""
        self._check()
        # Only a box and keypoints are read from it; the bounds of the others are worked out anew.
        box = [0.0] * _BOX_NUMBERS if self.bbox is None else self.bbox
        mask = self.mask.encode("ascii", errors="replace")
        columns = AnnotationColumns(
            assets=("",),
            labels=("",),
            asset=np.zeros(1, dtype=np.int32),
            kind=np.array([KINDS.index(self.kind)], dtype=np.uint8),
            label=np.zeros(1, dtype=np.int32),
            bbox=np.array([box], dtype=np.float64),
            score=np.full(1, np.nan),
            area=np.full(1, np.nan),
            external_id=np.full(1, -1, dtype=np.int64),
            coordinates=np.array(self.coordinates, dtype=np.float64),
            coordinate_offsets=np.array([0, len(self.coordinates)], dtype=np.int64),
            rings=np.array(self.rings, dtype=np.int32),
            ring_offsets=np.array([0, len(self.rings)], dtype=np.int64),
            masks=np.frombuffer(mask, dtype=np.uint8),
            mask_offsets=np.array([0, len(mask)], dtype=np.int64),
            attributes=np.empty(0, dtype=np.uint8),
            attribute_offsets=np.zeros(2, dtype=np.int64),
        )
        return next(rows_of(columns)).shape

    def _check(self) -> None:
        numbers = len(self.coordinates)
        wanted, multiple = _NUMBERS.get(self.kind), _MULTIPLES.get(self.kind, 1)
        if (wanted is not None and numbers != wanted) or numbers % multiple:
            should = wanted if wanted is not None else f"a multiple of {multiple}"
            raise AnnotationError(f"A {self.kind} cannot have {numbers} coordinates: it has {should}.")
        if self.kind is ShapeKind.POLYGON and (
            not all(self.rings) or 2 * sum(abs(size) for size in self.rings) != numbers
        ):
            raise AnnotationError(f"The rings {self.rings} do not part {numbers // 2} points.")
        if self.kind is ShapeKind.MASK and not all(side.is_integer() and side > 0 for side in self.coordinates):
            raise AnnotationError("A mask's coordinates are its height and width, whole numbers above 0.")
        if self.kind is ShapeKind.KEYPOINTS and not set(self.coordinates[2::3]) <= {0.0, 1.0, 2.0}:
            raise AnnotationError("The visibility of a keypoint is 0, 1 or 2.")
        if self.kind in {ShapeKind.BOX, ShapeKind.KEYPOINTS} and (self.bbox is None or len(self.bbox) != _BOX_NUMBERS):
            raise AnnotationError(f"A {self.kind} needs bbox: x, y, width, height.")


class AddShape(WireRequest):
    """A new annotation."""

    action: Literal["add"] = "add"
    asset_id: str
    label: str
    """A name."""
    shape: ShapeValue
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class MoveShape(WireRequest):
    """Another shape for the same annotation; its Label and score stay."""

    action: Literal["move"] = "move"
    asset_id: str
    annotation_id: str
    shape: ShapeValue


class Relabel(WireRequest):
    """Another Label for the same annotation."""

    action: Literal["relabel"] = "relabel"
    asset_id: str
    annotation_id: str
    label: str
    """A name."""


class SetReview(WireRequest):
    """What a human says of the annotation."""

    action: Literal["review"] = "review"
    asset_id: str
    annotation_id: str
    review: Review


class DeleteShape(WireRequest):
    """One annotation less."""

    action: Literal["delete"] = "delete"
    asset_id: str
    annotation_id: str


Edit = Annotated[AddShape | MoveShape | Relabel | SetReview | DeleteShape, Field(discriminator="action")]


class SaveEdits(WireRequest):
    """All that one save changes, in order; later edits see earlier ones."""

    edits: list[Edit] = Field(min_length=1, max_length=10_000)
    summary: str = Field(default="", max_length=500)
    """For the history; empty: told from what the edits are."""
    base: int | None = Field(default=None, ge=1, lt=2**31)
    """The Revision that was looked at: refused with `asset-changed` where somebody changed annotations of these assets
    since. Null: what others did meanwhile does not matter."""


class SkippedEdit(WireModel):
    """Something that was left as it is."""

    id: str
    """Of the asset or the annotation."""
    reason: str


class SavedEdits(WireModel):
    """What became of them."""

    revision: int
    changed: bool
    """Whether there is a new Revision."""
    counts: Counts
    skipped: list[SkippedEdit]
    added: list[str] = Field(default_factory=list)
    """The id of each added annotation, in the order of its edit; empty for one that was skipped."""


class ReviewPredictions(WireRequest):
    """Say the same of all annotations of Runs that a filter means."""

    review: Literal[Review.ACCEPTED, Review.REJECTED]
    filter: str = Field(default="", max_length=10_000)
    """As after the `?` of the Assets grid: `label=person&min_score=0.5`. An annotation must itself be as it says; where
    it says nothing of `review`, those are meant that nobody has reviewed yet."""


class ReviewedPredictions(WireModel):
    """What became of it."""

    revision: int
    changed: int
    """Annotations; 0: there is no new Revision."""
