"""Answers the child's wishes for chunks: claims them, one ahead, and sends the assets with their bytes."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final

from pixmill.runtime.frames import FrameWriter
from pixmill.runtime.messages import (
    AssetComes,
    ChunkBegins,
    NoMoreChunks,
    SeenAsset,
    VersionImage,
    VersionPage,
    Want,
    WantVersion,
)
from pixmill.runtime.plan import Chunk, ChunkAsset
from pixmill.runtime.server import AssetUnreadable, RunServer

_FETCHERS: Final = 4
_FETCH_AHEAD: Final = 8


@dataclass(slots=True)
class Feeder:
    """`run` it in a thread; `ask` it, and put None to end it.

    Pages of other versions go before whatever is still to come: the child waits for them, and for nothing else.
    """

    server: RunServer
    writer: FrameWriter
    reads_annotations: bool = False
    """Whether each chunk is sent with its assets' annotations."""
    wishes: "SimpleQueue[Want | WantVersion | None]" = field(default_factory=SimpleQueue)
    claimed: list[Chunk] = field(default_factory=list)
    """Every chunk so far, in the order of the claims."""
    is_exhausted: bool = False
    """Whether the server has no more chunks."""
    _asked: deque[WantVersion] = field(default_factory=deque)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_FETCHERS + 1))
    _next: "Future[Chunk | None] | None" = None

    def run(self) -> None:
        with self._pool, suppress(BrokenPipeError):
            self._next = self._pool.submit(self.server.claim)
            while (wish := self.wishes.get()) is not None:
                self._answer_asked()
                if isinstance(wish, Want):
                    self._fulfil(wish)

    def ask(self, wish: Want | WantVersion) -> None:
        """From any thread."""
        if isinstance(wish, WantVersion):
            self._asked.append(wish)
        # A page may be answered before its turn: then this only wakes who waits.
        self.wishes.put(wish)

    def chunk(self, index: int) -> Chunk | None:
        """The claimed chunk of that index; None: it was never claimed."""
        return next((chunk for chunk in reversed(self.claimed) if chunk.index == index), None)

    def _fulfil(self, wish: Want) -> None:
        chunk = self._at(wish.position)
        if chunk is None:
            self.writer.send(NoMoreChunks(wish.reading))
            return
        annotations = self.server.read_annotations(chunk.index) if self.reads_annotations else b""
        self.writer.send(ChunkBegins(wish.reading, wish.position, chunk.index, len(chunk.assets)), annotations)
        if not wish.images:
            for asset in chunk.assets:
                self.writer.send(_announce(wish.reading, asset, ""))
            return
        for asset, read in self._read_ahead(chunk.assets):
            encoded, reason = _outcome(read)
            self._answer_asked()
            self.writer.send(_announce(wish.reading, asset, reason), encoded)

    def _answer_asked(self) -> None:
        while self._asked:
            wish = self._asked.popleft()
            page = self.server.read_version(wish.parameter, wish.after, wish.limit)
            annotations = self.server.read_version_annotations(wish.parameter, wish.after, wish.limit)
            seen = [SeenAsset(each.id, each.path, each.width, each.height, each.tags) for each in page.assets]
            self.writer.send(VersionPage(wish.number, seen, page.next), annotations)
            for position, (_, read) in enumerate(self._read_ahead(page.assets if wish.images else [])):
                encoded, reason = _outcome(read)
                self.writer.send(VersionImage(wish.number, position, reason), encoded)

    def _at(self, position: int) -> Chunk | None:
        if position < len(self.claimed):
            return self.claimed[position]
        if self.is_exhausted or self._next is None:
            return None
        chunk = self._next.result()
        if chunk is None:
            self.is_exhausted = True
            return None
        self.claimed.append(chunk)
        self._next = self._pool.submit(self.server.claim)
        return chunk

    def _read_ahead(self, assets: list[ChunkAsset]) -> Iterator[tuple[ChunkAsset, "Future[bytes]"]]:
        reading: list[tuple[ChunkAsset, Future[bytes]]] = []
        for asset in assets:
            reading.append((asset, self._pool.submit(self.server.read_asset, asset)))
            if len(reading) >= _FETCH_AHEAD:
                yield reading.pop(0)
        yield from reading


def _outcome(read: "Future[bytes]") -> tuple[bytes, str]:
    """The bytes, or why there are none."""
    try:
        return read.result(), ""
    except AssetUnreadable as error:
        return b"", error.message


def _announce(reading: int, asset: ChunkAsset, unreadable: str) -> AssetComes:
    return AssetComes(reading, asset.id, asset.path, asset.width, asset.height, asset.tags, unreadable)
