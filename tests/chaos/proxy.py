"""A proxy in front of the server that drops, delays and truncates what goes through it."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PIECE = 65536
DELAY_SECONDS = 0.3


@dataclass(slots=True)
class Proxy:
    """Each connection gets one kind of weather, chosen by the seed."""

    target: int
    chance: random.Random
    port: int = 0
    weather: Counter[str] = field(default_factory=Counter)

    async def serve(self, started: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        async with server:
            await stop.wait()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kinds = ("fine", "refused", "delayed", "answer lost", "answer cut")
        kind = self.chance.choices(kinds, (5, 1, 2, 1, 1))[0]
        self.weather[kind] += 1
        if kind == "refused":
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        if kind == "delayed":
            await asyncio.sleep(DELAY_SECONDS)
        there = asyncio.create_task(_pump(reader, there_writer))
        most = {"answer lost": 0, "answer cut": self.chance.randint(1, 400)}.get(kind)
        await _pump(there_reader, writer, most=most)
        there.cancel()
        writer.transport.abort()
        there_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, most: int | None = None) -> None:
    """Until the end, or until `most` bytes went through."""
    left = most
    try:
        while piece := await reader.read(PIECE):
            if left is not None:
                writer.write(piece[:left])
                left -= len(piece)
                if left <= 0:
                    await writer.drain()
                    return
            else:
                writer.write(piece)
            await writer.drain()
    except ConnectionError:
        return


@contextmanager
def bad_weather(target: int, *, seed: int) -> Iterator[Proxy]:
    """A proxy in front of the port `target`, in a thread of its own."""
    proxy = Proxy(target, random.Random(seed))
    loop, started, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(proxy.serve(started, stop)), daemon=True)
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
