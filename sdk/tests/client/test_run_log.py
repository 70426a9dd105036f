"""The stream of a Run's log, as the client reads it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pixmill.client.run_log import LogBytes, read_messages
from pixmill.wire.jobs import LogEnd, LogOmitted

BLOCK = b"event: end\r\n\r\n: ping\n\n\x00"
SAID = (
    b": ping - 2026\r\n\r\n"
    b'event: block\r\ndata: {"offset":3,"size":%d}\r\n\r\n' % len(BLOCK) + BLOCK + b"event: omitted\r\n"
    b'data: {"offset":26,"end":40}\r\nid: 40\r\n\r\n'
    b": ping - 2026\r\n\r\n"
    b'data: {"offset":40,"bytes":"dHdvCg=="}\r\nid: 44\r\n\r\n'
    b'event: block\r\ndata: {"offset":44,"size":2}\r\n\r\n\r\n'
    b'event: end\r\ndata: {"status":"failed","outcome":"It failed"}\r\n\r\n'
)


@given(cuts=st.lists(st.integers(0, len(SAID)), max_size=20).map(sorted))
def test_a_stream_says_the_same_however_it_was_cut(cuts: list[int]) -> None:
    edges = [0, *cuts, len(SAID)]
    heard = list(read_messages(SAID[start:end] for start, end in pairwise(edges)))
    written = [each for each in heard if isinstance(each, LogBytes)]
    at = {each.offset + index: byte for each in written for index, byte in enumerate(each.written)}
    assert bytes(at.values()) == BLOCK + b"two\n\r\n"
    assert list(at) == [*range(3, 26), *range(40, 46)]
    assert [each for each in heard if not isinstance(each, LogBytes)] == [
        LogOmitted(offset=26, end=40),
        LogEnd(status="failed", outcome="It failed"),
    ]
