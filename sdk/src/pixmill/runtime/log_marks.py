"""Marks that a child writes into its log where something begins that it will speak of; taken out as the log is read.

Only so the place is exact: others write into the same pipe, and only whoever reads it sees in which order.
"""

import os
import select
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_EDGE: Final = b"\x1e"
"""Begins and ends a mark; between them the Run's own word, a colon and a number."""
_MAX_DIGITS: Final = 12
_REMEMBERED: Final = 1024
_AT_ONCE_BYTES: Final = select.PIPE_BUF
"""So much comes out of a pipe as it was written, whoever else writes."""


def write_marked(descriptor: int, word: str, number: int, text: bytes) -> None:
    """Write a text with its mark before it, and nothing of anybody else's between."""
    mark = _EDGE + f"{word}:{number}".encode() + _EDGE
    first = _AT_ONCE_BYTES - len(mark)
    _write_all(descriptor, mark + text[:first])
    _write_all(descriptor, text[first:])


@dataclass(slots=True)
class LogMarks:
    """Takes the marks out of one log, however its bytes were cut on their way."""

    word: str
    """Of this Run; what else looks like a mark is the child's own, and stays."""
    _places: "OrderedDict[int, int]" = field(default_factory=OrderedDict)
    """Offsets by number, the newest alone: they are asked for as soon as they are there."""
    held: bytes = b""
    """The end of what came, where it may be the beginning of a mark."""

    def feed(self, piece: bytes) -> Iterator[bytes | int]:
        """What is of the log, and the numbers of marks, each where it stands."""
        if not self.held and _EDGE not in piece:
            yield piece
            return
        rest, self.held = self.held + piece, b""
        begin = _EDGE + f"{self.word}:".encode()
        while (at := rest.find(_EDGE)) >= 0:
            end = rest.find(_EDGE, at + len(begin), at + len(begin) + _MAX_DIGITS + 1)
            number = rest[at + len(begin) : end]
            if rest.startswith(begin, at) and end >= 0 and number.isdigit():
                if at:
                    yield rest[:at]
                yield int(number)
                rest = rest[end + 1 :]
            elif _may_begin(rest[at:], begin):
                self.held = rest[at:]
                rest = rest[:at]
            else:
                yield rest[: at + 1]
                rest = rest[at + 1 :]
        if rest:
            yield rest

    def finish(self) -> bytes:
        """The rest: nothing comes any more."""
        rest, self.held = self.held, b""
        return rest

    def remember(self, number: int, offset: int) -> None:
        self._places[number] = offset
        if len(self._places) > _REMEMBERED:
            self._places.popitem(last=False)

    def take(self, number: int) -> int | None:
        """The offset that was remembered, once; None: there was no such mark."""
        return self._places.pop(number, None)


def _may_begin(rest: bytes, begin: bytes) -> bool:
    """Whether what ends here may be the beginning of a mark."""
    digits = rest[len(begin) :]
    return begin.startswith(rest[: len(begin)]) and len(digits) <= _MAX_DIGITS and (not digits or digits.isdigit())


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
