"""Marks in a log: taken out wherever it was cut, and the place of each known to the byte."""

import os
from collections.abc import Iterable

import pytest

from pixmill.runtime.log_marks import LogMarks, write_marked

WORD = "0123456789abcdef"


def read(pieces: Iterable[bytes]) -> tuple[bytes, dict[int, int]]:
    """The log, and the offset of each mark."""
    marks, log, places = LogMarks(WORD), b"", {}
    for piece in filter(None, pieces):
        for part in marks.feed(piece):
            if isinstance(part, int):
                places[part] = len(log)
            else:
                assert part
                log += part
    return log + marks.finish(), places


def test_a_log_that_is_cut_anywhere_loses_its_marks_and_nothing_else() -> None:
    written = b"before\n\x1e%b:7\x1e0006.jpg:\nTrace\x1e%b:18\x1e!" % (WORD.encode(), WORD.encode())
    for first in range(len(written)):
        for second in range(first, len(written)):
            pieces = [written[:first], written[first:second], written[second:]]
            assert read(pieces) == (b"before\n0006.jpg:\nTrace!", {7: 7, 18: 22})


@pytest.mark.parametrize(
    "own",
    [
        b"\x1e",
        b"\x1e\x1e\x1e",
        b"\x1eff00:7\x1e",
        b"\x1e%b" % WORD.encode(),
        b"\x1e%b:\x1e" % WORD.encode(),
        b"\x1e%b:x\x1e" % WORD.encode(),
        b"\x1e%b:1234567890123\x1e" % WORD.encode(),
    ],
)
def test_what_only_looks_like_a_mark_stays_as_it_is(own: bytes) -> None:
    for cut in range(len(own)):
        assert read([own[:cut], own[cut:]]) == (own, {})
    assert read([own, b"\x1e%b:1\x1eend" % WORD.encode()]) == (own + b"end", {1: len(own)})


def test_a_long_text_comes_whole_behind_its_mark() -> None:
    reading, writing = os.pipe()
    text = bytes(range(65, 90)) * 1000
    write_marked(writing, WORD, 3, text)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert read([pipe.read()]) == (text, {3: 0})
