"""Assets as a Processing gets them, and the Changes it makes to them. Changes are staged, never written in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pixmill.annotations.detections import Detections
from pixmill.annotations.images import RgbImage
from pixmill.annotations.shapes import Shape, kind_of
from pixmill.errors import AnnotationError


@dataclass(frozen=True, slots=True)
class NewShape:
    """A shape to add, under the name of a Label or of a class that the Run maps to one."""

    shape: Shape
    label: str
    score: float | None
    """0 to 1; None: not said."""
    attributes: Mapping[str, object]
    """JSON values."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of one asset. Several Changes of one asset add up; make them with the methods of `Asset`."""

    asset_id: str
    detections: Detections | None = None
    shapes: tuple[NewShape, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)
    skip_reason: str = ""
    """Why the asset was left out; empty when it was not."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One image of the version; sizes in display pixels (0 where nobody has read them yet)."""

    id: str
    path: str
    width: int
    height: int
    tags: tuple[str, ...] = ()

    def annotate(
        self,
        found: Detections | Shape,
        *,
        label: str = "",
        score: float | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> Change:
        """Add what a detector found, or one shape under a Label. Raises `AnnotationError` where that cannot be."""
        if isinstance(found, Detections):
            if label or score is not None or attributes:
                raise AnnotationError(
                    "Detections carry labels and scores of their own.", hint="Leave out label, score and attributes."
                )
            return Change(self.id, detections=found)
        if not label:
            raise AnnotationError(f"A {kind_of(found)} needs a Label.", hint="Give label=... beside the shape.")
        if score is not None and not 0 <= score <= 1:
            raise AnnotationError(f"A score cannot be {score}.", hint="Give 0 to 1, or leave it out.")
        return Change(self.id, shapes=(NewShape(found, label, score, attributes or {}),))

    def tag(self, *names: str) -> Change:
        """Add tags; one that the asset has already changes nothing."""
        return Change(self.id, tags=names)

    def set_metadata(self, **values: object) -> Change:
        """Set keys of the asset's metadata to JSON values; other keys stay."""
        return Change(self.id, metadata=values)

    def skip(self, reason: str) -> Change:
        """Leave the asset as it is, and say why in the Run's Changeset."""
        return Change(self.id, skip_reason=reason)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some assets and their images, in the same order; the last batch of a Run may be smaller."""

    assets: Sequence[Asset]
    images: Sequence[RgbImage]

    def __len__(self) -> int:
        return len(self.assets)
