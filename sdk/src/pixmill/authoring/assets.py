"""Assets as a Processing gets them, and the Changes it makes to them. Changes are staged, never written in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from pixmill.annotations.detections import Detections
from pixmill.annotations.images import RgbImage
from pixmill.annotations.shapes import Shape, kind_of
from pixmill.errors import AnnotationError, InvalidInput

IMAGE_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")
"""Of images that are given as pixels: what they are encoded as."""
_RGB_AXES: Final = 3
_MAX_PATH: Final = 1000


@dataclass(frozen=True, slots=True)
class LabeledShape:
    """A shape under the name of a Label; one to add may also be under a class that the Run maps to a Label."""

    shape: Shape
    label: str
    score: float | None = None
    """0 to 1; None: not said."""
    attributes: Mapping[str, object] = field(default_factory=dict)
    """JSON values."""

    def __post_init__(self) -> None:
        if not self.label:
            raise AnnotationError(f"A {kind_of(self.shape)} needs a Label.", hint="Give label=... beside the shape.")
        if self.score is not None and not 0 <= self.score <= 1:
            raise AnnotationError(f"A score cannot be {self.score}.", hint="Give 0 to 1, or leave it out.")


@dataclass(frozen=True, slots=True)
class NewAsset:
    """An asset to add to the version that the Run makes."""

    path: str
    image: RgbImage | bytes
    """Pixels, or the bytes of an image file."""
    annotations: tuple[LabeledShape, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of one asset. Several Changes of one asset add up; make them with the methods of `Asset`."""

    asset_id: str
    detections: Detections | None = None
    shapes: tuple[LabeledShape, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)
    added: tuple[NewAsset, ...] = ()
    """Assets that were made of this one."""
    skip_reason: str = ""
    """Why the asset was left out; empty when it was not."""

    @property
    def changes_the_asset(self) -> bool:
        """Whether the asset itself is to become another, beside what is added."""
        return bool(self.detections is not None or self.shapes or self.tags or self.metadata)


@dataclass(frozen=True, slots=True)
class Asset:
    """One image of the version; sizes in display pixels (0 where nobody has read them yet)."""

    id: str
    path: str
    width: int
    height: int
    tags: tuple[str, ...] = ()
    annotations: tuple[LabeledShape, ...] = ()
    """Those it has in the version, without rejected ones; empty unless the Processing `reads_annotations`."""

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
        return Change(self.id, shapes=(LabeledShape(found, label, score, attributes or {}),))

    def derive(
        self,
        path: str,
        image: RgbImage | bytes,
        *,
        annotations: Sequence[LabeledShape] = (),
        tags: Sequence[str] = (),
        metadata: Mapping[str, object] | None = None,
    ) -> Change:
        """Add an asset made of this one to the new version, beside what that has. Raises `InvalidInput`.

        `path` is relative and new there; `image` is uint8 (height, width, 3), encoded as the path's suffix says (.png
        and .webp keep every pixel), or the bytes of an image file, taken as they are. Shapes are in pixels of `image`.
        The new asset's metadata says what it was `derived_from`, unless given.
        """
        require_path(path)
        if not isinstance(image, bytes):
            _require_pixels(path, image)
        said = {"derived_from": self.path, **(metadata or {})}
        return Change(self.id, added=(NewAsset(path, image, tuple(annotations), tuple(tags), said),))

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


def require_path(path: str) -> None:
    """Raise `InvalidInput` for what is no relative path of visible characters, with forward slashes."""
    odd = not path or len(path) > _MAX_PATH or "\\" in path or not path.isprintable()
    if odd or {"", ".", ".."} & set(path.split("/")):
        raise InvalidInput(f"An asset cannot be at '{path[:100]}'.", hint="Give a path as in flipped/street-1.png.")


def _require_pixels(path: str, image: object) -> None:
    if not isinstance(image, np.ndarray):
        raise InvalidInput(f"The image of '{path}' is a {type(image).__name__}.", hint="Give a numpy array, or bytes.")
    if image.dtype != np.uint8 or image.ndim != _RGB_AXES or image.shape[2] != _RGB_AXES:
        raise InvalidInput(
            f"The image of '{path}' is {image.dtype} {image.shape}.", hint="Give uint8 (height, width, 3)."
        )
    if not image.size:
        raise InvalidInput(f"The image of '{path}' has no pixels.", hint="Leave such an image out.")
    if not path.lower().endswith(IMAGE_SUFFIXES):
        raise InvalidInput(
            f"'{path}' does not say what the image is to be encoded as.", hint=f"End it in {', '.join(IMAGE_SUFFIXES)}."
        )
