"""What the child writes, byte for byte: read from its one pipe, and pushed on at its offset at once.

While a push is under way the next bytes gather; when too many wait, the child has to wait too.
"""

import array
import fcntl
import os
import select
import termios
from collections.abc import Sequence
from threading import Condition
from typing import Final

from pixmill.runtime.plan import RunEvent
from pixmill.runtime.server import RunServer, ServerRefused

_LOOK_MILLISECONDS: Final = 500
_READ_BYTES: Final = 256 << 10
_PUSH_BYTES: Final = 1 << 20
_WAITING_BYTES: Final = 8 << 20


class LogPump:
    """Run `read` and `push` in a thread each; both end when the pipe has ended and all is pushed."""

    def __init__(self, descriptor: int, server: RunServer) -> None:
        self._descriptor = descriptor
        self._server = server
        self._changed = Condition()
        self._waiting = bytearray()
        """From `_pushed` on."""
        self._pushed = 0
        self._events: list[RunEvent] = []
        self._ended = False

    def position(self) -> int:
        """How many bytes the child had written when this was asked, read or not."""
        with self._changed:
            unread = array.array("i", [0])
            if not self._ended:
                fcntl.ioctl(self._descriptor, termios.FIONREAD, unread)
            return self._pushed + len(self._waiting) + unread[0]

    def add_event(self, event: RunEvent) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def read(self) -> None:
        readable = select.poll()
        readable.register(self._descriptor, select.POLLIN)
        while True:
            with self._changed:
                while len(self._waiting) >= _WAITING_BYTES and not self._ended:
                    self._changed.wait()
            while not readable.poll(_LOOK_MILLISECONDS) and not self._ended:
                pass
            # Bytes leave the pipe and are counted under one lock, so that `position` misses none.
            with self._changed:
                if self._ended:
                    return
                data = os.read(self._descriptor, _READ_BYTES)
                if not data:
                    self._ended = True
                    os.close(self._descriptor)
                self._waiting += data
                self._changed.notify_all()
            if not data:
                return

    def push(self) -> None:
        while (work := self._next()) is not None:
            data, events = work
            if data:
                self._advance(self._server.append_log(self._pushed, data))
            if events:
                self._server.add_events(events)

    def end(self) -> None:
        """Read no more, push what is there, and let `push` return; for when somebody keeps the pipe open."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _next(self) -> tuple[bytes, Sequence[RunEvent]] | None:
        with self._changed:
            while not self._waiting and not self._events and not self._ended:
                self._changed.wait()
            events, self._events = self._events, []
            data = bytes(self._waiting[:_PUSH_BYTES])
            return (data, events) if data or events else None

    def _advance(self, reached: int) -> None:
        with self._changed:
            if not self._pushed <= reached <= self._pushed + len(self._waiting):
                raise ServerRefused(f"The server has the log up to byte {reached}, we are at {self._pushed}.")
            del self._waiting[: reached - self._pushed]
            self._pushed = reached
            self._changed.notify_all()
