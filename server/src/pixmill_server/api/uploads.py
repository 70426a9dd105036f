"""Bytes of a request body, handed on to code that is not asynchronous, piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from pixmill.errors import InvalidInput

T = TypeVar("T")


async def consume(request: Request, use: Callable[[Iterator[bytes]], T], *, highest_bytes: int) -> T:
    """What `use` makes of the body's pieces, on a thread of its own; the body is never whole in memory.

    Raises `InvalidInput`, within `use`, for a body that is larger than allowed or ends too early.
    """
    loop = asyncio.get_running_loop()
    stream = request.stream().__aiter__()

    def pieces() -> Iterator[bytes]:
        received = 0
        while True:
            try:
                piece = asyncio.run_coroutine_threadsafe(_next(stream), loop).result()
            except ClientDisconnect as error:
                raise InvalidInput("The upload ended too early.", hint="Send it again.") from error
            if piece is None:
                return
            received += len(piece)
            if received > highest_bytes:
                raise InvalidInput(f"More than {highest_bytes} bytes were sent.", hint="Send a smaller file.")
            yield piece

    return await run_in_threadpool(use, pieces())


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    return await anext(stream, None)
