"""Bytes of a request body, handed on to code that is not asynchronous, piece by piece."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from pixmill.errors import InvalidInput

T = TypeVar("T")
BODY_ALLOWANCE = "pixmill.body_allowance"
"""Where a request's scope holds its `Allowance`."""


@dataclass(slots=True)
class Allowance:
    """How many bytes of a body are taken, and how many came so far."""

    highest: float
    received: int = 0


def allow_body(request: Request, highest_bytes: float) -> None:
    """Take that much of the body. Only for who is authenticated already."""
    allowance = request.scope.get(BODY_ALLOWANCE)
    if isinstance(allowance, Allowance):
        allowance.highest = highest_bytes


async def consume(request: Request, use: Callable[[Iterator[bytes]], T], *, highest_bytes: int) -> T:
    """What `use` makes of the body's pieces, on a thread of its own; the body is never whole in memory.

    Only for who is authenticated already: it takes more than others may send.
    Raises `InvalidInput`, within `use`, for a body that is larger than allowed or ends too early.
    """
    # Counted below, where `use` is told of it.
    allow_body(request, math.inf)
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
