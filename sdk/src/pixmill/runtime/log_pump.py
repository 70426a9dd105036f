"""What the child writes, byte for byte but for secrets: read from its one pipe, and pushed on at its offset at once.

While a push is under way the next bytes gather, so that pushes grow with the load; when too many wait, the child has to
wait too. Offsets are those of the stored stream, in which a secret is replaced by its mask.
"""

import array
import fcntl
import os
import secrets
import select
import termios
import time
from collections import deque
from collections.abc import Sequence
from threading import Condition
from typing import Final

from pixmill.runtime.log_marks import LogMarks
from pixmill.runtime.masking import MaskedStream, Masker
from pixmill.runtime.plan import RunEvent
from pixmill.runtime.server import RunServer, ServerRefused

_LOOK_MILLISECONDS: Final = 500
_READ_BYTES: Final = 1 << 20
_PUSH_BYTES: Final = 4 << 20
_WAITING_BYTES: Final = 16 << 20
_PAUSE_SECONDS: Final = 0.004
"""Under load: a reader that is woken for every line takes the child's time. A pipe holds what comes meanwhile."""
_BUSY_SECONDS: Final = 0.02
_LITTLE_BYTES: Final = 512 << 10
_PUSH_SECONDS: Final = 0.05
"""So far apart pushes begin while less than a whole one waits: each costs the server as much as many bytes do."""


class LogPump:
    """Run `read` and `push` in a thread each; both end when the pipe has ended and all is pushed."""

    def __init__(self, descriptor: int, server: RunServer, masker: Masker) -> None:
        # Whoever reads holds the lock: it must never wait for a child that is quiet.
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._server = server
        self.marks = LogMarks(secrets.token_hex(8))
        self._masked = MaskedStream(masker)
        self._changed = Condition()
        self._waiting: deque[bytes] = deque()
        """From `_pushed` on."""
        self._pushed = 0
        self._reached = 0
        """Bytes pushed and waiting, together."""
        self._events: list[RunEvent] = []
        self._ended = False
        self._next_push = 0.0

    def position(self) -> int:
        """How long the log is at least once all is stored that the child had written when this was asked."""
        with self._changed:
            if not self._ended and (unread := self._unread()):
                self._take(unread)
            return self._reached + len(self._masked.held) + len(self.marks.held)

    def place_of(self, mark: int) -> int | None:
        """The offset of what comes after a mark that the child has written; None where it went elsewhere."""
        with self._changed:
            if not self._ended and (unread := self._unread()):
                self._take(unread)
            return self.marks.take(mark)

    def lag_bytes(self) -> int:
        """How many bytes the child has written that are not stored yet."""
        with self._changed:
            unread = 0 if self._ended else self._unread()
            return self._reached - self._pushed + len(self._masked.held) + len(self.marks.held) + unread

    def add_event(self, event: RunEvent) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def read(self) -> None:
        readable = select.poll()
        readable.register(self._descriptor, select.POLLIN)
        last_read = 0.0
        while True:
            with self._changed:
                while self._reached - self._pushed >= _WAITING_BYTES and not self._ended:
                    self._changed.wait()
            while not readable.poll(_LOOK_MILLISECONDS) and not self._ended:
                pass
            # Bytes leave the pipe and are counted under one lock, so that `position` misses none.
            with self._changed:
                taken = 0 if self._ended else self._take(_READ_BYTES)
                if taken is None:
                    continue
                if not taken:
                    self._end_reading()
                    return
            now = time.monotonic()
            if taken < _LITTLE_BYTES and now - last_read < _BUSY_SECONDS:
                time.sleep(_PAUSE_SECONDS)
            last_read = time.monotonic()

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
            self._finish()

    def _unread(self) -> int:
        unread = array.array("i", [0])
        fcntl.ioctl(self._descriptor, termios.FIONREAD, unread)
        return unread[0]

    def _take(self, most: int) -> int | None:
        """Read what is in the pipe, and say how much that was; 0 at its end, None where another took it before."""
        try:
            data = os.read(self._descriptor, most)
        except BlockingIOError:
            return None
        for piece in self.marks.feed(data) if data else ():
            if isinstance(piece, bytes):
                self._keep(self._masked.feed(piece))
            else:
                # A secret that goes on behind a mark would be none: what is marked is written at once.
                self._keep(self._masked.finish())
                self.marks.remember(piece, self._reached)
        return len(data)

    def _finish(self) -> None:
        self._keep(self._masked.feed(self.marks.finish()))
        self._keep(self._masked.finish())

    def _keep(self, data: bytes) -> None:
        if data:
            self._waiting.append(data)
            self._reached += len(data)
        self._changed.notify_all()

    def _end_reading(self) -> None:
        if not self._ended:
            self._ended = True
            os.close(self._descriptor)
        self._finish()

    def _next(self) -> tuple[bytes, Sequence[RunEvent]] | None:
        with self._changed:
            while not self._waiting and not self._events and not self._ended:
                self._changed.wait()
            while self._is_little() and (seconds := self._next_push - time.monotonic()) > 0:
                self._changed.wait(seconds)
            self._next_push = time.monotonic() + _PUSH_SECONDS
            events, self._events = self._events, []
            pieces: list[bytes] = []
            size = 0
            for piece in self._waiting:
                if pieces and size + len(piece) > _PUSH_BYTES:
                    break
                pieces.append(piece)
                size += len(piece)
        return (b"".join(pieces), events) if pieces or events else None

    def _is_little(self) -> bool:
        return not self._ended and self._reached - self._pushed < _PUSH_BYTES

    def _advance(self, reached: int) -> None:
        with self._changed:
            if not self._pushed <= reached <= self._reached:
                raise ServerRefused(f"The server has the log up to byte {reached}, we are at {self._pushed}.")
            stored, self._pushed = reached - self._pushed, reached
            while stored:
                piece = self._waiting.popleft()
                if len(piece) > stored:
                    self._waiting.appendleft(piece[stored:])
                stored -= min(stored, len(piece))
            self._changed.notify_all()
