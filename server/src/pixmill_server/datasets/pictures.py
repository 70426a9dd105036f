"""Reads the image of an asset, wherever it lies, and its thumbnail, which is made when it is first wanted."""

import queue
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pixmill.errors import InvalidInput, NotFound
from pixmill_server.datasets.images import DecodePool
from pixmill_server.datasets.ingest import Ingest
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import assets_from
from pixmill_server.datasets.records import AssetRecord
from pixmill_server.datasets.thumbnails import thumbnail_key
from pixmill_server.storage.objects import Digest

_AT_ONCE = 200
_REMOTE = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Picture:
    """Where the bytes of an asset are; the first of these that is set."""

    path: Path | None = None
    """A file of this machine."""
    digest: Digest | None = None
    """An object of the store."""
    url: str = ""
    """An address; the server does not fetch it."""


def picture_of(ingest: Ingest, asset: AssetRecord) -> Picture:
    """Raises `NotFound` where a file by reference is gone, or its folder no longer listed by the operator."""
    if asset.digest:
        digest = Digest(asset.digest)
        return Picture(ingest.datasets.objects.local_path(digest), digest)
    if urlsplit(asset.source_uri).scheme in _REMOTE:
        return Picture(url=asset.source_uri)
    # Without links, so that what is read is the file that was looked at.
    path = Path(asset.source_uri).resolve()
    listed = any(path.is_relative_to(root.resolve()) for root in ingest.reference_roots)
    if not listed or not path.is_file():
        raise NotFound("image", asset.path, hint=f"'{asset.source_uri}' is gone, or its folder is no longer listed.")
    return Picture(path=path)


def thumbnail_of(ingest: Ingest, asset: AssetRecord, *, pool: DecodePool | None = None) -> bytes:
    """WebP; made and kept when it is first wanted. Raises `InvalidInput` where the image cannot be decoded."""
    objects, key = ingest.datasets.objects, thumbnail_key(asset.digest or asset.id)
    try:
        return objects.get_named(key)
    except NotFound:
        picture = picture_of(ingest, asset)
    if picture.path is None and picture.digest is None:
        raise NotFound("thumbnail", asset.path, hint=f"The image lies at {picture.url}, which is not fetched.")
    content = picture.path if picture.path is not None else objects.get(Digest(asset.digest))
    answer = (pool or ingest.pool).look_at(content, thumbnail=True)
    if answer.reason:
        raise InvalidInput(f"'{asset.path}' cannot be shown: {answer.reason}.", hint="Import a whole image.")
    objects.put_named(key, answer.thumbnail)
    return answer.thumbnail


@dataclass(slots=True)
class ThumbnailMaker:
    """Makes thumbnails in the background, after an import, one at a time and at low priority."""

    ingest: Ingest
    _wanted: "queue.SimpleQueue[tuple[str, int] | None]" = field(default_factory=queue.SimpleQueue)
    _pool: DecodePool = field(default_factory=lambda: DecodePool(children=1, niceness=10))
    _thread: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def make_for(self, version_id: str, number: int) -> None:
        """Begin with the assets of this Revision whose bytes are stored; returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="thumbnails", daemon=True)
            self._thread.start()
        self._wanted.put((version_id, number))

    def finish(self) -> None:
        """Wait until everything that was asked for is made, and take nothing more."""
        self._wanted.put(None)
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Stop after the one that is being made; what is missing is made on first view."""
        self._stop.set()
        self._wanted.put(None)
        if self._thread is not None:
            self._thread.join()
        self._pool.close()

    def _run(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            self._make_all(*wanted)

    def _make_all(self, version_id: str, number: int) -> None:
        datasets = self.ingest.datasets
        pinned = pin(datasets, version_id, number)
        if not datasets.tables.open(pinned.assets).count_rows("digest != ''"):
            # All by reference: none of a hundred thousand needs to be looked at.
            return
        for start in range(0, pinned.counts.assets, _AT_ONCE):
            for asset in assets_from(datasets, pinned, start=start, limit=_AT_ONCE).items:
                if self._stop.is_set():
                    return
                if asset.digest and datasets.objects.named_size(thumbnail_key(asset.digest)) is None:
                    self._make(asset)

    def _make(self, asset: AssetRecord) -> None:
        try:
            thumbnail_of(self.ingest, asset, pool=self._pool)
        except (NotFound, InvalidInput):
            # Whoever looks at it is told why.
            return
