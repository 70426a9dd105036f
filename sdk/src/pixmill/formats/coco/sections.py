"""Where the arrays of a big JSON object lie in its file, in pieces that can be decoded one by one.

The file is mapped, never read as a whole: an array is split between two of its elements every few MiB, and pages that
were read are given back, so memory does not grow with the file. The C decoder says whether a split was right: a piece
that was cut inside an element or a string does not decode.
"""

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from pixmill.errors import FormatError

WINDOW_BYTES = 4 << 20
_MAX_VALUE_BYTES = 256 << 20
"""One element or one small value that is larger than this is not COCO."""

_SPACE = re.compile(rb"[ \t\r\n]*")
_KEY = re.compile(rb'"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*')
_BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
# As long as what they stand for: good enough to find where a value ends, whatever it says.
_NOT_JSON = ((b"-Infinity", b"-10000000"), (b"Infinity", b"10000000"), (b"NaN", b"100"))

_elements = msgspec.json.Decoder(list[msgspec.Raw])
_anything = msgspec.json.Decoder(msgspec.Raw)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole elements of an array: bytes `start` to `end` of the file, without the array's brackets."""

    start: int
    end: int
    count: int


@dataclass(slots=True)
class JsonFile:
    """A JSON object on disk and where its top-level values lie."""

    name: str
    mapped: mmap.mmap
    arrays: dict[str, list[Piece]]
    values: dict[str, tuple[int, int]]
    """Top-level values that are no arrays of objects: bytes from, to."""

    @classmethod
    def open(cls, path: Path, name: str) -> Self:
        """Find every top-level value; raises `FormatError` where the file is not one JSON object."""
        try:
            if path.stat().st_size == 0:
                raise FormatError(f"'{name}' is empty.", hint="Copy it again.")
            with path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise FormatError(f"'{name}' cannot be read: {error.strerror}.", hint="Check its rights.") from error
        found = cls(name, mapped, {}, {})
        try:
            found._index()
        except FormatError:
            mapped.close()
            raise
        except RecursionError as error:
            mapped.close()
            raise FormatError(f"'{name}' is nested too deeply to be COCO.", hint="Write it again.") from error
        return found

    def pieces(self, key: str) -> Iterator[tuple[Piece, bytes]]:
        """The pieces of an array, each as the text of a JSON array of its own."""
        for piece in self.arrays.get(key, ()):
            yield piece, self._copied(piece.start, piece.end, b"]")
            self._give_back(piece.start, piece.end)

    def count(self, key: str) -> int:
        """How many elements an array has; 0 where it is missing."""
        return sum(piece.count for piece in self.arrays.get(key, ()))

    def close(self) -> None:
        self.mapped.close()

    def _index(self) -> None:
        at = self._after_space(3 if self.mapped[:3] == b"\xef\xbb\xbf" else 0)
        if self.mapped[at : at + 1] != b"{":
            raise self._broken(at, "it does not begin with '{'")
        at = self._after_space(at + 1)
        while self.mapped[at : at + 1] != b"}":
            key = _KEY.match(self.mapped, at)
            if key is None:
                raise self._broken(at, "a key is expected")
            at = self._after_space(self._value(key.group(1).decode("utf-8", "replace"), key.end()))
            if self.mapped[at : at + 1] == b",":
                at = self._after_space(at + 1)
            elif self.mapped[at : at + 1] != b"}":
                raise self._broken(at, "a comma or '}' is expected")
        if self._after_space(at + 1) != len(self.mapped):
            raise self._broken(at + 1, "something follows its end")

    def _value(self, key: str, at: int) -> int:
        """Note where the value lies and return where it ends."""
        if self.mapped[at : at + 1] == b"[":
            first = self._after_space(at + 1)
            if self.mapped[first : first + 1] == b"]":
                self.arrays[key] = []
                return first + 1
            if self.mapped[first : first + 1] == b"{":
                self.arrays[key] = []
                return self._array(self.arrays[key], first)
        end = self._small_value(at)
        self.values[key] = (at, end)
        return end

    def _array(self, pieces: list[Piece], at: int) -> int:
        """Split the array whose first element begins at `at`; returns where the array ends, after its bracket."""
        size = WINDOW_BYTES
        while True:
            window = self._copied(at, at + size)
            split = _split(window)
            if split is not None:
                pieces.append(Piece(at, at + split.length, split.count))
                self._give_back(at, at + split.length)
                if split.is_last:
                    return self._after_space(at + split.length) + 1
                at, size = at + split.next_at, WINDOW_BYTES
            elif at + size >= len(self.mapped) or size > _MAX_VALUE_BYTES:
                raise self._broken(at, "an element is broken, or the file is cut off")
            else:
                size *= 4

    def _small_value(self, at: int) -> int:
        size = 1 << 16
        while True:
            window = self.mapped[at : at + size]
            end = _end_of_value(window)
            if end is not None:
                return at + end
            if at + size >= len(self.mapped) or size > _MAX_VALUE_BYTES:
                raise self._broken(at, "a value is broken, or the file is cut off")
            size *= 4

    def _copied(self, start: int, end: int, closing: bytes = b"") -> bytes:
        """A part of an array with an opening bracket before it; copied once."""
        with memoryview(self.mapped) as whole, whole[start:end] as part:
            return b"".join((b"[", part, closing))

    def _after_space(self, at: int) -> int:
        match = _SPACE.match(self.mapped, at)
        return match.end() if match else at

    def _give_back(self, start: int, end: int) -> None:
        """Pages that were read leave this process's memory; the file cache may keep them."""
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        length = end // mmap.PAGESIZE * mmap.PAGESIZE - first
        if length > 0:
            self.mapped.madvise(mmap.MADV_DONTNEED, first, length)

    def _broken(self, at: int, why: str) -> FormatError:
        return FormatError(f"'{self.name}' is not a JSON object: {why} at byte {at}.", hint="Write or copy it again.")


@dataclass(frozen=True, slots=True)
class _Split:
    """Where a window of an array, which begins with a bracket of ours, is cut; offsets without that bracket."""

    length: int
    """Bytes of whole elements."""
    count: int
    next_at: int
    """Where the next element begins."""
    is_last: bool = False
    """The array ends here."""


def _split(window: bytes) -> _Split | None:
    """The last place between two elements, or the array's end; None where the window has neither."""
    end = len(window)
    while (end := window.rfind(b"}", 0, end)) >= 0:
        between = _BETWEEN.match(window, end)
        if between is None:
            continue
        with memoryview(window) as whole, whole[: end + 1] as part:
            text = b"".join((part, b"]"))
        try:
            return _Split(end, _count(text), between.end() - 1)
        except msgspec.DecodeError as error:
            if _TRAILING.search(str(error)):
                break
    complete = _end_of_value(window)
    if complete is None:
        return None
    try:
        count = _count(window[:complete])
    except msgspec.DecodeError:
        return None
    length = len(window[1 : complete - 1].rstrip())
    return _Split(length, count, length, is_last=True)


def _count(text: bytes) -> int:
    """How many elements an array has; raises `msgspec.DecodeError` where it is broken."""
    try:
        return len(_elements.decode(text))
    except msgspec.DecodeError:
        # Asked last: a look for three words costs as much as the decoding.
        return len(_elements.decode(as_json(text)))


def _end_of_value(window: bytes) -> int | None:
    """Where the value that the window begins with ends; None where the window ends first (or it is broken)."""
    text = as_json(window)
    try:
        _anything.decode(text)
    except msgspec.DecodeError as error:
        trailing = _TRAILING.search(str(error))
        # The decoder counts the first character that is too many from 1.
        return len(text[: int(trailing.group(1)) - 1].rstrip()) if trailing else None
    return len(window)


def as_json(text: bytes) -> bytes:
    """The text with the numbers that JSON does not have (but Python writes) in place of others, at equal length."""
    for word, stand_in in _NOT_JSON:
        if word in text:
            text = text.replace(word, stand_in)
    return text
