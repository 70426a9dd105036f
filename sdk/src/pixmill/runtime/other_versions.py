"""Versions that a Processing reads beside its own: a page at a time, asked for when somebody comes to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from threading import Condition
from typing import Final

from pixmill.annotations.images import RgbImage
from pixmill.authoring import Asset, DatasetVersion
from pixmill.runtime.arriving import SupervisorGone, annotations_by_asset
from pixmill.runtime.decoding import Undecodable, decode
from pixmill.runtime.frames import FrameWriter
from pixmill.runtime.ledger import print_to_log
from pixmill.runtime.messages import SeenAsset, SeenVersion, VersionImage, VersionPage, WantVersion

_ASSETS: Final = 256
_IMAGES: Final = 16
"""On a page; their files are in memory at once, and their pixels one after another."""


@dataclass(slots=True)
class _Page:
    images: bool
    assets: list[SeenAsset] | None = None
    next: str | None = None
    annotations: bytes = b""
    encoded: dict[int, tuple[bytes, str]] = field(default_factory=dict)
    """By position: the file's bytes, or why there are none."""

    @property
    def is_whole(self) -> bool:
        return self.assets is not None and (not self.images or len(self.encoded) == len(self.assets))


class OtherVersions:
    """May be read from any thread, several at a time, and while the Run's own version is being read."""

    def __init__(self, writer: FrameWriter, changed: Condition) -> None:
        self._writer = writer
        self._changed = changed
        """Its lock guards all that follows."""
        self._asked = 0
        self._awaited: dict[int, _Page] = {}
        self._gone = False

    def version(self, seen: SeenVersion) -> DatasetVersion:
        """What the Processing gets for the Parameter."""
        assets, images = partial(self._assets, seen.parameter), partial(self._images, seen)
        return DatasetVersion(seen.name, tuple(seen.labels), seen.size, assets, images)

    @property
    def are_awaited(self) -> bool:
        """Whether somebody waits for a page, which comes by the same pipe as the Run's own assets."""
        return bool(self._awaited)

    def take_in(self, message: VersionPage | VersionImage, payload: bytes) -> None:
        """What the supervisor sent."""
        with self._changed:
            page = self._awaited.get(message.number)
            if page is None:
                return
            if isinstance(message, VersionPage):
                page.assets, page.next, page.annotations = message.assets, message.next, payload
            else:
                page.encoded[message.position] = (payload, message.unreadable)
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing comes any more."""
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _assets(self, parameter: str) -> Iterator[Asset]:
        for asset, _ in self._read(parameter, images=False):
            yield asset

    def _images(self, seen: SeenVersion) -> Iterator[tuple[Asset, RgbImage]]:
        for asset, (encoded, unreadable) in self._read(seen.parameter, images=True):
            image, why = _decoded(encoded, asset) if encoded else (None, unreadable)
            if image is None:
                print_to_log(f"{seen.name}: '{asset.path}' is left out: {why or 'the file is empty'}\n")
            else:
                yield asset, image

    def _read(self, parameter: str, *, images: bool) -> Iterator[tuple[Asset, tuple[bytes, str]]]:
        after: str | None = ""
        while after is not None:
            page = self._page(parameter, after, images=images)
            annotations = annotations_by_asset(page.annotations)
            for position, each in enumerate(page.assets or ()):
                carried = tuple(annotations.get(each.id, ()))
                asset = Asset(each.id, each.path, each.width, each.height, tuple(each.tags), carried)
                yield asset, page.encoded.pop(position, (b"", ""))
            after = page.next

    def _page(self, parameter: str, after: str, *, images: bool) -> _Page:
        page = _Page(images)
        with self._changed:
            self._asked += 1
            number = self._asked
            self._awaited[number] = page
            # Whoever keeps the pipe full of the Run's own assets lets them pass now.
            self._changed.notify_all()
        try:
            self._writer.send(WantVersion(number, parameter, after, _IMAGES if images else _ASSETS, images))
            with self._changed:
                while not page.is_whole:
                    if self._gone:
                        raise SupervisorGone("The supervisor is gone.")
                    self._changed.wait()
        finally:
            with self._changed:
                del self._awaited[number]
        return page


def _decoded(encoded: bytes, asset: Asset) -> tuple[RgbImage | None, str]:
    """The image, or why there is none."""
    try:
        return decode(encoded, width=asset.width, height=asset.height), ""
    except Undecodable as error:
        return None, error.message
