"""Takes images in: checks each one, and stages those that are right. Nothing is visible before the import's commit."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG

import msgspec
import pyarrow as pa

from pixmill_server.datasets.identity import new_ids
from pixmill_server.datasets.images import CHILDREN, DecodePool
from pixmill_server.datasets.schemas import ASSETS, UTC_MICROSECONDS
from pixmill_server.datasets.stores import Datasets
from pixmill_server.storage.objects import Digest, Objects, require_digest

NO_BYTES = "its file is not there"
"""Of an image that was offered without bytes; fine where the version has one of its path."""
TURNED = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""
_MAX_PATH = 1000
_REMOTE = ("http://", "https://")
_MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}


@dataclass(frozen=True, slots=True)
class Offered:
    """One image as a client offers it: stored bytes by digest, or by reference with a `source_uri`."""

    path: str
    digest: str = ""
    source_uri: str = ""
    width: int = 0
    """As the annotation file says; 0 where it does not."""
    height: int = 0
    external_id: int = -1
    metadata: Mapping[str, object] = field(default_factory=dict)


class StagedImage(msgspec.Struct, frozen=True):
    """One image that was checked, on its way to the assets table."""

    path: str
    digest: str
    size_bytes: int
    width: int
    height: int
    orientation: int
    media_type: str
    source_uri: str
    external_id: int
    metadata: str
    turn: bool = False
    """The annotation file has width and height swapped: its shapes are to be turned by the orientation."""
    tags: list[str] = []


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of the images of one chunk."""

    staged: Sequence[StagedImage]
    refused: Mapping[str, str]
    """By path, the reason."""
    resized: Sequence[str]
    """Paths of images whose size is another than the annotation file says."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """What checking images needs; built once, in wiring."""

    datasets: Datasets
    pool: DecodePool
    reference_roots: Sequence[Path] = ()
    """Folders out of which images may be imported by reference."""


def missing_objects(objects: Objects, images: Sequence[Offered]) -> list[str]:
    """Digests whose bytes have to be sent first, each once."""
    wanted = dict.fromkeys(image.digest for image in images if image.digest)
    return [digest for digest in wanted if not objects.has(require_digest(digest))]


def check_images(ingest: Ingest, images: Sequence[Offered]) -> Checked:
    """Decode what is stored, look for what is by reference; each image that cannot be taken is refused by name."""
    staged: list[StagedImage] = []
    refused: dict[str, str] = {}
    resized: list[str] = []
    roots = _Roots(ingest.reference_roots)
    with ThreadPoolExecutor(CHILDREN) as threads:
        stored = threads.map(lambda image: _check_stored(ingest, image), [image for image in images if image.digest])
        for image in images:
            looked_at = next(stored) if image.digest else roots.check(image)
            found = _why_no_path(image.path) or looked_at
            if isinstance(found, str):
                refused[image.path] = found
                continue
            if image.width and not found.turn and (image.width, image.height) != (found.width, found.height):
                resized.append(image.path)
            staged.append(found)
    return Checked(staged, refused, resized)


def assets_batch(
    staged: Sequence[StagedImage], datasets: Datasets, *, ids: Sequence[str] | None = None
) -> pa.RecordBatch:
    """Rows of the assets table, with these ids (None: fresh ones)."""
    now = datasets.clock.now()
    count = len(staged)
    columns: dict[str, pa.Array] = {
        "id": new_ids(count, now) if ids is None else pa.array(ids, pa.string()),
        "created_at": pa.repeat(pa.scalar(now, UTC_MICROSECONDS), count),
    }
    for name in ASSETS.names:
        if name not in columns:
            columns[name] = pa.array([getattr(image, name) for image in staged], ASSETS.field(name).type)
    return pa.record_batch([columns[name] for name in ASSETS.names], schema=ASSETS)


def _check_stored(ingest: Ingest, image: Offered) -> StagedImage | str:
    objects, digest = ingest.datasets.objects, require_digest(image.digest)
    local = objects.local_path(digest)
    answer = ingest.pool.look_at(local if local is not None else objects.get(Digest(digest)))
    if answer.reason:
        return answer.reason
    swapped = (image.width, image.height) == (answer.height, answer.width) and answer.width != answer.height
    return StagedImage(
        path=image.path,
        digest=digest,
        size_bytes=objects.size_of(digest),
        width=answer.width,
        height=answer.height,
        orientation=answer.orientation,
        media_type=answer.media_type,
        source_uri="",
        external_id=image.external_id,
        metadata=_json(image.metadata),
        turn=swapped and answer.orientation in TURNED,
    )


@dataclass(slots=True)
class _Roots:
    """Looks for images by reference; remembers folders, for they repeat."""

    roots: Sequence[Path]
    _folders: dict[str, str | None] = field(default_factory=dict)

    def check(self, image: Offered) -> StagedImage | str:
        """Its size is the one that was offered: nobody reads it before it is used."""
        if not image.source_uri:
            return NO_BYTES
        if image.width <= 0 or image.height <= 0:
            return "its size is not known, and it is not read when it is imported by reference"
        size = 0
        if not image.source_uri.startswith(_REMOTE):
            found = self._size_of_file(image.source_uri)
            if isinstance(found, str):
                return found
            size = found
        return StagedImage(
            path=image.path,
            digest="",
            size_bytes=size,
            width=image.width,
            height=image.height,
            orientation=1,
            media_type=_MEDIA_TYPES.get(os.path.splitext(image.path)[1].lower(), ""),  # noqa: PTH122 - a hundred thousand names
            source_uri=image.source_uri,
            external_id=image.external_id,
            metadata=_json(image.metadata),
        )

    def _size_of_file(self, name: str) -> int | str:
        folder, _, file = name.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._real_folder(folder)
        real = self._folders[folder]
        if real is None:
            return (
                f"'{folder}' is not below a folder out of which images may be imported by reference: "
                f"list one in PIXMILL_REFERENCE_ROOTS and start the server again"
            )
        try:
            status = os.lstat(f"{real}/{file}")
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        return status.st_size if S_ISREG(status.st_mode) else "it is no file (a link is not imported by reference)"

    def _real_folder(self, folder: str) -> str | None:
        real = Path(folder).resolve()
        if any(real.is_relative_to(root.resolve()) for root in self.roots):
            return str(real)
        return None


def _why_no_path(path: str) -> str | None:
    parts = path.split("/")
    if not path or len(path) > _MAX_PATH or "\\" in path or not path.isprintable() or {"", ".", ".."} & set(parts):
        return "its path is not a relative path of visible characters"
    return None


def _json(metadata: Mapping[str, object]) -> str:
    return msgspec.json.encode(metadata).decode() if metadata else ""
