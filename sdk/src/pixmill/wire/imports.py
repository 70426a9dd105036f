"""Imports: a session of chunks, committed as one at its end. Annotations come as MessagePack."""

from typing import Annotated, Literal

import msgspec
from pydantic import Field

from pixmill.wire.base import WireModel, WireRequest

ExistingName = Literal["keep", "add"]


class BeginImport(WireRequest):
    """Open an import, or go on with the one that was begun under this key and never finished."""

    to: str
    """`street/v1`; made when the import is finished, where there is none."""
    key: str = Field(min_length=1, max_length=200)
    """The same for the same path, options and content."""
    format: str = ""
    existing: ExistingName = "keep"
    """What is done with annotations of assets that have some already: they are skipped, or added."""
    replace_images: bool = False
    """Take another image under a path that the version has, instead of refusing it."""


class Import(WireModel):
    """An open import."""

    id: str
    staged: list[str]
    """Names of the chunks that are there already: `images-000000`, `annotations-000003`."""


class OfferedImage(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One image: stored bytes by `digest`, or by reference with a `source_uri`. A hundred thousand of them are many."""

    path: str
    digest: str = ""
    """BLAKE3 of its bytes, which are sent to `/objects/{digest}` where they are missing."""
    source_uri: str = ""
    """An absolute path on the server's machine below a listed folder, or an http(s) address."""
    width: int = 0
    """In pixels, as the annotation file says; 0 where it does not."""
    height: int = 0
    external_id: int = -1
    metadata: dict[str, object] = {}


class StageImages(msgspec.Struct, forbid_unknown_fields=True):
    """A chunk of images, as JSON."""

    images: Annotated[list[OfferedImage], msgspec.Meta(max_length=5000)]


class StagedImages(WireModel):
    """What became of a chunk of images."""

    missing: list[str]
    """Digests whose bytes have to be sent before the chunk is sent again; it was not staged."""
    refused: dict[str, str]
    """By path, the reason."""


class StoredObject(WireModel):
    """Bytes that are there."""

    digest: str
    size_bytes: int


class ImportLabel(WireModel):
    """A class of the imported file."""

    name: str
    external_id: int = -1
    supercategory: str = ""
    keypoints: list[str] = Field(default_factory=list)
    skeleton: list[tuple[int, int]] = Field(default_factory=list)


class FinishImport(WireRequest):
    """Commit everything that was staged."""

    image_chunks: int = Field(ge=0)
    annotation_chunks: int = Field(ge=0)
    labels: list[ImportLabel] = Field(default_factory=list)
    """Made on the version where it has none of this name."""
    summary: str = "Import"


class ReasonCount(WireModel):
    """Everything that shares one reason."""

    reason: str
    count: int
    names: list[str]
    """The first hundred."""


class ImportReport(WireModel):
    """What an import did."""

    version_id: str
    revision: int
    changed: bool
    added_assets: int
    unchanged_assets: int
    added_annotations: int
    new_labels: list[str]
    refused: list[ReasonCount]
    """What was wrong."""
    skipped: list[ReasonCount]
    """What was right, but already there or not wanted."""
    notes: list[ReasonCount]
