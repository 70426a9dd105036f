"""Takes secrets out of what a Run says, before it leaves the supervisor: in its log as it streams, and in its texts.

A secret is found as it is, URL-encoded, in base64 (also in the midst of something longer) and escaped as in JSON or in
Python's `repr`. What is found is replaced by `MASK`; how the bytes were cut on their way changes nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pixmill.parameters.secrets import MASK, forms_of

_MASK = MASK.encode()


class Masker:
    """All secrets of one Run, by name; safe from any thread, as it keeps nothing between two calls."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        # The longest first, so that a secret which another one begins with does not leave the rest of it.
        self.forms = sorted({form for value in secrets.values() for form in forms_of(value)}, key=len, reverse=True)
        self.pattern = re.compile(b"|".join(map(re.escape, self.forms))) if self.forms else None

    def mask(self, written: bytes) -> bytes:
        """All of it at once."""
        return self.pattern.sub(_MASK, written) if self.pattern is not None and self.is_in(written) else written

    def is_in(self, written: bytes) -> bool:
        """Whether there is anything to mask: ten times as fast as to look where."""
        return any(form in written for form in self.forms)

    def text(self, text: str) -> str:
        """The same of a text; what is no valid text stays as it was."""
        if self.pattern is None:
            return text
        return self.mask(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    def value(self, value: Any) -> Any:
        """The same of all texts in a JSON value, keys included."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.value(key): self.value(each) for key, each in value.items()}
            case list() | tuple():
                return [self.value(each) for each in value]
        return value


@dataclass(slots=True)
class MaskedStream:
    """Bytes that come in pieces: what `feed` and `finish` give is `mask` of all of them together."""

    masker: Masker
    held: bytes = field(default=b"")
    """The end of what came, where it may be the beginning of a secret."""

    def feed(self, piece: bytes) -> bytes:
        """What can be said for certain so far; all but what may be the beginning of a secret."""
        pattern = self.masker.pattern
        if pattern is None:
            return piece
        buffer = self.held + piece
        told, done, hold = [], 0, self._first_beginning(buffer, 0)
        for found in pattern.finditer(buffer) if self.masker.is_in(buffer) else ():
            if found.start() >= hold:
                break
            told += [buffer[done : found.start()], _MASK]
            done = found.end()
            if done > hold:
                hold = self._first_beginning(buffer, done)
        self.held = buffer[hold:]
        return b"".join([*told, buffer[done:hold]])

    def finish(self) -> bytes:
        """The rest: nothing comes any more."""
        rest, self.held = self.masker.mask(self.held), b""
        return rest

    def _first_beginning(self, buffer: bytes, start: int) -> int:
        """Where, from `start` on, the rest of the buffer is the beginning of a form and no whole one; or its length."""
        return min(_beginnings(buffer, start, self.masker.forms), default=len(buffer))


def _beginnings(buffer: bytes, start: int, forms: Iterable[bytes]) -> Iterable[int]:
    for form in forms:
        at = max(start, len(buffer) - len(form) + 1)
        while (at := buffer.find(form[:1], at)) >= 0:
            if form.startswith(buffer[at:]):
                yield at
                break
            at += 1
