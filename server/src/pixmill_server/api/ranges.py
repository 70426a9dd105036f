"""Byte ranges of a request (RFC 9110, section 14): one range; several, or nonsense, mean the whole."""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From `start` up to, not including, `end`."""

    start: int
    end: int
    is_partial: bool

    @property
    def length(self) -> int:
        """In bytes."""
        return self.end - self.start


def range_of(header: str | None, size: int) -> ByteRange:
    """What a `Range` header asks of `size` bytes."""
    whole = ByteRange(0, size, is_partial=False)
    match = _ONE_RANGE.fullmatch(header or "")
    if match is None or match.groups() == ("", ""):
        return whole
    first, last = match.groups()
    if not first:
        return ByteRange(max(0, size - int(last)), size, is_partial=True)
    start, end = int(first), min(size, int(last) + 1) if last else size
    return ByteRange(start, end, is_partial=True) if start < end else whole
