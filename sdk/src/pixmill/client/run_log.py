"""The log of one Run: what is there, and what comes."""

import base64
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pixmill.client.connection import Connection
from pixmill.errors import ServerUnreachable
from pixmill.wire.jobs import LogBlock, LogEnd, LogEvent, LogOmitted, LogPiece, LogTime, LogTimes

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
        for part in self._from(offset):
            if isinstance(part, LogOmitted):
                size = part.end - part.offset
                line = f"\n[pixmill: Bytes {part.offset} to {part.end} of the log ({size} bytes) were not kept.]\n"
                yield line.encode()
            else:
                yield part

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
            parameters={"raw": True},
            headers={"Last-Event-ID": str(offset)},
            read_timeout_seconds=_SILENCE_SECONDS,
        ) as answer:
            yield from read_messages(answer.iter_bytes())

    def _from(self, offset: int) -> Iterator[bytes | LogOmitted]:
        """What is stored from `offset` on, up to the last byte of now."""
        length = offset + 1
        while offset < length:
            with self.connection.stream(self._path, headers={"Range": f"bytes={offset}-"}) as answer:
                span = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
                if answer.status_code != _PARTIAL or span is None:
                    return
                start, length = int(span[1]), int(span[3])
                if start > offset:
                    yield LogOmitted(offset=offset, end=start)
                    offset = start
                for piece in answer.iter_bytes(_PIECE_BYTES):
                    yield piece
                    offset += len(piece)


def read_messages(pieces: Iterable[bytes]) -> Iterator[LogBytes | LogOmitted | LogEvent | LogEnd]:
    """What a stream of server-sent events says, however it was cut; the bytes of a block as they come."""
    rest, offset, left = b"", 0, 0
    fields: dict[str, str] = {}
    for piece in pieces:
        rest = rest + piece if rest else piece
        while rest:
            if left:
                written, rest = rest[:left], rest[left:]
                yield LogBytes(offset, written)
                offset, left = offset + len(written), left - len(written)
                continue
            line, newline, after = rest.partition(b"\n")
            if not newline:
                break
            rest = after
            if line.strip():
                name, _, value = line.decode().partition(":")
                fields[name] = value.strip()
            elif "data" in fields:
                kind, data, fields = fields.get("event", ""), fields["data"], {}
                if kind == "block":
                    block = LogBlock.model_validate_json(data)
                    offset, left = block.offset, block.size
                else:
                    yield _message(kind, data)


def _message(kind: str, data: str) -> LogBytes | LogOmitted | LogEvent | LogEnd:
    match kind:
        case "event":
            return LogEvent.model_validate_json(data)
        case "end":
            return LogEnd.model_validate_json(data)
        case "omitted":
            return LogOmitted.model_validate_json(data)
        case _:
            piece = LogPiece.model_validate_json(data)
            return LogBytes(piece.offset, base64.b64decode(piece.bytes))
