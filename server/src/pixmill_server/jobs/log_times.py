"""When a log reached which length: a file of pairs (offset, milliseconds since 1970) beside each segment, two a second.

The log itself holds what the child wrote and nothing else; who wants to know when a line came looks here.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

TIMES = ".times"
"""What is added to a segment's name."""
LEAST_APART = timedelta(seconds=0.5)
_PAIR = struct.Struct("<qq")
_BEGIN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LogTime:
    """The bytes from `offset` on came at this time, or up to `LEAST_APART` after it."""

    offset: int
    at: datetime


def note_time(segment: Path, time: LogTime) -> None:
    """Add a pair to the file beside a segment, unless the last one is as good."""
    with segment.with_name(segment.name + TIMES).open("ab+") as file:
        if size := file.tell():
            file.seek(size - size % _PAIR.size - _PAIR.size)
            _, milliseconds = _PAIR.unpack(file.read(_PAIR.size))
            if timedelta() <= time.at - _time(milliseconds) < LEAST_APART:
                return
        # Torn by a crash: the rest of a pair would shift all that follow.
        file.truncate(size - size % _PAIR.size)
        file.write(_PAIR.pack(time.offset, (time.at - _BEGIN) // timedelta(milliseconds=1)))


def read_times(kept: Path | bytes) -> list[LogTime]:
    """All of a file, or of its bytes; nothing where there is none."""
    try:
        pairs = kept if isinstance(kept, bytes) else kept.read_bytes()
    except FileNotFoundError:
        return []
    whole = pairs[: len(pairs) - len(pairs) % _PAIR.size]
    return [LogTime(offset, _time(milliseconds)) for offset, milliseconds in _PAIR.iter_unpack(whole)]


def _time(milliseconds: int) -> datetime:
    return _BEGIN + timedelta(milliseconds=milliseconds)
