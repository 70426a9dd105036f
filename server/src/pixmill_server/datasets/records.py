"""Values that the rest of the server reads: Labels, pinned Revisions, assets, pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pixmill.annotations import AssetId, LabelId
from pixmill_server.datasets.errors import LabelNotFound
from pixmill_server.storage.tables import TableRef

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Label:
    """A class of the DatasetVersion; its id stays when it is renamed."""

    id: LabelId
    name: str
    color: str
    """`#rrggbb`."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a Revision holds."""

    assets: int = 0
    annotations: int = 0
    annotated_assets: int = 0


@dataclass(frozen=True, slots=True)
class Pinned:
    """One Revision, resolved: reading it gives the same forever, whatever is committed meanwhile."""

    version_id: str
    number: int
    assets: TableRef
    annotations: TableRef
    labels: tuple[Label, ...]
    counts: Counts

    def label_named(self, name: str) -> Label:
        """Raises `LabelNotFound`."""
        for label in self.labels:
            if label.name == name:
                return label
        raise LabelNotFound(name, tuple(label.name for label in self.labels))


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """One image of a DatasetVersion; width and height are display pixels (EXIF orientation applied)."""

    id: AssetId
    path: str
    digest: str
    """BLAKE3; empty for an image by reference that was not read yet."""
    size_bytes: int
    width: int
    height: int
    orientation: int
    media_type: str
    source_uri: str
    external_id: int
    tags: tuple[str, ...]
    metadata: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of a list; `next_cursor` is what to go on after, None at the end."""

    items: Sequence[Item]
    next_cursor: str | None
