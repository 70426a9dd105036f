"""Assets and their annotations as JSON, and the stream of an export."""

from datetime import datetime

import msgspec
from pydantic import JsonValue

from pixmill.wire.base import WireModel, WireRequest

EXPORT_MEDIA_TYPE = "application/vnd.pixmill.export"
"""Frames, each a length (4 bytes, big-endian) and MessagePack: one `ExportHeader`, then `ExportLot`s to the end."""


class AssetAnnotation(WireModel):
    """One shape; coordinates are display pixels, origin top-left, as `pixmill.annotations.columns` lays them out."""

    id: str
    kind: str
    label: str
    label_id: str
    bbox: list[float] | None
    """x, y, width, height; null for a class of the whole image."""
    score: float | None
    """0 to 1; null where nobody gave one."""
    area: float | None
    coordinates: list[float]
    rings: list[int]
    mask: str
    """COCO's compressed run lengths."""
    attributes: dict[str, JsonValue]
    external_id: int | None
    source: str
    """`human`, `import` or `run`."""
    run_id: str
    processing: str
    model: str
    review: str
    created_at: datetime
    edited_by: str


class Asset(WireModel):
    """One image of a DatasetVersion; width and height are display pixels (EXIF orientation applied)."""

    id: str
    path: str
    digest: str
    """BLAKE3; empty for an image by reference that was not read yet."""
    size_bytes: int
    width: int
    height: int
    media_type: str
    source_uri: str
    external_id: int | None
    tags: list[str]
    metadata: dict[str, JsonValue]
    created_at: datetime
    image: str
    """Where its bytes are read."""
    thumbnail: str
    annotations: list[AssetAnnotation]


class AssetPage(WireModel):
    """Some assets of one Revision, in the order of their paths."""

    revision: int
    total: int
    """How many the filter means."""
    items: list[Asset]
    next_cursor: str | None


class NewSelection(WireRequest):
    """Assets to be named together, so that a filter, and with it a launch, can mean exactly them."""

    assets: list[str]
    """Ids."""


class Selection(WireModel):
    """Assets that were selected; the same assets always have the same id."""

    id: str


class ExportLabel(msgspec.Struct, frozen=True):
    """A Label, with what its file said of it."""

    name: str
    external_id: int = -1
    supercategory: str = ""
    keypoints: list[str] = []
    skeleton: list[tuple[int, int]] = []


class ExportHeader(msgspec.Struct, frozen=True):
    """The first frame."""

    address: str
    """`street/v1@17`: the Revision that was pinned."""
    assets: int
    annotations: int
    labels: list[ExportLabel]
    highest_image_id: int
    highest_annotation_id: int


class ExportImage(msgspec.Struct, frozen=True):
    """One asset."""

    id: str
    path: str
    digest: str
    width: int
    height: int
    external_id: int
    source_uri: str
    metadata: dict[str, object]


class ExportLot(msgspec.Struct, frozen=True):
    """Some assets in the order of their paths, with all their annotations."""

    images: list[ExportImage]
    annotations: bytes
    """`AnnotationColumns.to_bytes()`, keyed by path."""


class ExportEnd(msgspec.Struct, frozen=True):
    """The last frame: without it the stream was cut off."""

    complete: bool = True
