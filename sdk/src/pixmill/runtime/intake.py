"""Assets coming into the child: read from the pipe by one thread, decoded ahead by others, taken in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final

from pixmill.annotations.images import RgbImage
from pixmill.authoring import Asset, LabeledShape
from pixmill.runtime.arriving import Arrived, SupervisorGone, annotations_by_asset
from pixmill.runtime.decoding import Undecodable, decode
from pixmill.runtime.frames import FrameReader, FrameWriter
from pixmill.runtime.messages import (
    AssetComes,
    ChunkBegins,
    NoMoreChunks,
    Setup,
    ToChild,
    VersionImage,
    VersionPage,
    Want,
)
from pixmill.runtime.other_versions import OtherVersions

_AHEAD_BYTES: Final = 256 << 20
"""Decoded pixels that may wait, beside the batch in hand."""
_AHEAD_ITEMS: Final = 64
_CHANNELS: Final = 3


@dataclass(frozen=True, slots=True)
class _Begun:
    """A chunk begins."""

    index: int
    assets: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Coming:
    """An asset that may still be in decoding; `size` is what its pixels take, in bytes."""

    asset: Asset
    chunk: int
    decoded: "Future[RgbImage] | None"
    unreadable: str
    size: int


class Intake:
    """One reading of the version at a time; a new one ends the one before."""

    def __init__(self, reader: FrameReader[ToChild], writer: FrameWriter, *, threads: int) -> None:
        self._reader = reader
        self._writer = writer
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="decode")
        self._changed = Condition()
        self.others = OtherVersions(writer, self._changed)
        self._waiting: deque[_Begun | _Coming] = deque()
        self._ahead = 0
        self._reading = 0
        self._images = True
        self._complete = False
        self._gone = False
        self._chunk = 0
        self._annotations: dict[str, list[LabeledShape]] = {}
        Thread(target=self._read, name="intake", daemon=True).start()

    def read_version(self, *, images: bool, on_chunk: Callable[[int, int], None]) -> Iterator[Arrived]:
        """Every asset in order, from the first `next` on; `on_chunk(index, size)` comes before its assets."""
        yield from self._arriving(self._begin(images=images), on_chunk)

    def start_reading(self, on_chunk: Callable[[int, int], None]) -> Iterator[Arrived]:
        """The same with images, and they begin to come at once."""
        return self._arriving(self._begin(images=True), on_chunk)

    def _begin(self, *, images: bool) -> int:
        with self._changed:
            self._reading += 1
            self._images, self._complete, self._ahead = images, False, 0
            self._waiting.clear()
            self._changed.notify_all()
        self._writer.send(Want(self._reading, 0, images))
        return self._reading

    def _arriving(self, reading: int, on_chunk: Callable[[int, int], None]) -> Iterator[Arrived]:
        while (taken := self._take(reading)) is not None:
            if isinstance(taken, _Begun):
                on_chunk(taken.index, taken.assets)
            else:
                yield _arrived(taken)

    def _take(self, reading: int) -> _Begun | _Coming | None:
        with self._changed:
            while not self._waiting and not self._complete and not self._gone and reading == self._reading:
                self._changed.wait()
            if reading != self._reading:
                return None
            if self._waiting:
                taken = self._waiting.popleft()
                self._ahead -= taken.size
                self._changed.notify_all()
                return taken
            if self._gone and not self._complete:
                raise SupervisorGone("The supervisor is gone.")
            return None

    def _read(self) -> None:
        try:
            while (received := self._reader.receive()) is not None:
                self._take_in(*received)
        finally:
            self.others.end()
            with self._changed:
                self._gone = True
                self._changed.notify_all()

    def _take_in(self, message: ToChild, payload: bytes) -> None:
        match message:
            case ChunkBegins():
                self._chunk, self._annotations = message.index, annotations_by_asset(payload)
                self._put(message.reading, _Begun(message.index, message.size))
                if message.reading == self._reading:
                    self._writer.send(Want(message.reading, message.position + 1, self._images))
            case AssetComes():
                self._put(message.reading, self._start_decoding(message, self._chunk, payload))
            case NoMoreChunks(reading):
                with self._changed:
                    self._complete = self._complete or reading == self._reading
                    self._changed.notify_all()
            case VersionPage() | VersionImage():
                self.others.take_in(message, payload)
            case Setup():
                pass

    def _put(self, reading: int, coming: _Begun | _Coming) -> None:
        """Waits while enough is decoded ahead; what belongs to an ended reading is dropped."""
        with self._changed:
            while reading == self._reading and self._is_full():
                self._changed.wait()
            if reading == self._reading:
                self._waiting.append(coming)
                self._ahead += coming.size
                self._changed.notify_all()

    def _is_full(self) -> bool:
        # A page of another version comes behind what is in the pipe already.
        is_enough = self._ahead >= _AHEAD_BYTES or len(self._waiting) >= _AHEAD_ITEMS
        return is_enough and not self.others.are_awaited

    def _start_decoding(self, message: AssetComes, chunk: int, payload: bytes) -> _Coming:
        annotations = tuple(self._annotations.get(message.id, ()))
        asset = Asset(message.id, message.path, message.width, message.height, tuple(message.tags), annotations)
        if message.unreadable or not payload:
            return _Coming(asset, chunk, None, message.unreadable, 0)
        decoded = self._pool.submit(decode, payload, width=asset.width, height=asset.height)
        return _Coming(asset, chunk, decoded, "", max(len(payload), asset.width * asset.height * _CHANNELS))


def _arrived(coming: _Coming) -> Arrived:
    if coming.decoded is None:
        return Arrived(coming.asset, coming.chunk, None, coming.unreadable)
    try:
        return Arrived(coming.asset, coming.chunk, coming.decoded.result(), "")
    except Undecodable as error:
        return Arrived(coming.asset, coming.chunk, None, error.message)
    except MemoryError:
        return Arrived(coming.asset, coming.chunk, None, "there is not enough memory to decode the image")
