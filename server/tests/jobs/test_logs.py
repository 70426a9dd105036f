"""Logs: byte for byte, by offset."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixmill_server.jobs.errors import LogGap
from pixmill_server.jobs.events import events_of
from pixmill_server.jobs.log_limit import LogLimit, Omitted
from pixmill_server.jobs.logs import Logs
from pixmill_server.storage.objects import open_objects
from server.tests.jobs.conftest import Bench


@dataclass(frozen=True)
class Clock:
    """The bench's, set by hand."""

    bench: Bench

    def now(self) -> datetime:
        return self.bench.now


@pytest.fixture
def logs(bench: Bench, tmp_path: Path) -> Logs:
    objects = open_objects(str(tmp_path / "objects"))
    return Logs(bench.database, objects, tmp_path / "open", clock=Clock(bench), limit=LogLimit(1000), segment_bytes=10)


def everything(logs: Logs, run_id: str) -> bytes:
    return b"".join(logs.stream(run_id, 0, logs.length(run_id)))


def test_a_log_is_empty_until_something_is_written(bench: Bench, logs: Logs) -> None:
    run_id = bench.launch().id
    assert (logs.length(run_id), logs.read(run_id, 0)) == (0, b"")


def test_carriage_returns_zeros_and_broken_utf_8_are_kept(bench: Bench, logs: Logs) -> None:
    run_id, written = bench.launch().id, b"10%\r20%\r\n\x00\xff\xfe \x1b[31mred"
    logs.append(run_id, 0, written)
    assert everything(logs, run_id) == written


def test_bytes_that_are_known_are_passed_over(bench: Bench, logs: Logs) -> None:
    run_id = bench.launch().id
    assert logs.append(run_id, 0, b"hello") == 5
    assert logs.append(run_id, 0, b"hello") == 5
    assert logs.append(run_id, 2, b"llo you") == 9
    assert everything(logs, run_id) == b"hello you"


def test_a_gap_is_refused_with_the_offset_that_is_expected(bench: Bench, logs: Logs) -> None:
    run_id = bench.launch().id
    logs.append(run_id, 0, b"hello")
    with pytest.raises(LogGap) as refused:
        logs.append(run_id, 6, b"you")
    assert refused.value.expected == 5
    assert everything(logs, run_id) == b"hello"


def test_a_sealed_log_reads_as_before_and_leaves_no_open_segment(bench: Bench, logs: Logs) -> None:
    run_id = bench.launch().id
    logs.append(run_id, 0, b"0123456789abc")
    logs.append(run_id, 13, b"defg")
    assert logs.unsealed() == [run_id]
    logs.seal(run_id)
    logs.seal(run_id)
    assert logs.unsealed() == []
    assert list(logs.folder.iterdir()) == []
    assert everything(logs, run_id) == b"0123456789abcdefg"
    assert logs.read(run_id, 15) == b"fg"


def test_a_server_that_died_while_it_sealed_loses_and_repeats_nothing(bench: Bench, logs: Logs) -> None:
    run_id = bench.launch().id
    logs.append(run_id, 0, b"01234")
    # The object is written; the server dies before the pointer moves.
    logs.objects.put_named(f"runs/{run_id}/log/{0:016d}", b"01234")
    logs.append(run_id, 5, b"5678901")
    # The pointer has moved; the server dies before it removes the open file.
    (logs.folder / f"{run_id}.0").write_bytes(b"012345678901")
    logs.append(run_id, 12, b"x")
    assert everything(logs, run_id) == b"012345678901x"


def test_a_log_beyond_its_limit_keeps_its_beginning_and_its_end_at_their_offsets(bench: Bench, logs: Logs) -> None:
    run_id, logs = bench.launch().id, replace(logs, limit=LogLimit(40))
    written = b"".join(b"line %04d\n" % number for number in range(30))
    for at in range(0, len(written), 25):
        logs.append(run_id, at, written[at : at + 25])
    logs.seal(run_id)
    omitted = logs.omitted(run_id)
    assert omitted is not None
    assert 20 <= omitted.start < 50
    assert len(written) - 50 < omitted.end <= len(written) - 20
    assert logs.length(run_id) == len(written)
    assert logs.read(run_id, omitted.start + 3) == Omitted(omitted.start + 3, omitted.end)
    assert everything(logs, run_id) == written[: omitted.start] + omitted.line + written[omitted.end :]
    kept = sum(named.size_bytes for named in logs.objects.list_named(f"runs/{run_id}/log") if "times" not in named.key)
    assert kept == len(written) - (omitted.end - omitted.start)


def test_which_bytes_are_not_kept_is_said_once_and_exactly(bench: Bench, logs: Logs) -> None:
    run_id, logs = bench.launch().id, replace(logs, limit=LogLimit(40))
    for at in range(0, 200, 10):
        logs.append(run_id, at, b"0123456789")
    logs.seal(run_id)
    logs.seal(run_id)
    with bench.database.reading() as session:
        said = [event for _, event in events_of(session, run_id)]
    assert [(event.kind, event.offset) for event in said] == [("log-limit", 20), ("log-cut", 20)]
    assert said[1].facts == {"start": 20, "end": 180}
    assert "Bytes 20 to 180 of the log (160 bytes) were not kept" in said[1].message


def test_when_a_line_came_is_known_also_of_a_sealed_segment(bench: Bench, logs: Logs) -> None:
    run_id, begin = bench.launch().id, bench.now
    logs.append(run_id, 0, b"0123456789")
    bench.now = begin + timedelta(seconds=0.2)
    logs.append(run_id, 10, b"abc")
    logs.append(run_id, 13, b"def")
    bench.now = begin + timedelta(seconds=9)
    logs.append(run_id, 16, b"gh")
    told = [(time.offset, (time.at - begin).total_seconds()) for time in logs.times(run_id, after=-1, limit=9)]
    assert told == [(0, 0), (10, 0.2), (16, 9)]
    assert [time.offset for time in logs.times(run_id, after=12, limit=9)] == [10, 16]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.binary(max_size=25), max_size=12),
    back=st.lists(st.integers(0, 30), min_size=12, max_size=12),
    start=st.integers(0, 40),
)
def test_however_it_is_sent_what_is_stored_is_what_was_written(
    bench: Bench, logs: Logs, pieces: list[bytes], back: list[int], start: int
) -> None:
    run_id, written = bench.launch().id, b""
    for piece, repeated in zip(pieces, back, strict=False):
        known = max(0, len(written) - repeated)
        end = logs.append(run_id, known, written[known:] + piece)
        written += piece
        assert end == len(written) == logs.length(run_id)
    assert everything(logs, run_id) == written
    assert b"".join(logs.stream(run_id, start, len(written))) == written[start:]
