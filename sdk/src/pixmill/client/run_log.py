"""The log of one Run: what is there, and what comes."""

import base64
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pixmill.client.connection import Connection
from pixmill.errors import ServerUnreachable
from pixmill.wire.jobs import LogEnd, LogEvent, LogOmitted, LogPiece, LogRange, LogTime, LogTimes

_SILENCE_SECONDS: Final = 60.0
_RECONNECTS: Final = 20
_RECONNECT_SECONDS: Final = 1.0
_PIECE_BYTES: Final = 1 << 20
_PARTIAL: Final = 206
_CONTENT_RANGE: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class LogBytes:
    """What the child wrote from `offset` on."""

    offset: int
    written: bytes


@dataclass(frozen=True, slots=True)
class RunLog:
    """A Run's log on its server."""

    connection: Connection
    job_id: str
    number: int

    def read(self, offset: int) -> Iterator[bytes]:
        """From a byte on, as far as it is written; where bytes were not kept, a line says so."""
        if not offset:
            with self.connection.stream(self._path) as answer:
                yield from answer.iter_bytes(_PIECE_BYTES)
            return
        for part in self._range(offset, None):
            if isinstance(part, LogOmitted):
                size = part.end - part.offset
                line = f"\n[pixmill: Bytes {part.offset} to {part.end} of the log ({size} bytes) were not kept.]\n"
                yield line.encode()
            else:
                yield part.written

    def times(self) -> Iterator[LogTime]:
        """By offset, ascending."""
        after = -1
        while True:
            found = self.connection.ask("GET", f"{self._path}/times", LogTimes, parameters={"after": after}).items
            fresh = [time for time in found if time.offset > after]
            if not fresh:
                return
            yield from fresh
            after = fresh[-1].offset

    def follow(self, offset: int) -> Iterator[LogBytes | LogOmitted | LogEvent | LogEnd]:
        """As it comes, to its end; goes on where it was after the server was away for a while."""
        told, failures = set[str](), 0
        while True:
            try:
                for message in self._messages(offset):
                    failures = 0
                    match message:
                        case LogBytes():
                            offset = message.offset + len(message.written)
                        case LogOmitted():
                            offset = message.end
                        case LogEvent() if message.id in told:
                            continue
                        case LogEvent():
                            told.add(message.id)
                    yield message
                    if isinstance(message, LogEnd):
                        return
            except ServerUnreachable:
                if failures >= _RECONNECTS:
                    raise
            # The server ended the stream before the Run: it is going down, and will be back.
            failures += 1
            time.sleep(_RECONNECT_SECONDS)

    @property
    def _path(self) -> str:
        return f"/jobs/{self.job_id}/runs/{self.number}/log"

    def _messages(self, offset: int) -> Iterator[LogBytes | LogOmitted | LogEvent | LogEnd]:
        with self.connection.stream(
            f"{self._path}/stream",
            parameters={"ranges": True},
            headers={"Last-Event-ID": str(offset)},
            read_timeout_seconds=_SILENCE_SECONDS,
        ) as answer:
            kind, data = "", ""
            for line in answer.iter_lines():
                name, _, value = line.partition(":")
                if name == "event":
                    kind = value.strip()
                elif name == "data":
                    data = value.strip()
                elif not line:
                    if data and kind == "range":
                        span = LogRange.model_validate_json(data)
                        yield from self._range(span.offset, span.end)
                    elif data:
                        yield _message(kind, data)
                    kind, data = "", ""

    def _range(self, offset: int, end: int | None) -> Iterator[LogBytes | LogOmitted]:
        """What is stored from `offset` up to `end` (None: to the last byte), as it is, without JSON and base64."""
        while end is None or offset < end:
            last = "" if end is None else str(end - 1)
            with self.connection.stream(self._path, headers={"Range": f"bytes={offset}-{last}"}) as answer:
                span = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
                if answer.status_code != _PARTIAL or span is None:
                    return
                start, length = int(span[1]), int(span[3])
                if start > offset:
                    yield LogOmitted(offset=offset, end=start)
                    offset = start
                for piece in answer.iter_bytes(_PIECE_BYTES):
                    yield LogBytes(offset, piece)
                    offset += len(piece)
            end = length if end is None else end


def _message(kind: str, data: str) -> LogBytes | LogOmitted | LogEvent | LogEnd:
    match kind:
        case "event":
            return LogEvent.model_validate_json(data)
        case "end":
            return LogEnd.model_validate_json(data)
        case "omitted":
            return LogOmitted.model_validate_json(data)
        case _:
            piece = LogPiece.model_validate(json.loads(data))
            return LogBytes(piece.offset, base64.b64decode(piece.bytes))
