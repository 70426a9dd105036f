"""How much of a log is kept: the beginning and the end, half of the limit each; what lies between is dropped, and said.

Offsets are not changed by it: the bytes that are kept stay where they were written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pixmill_server.jobs.tables import LogSegmentRow, RunEventRow
from pixmill_server.kernel.ids import new_id

PASSED = "log-limit"
CUT = "log-cut"


@dataclass(frozen=True, slots=True)
class LogLimit:
    """Of one Run's log. Whole segments are kept, so that it may be up to two segments more."""

    limit_bytes: int

    @property
    def head_bytes(self) -> int:
        """Of the beginning, this much is kept at least."""
        return self.limit_bytes // 2

    @property
    def tail_bytes(self) -> int:
        """Of the end, this much is kept at least."""
        return self.limit_bytes - self.head_bytes


DEFAULT_LIMIT = LogLimit(256 << 20)


@dataclass(frozen=True, slots=True)
class Omitted:
    """Bytes of a log that are not kept: from `start` up to, not including, `end`."""

    start: int
    end: int

    @property
    def sentence(self) -> str:
        """What there is to say about it."""
        return f"Bytes {self.start} to {self.end} of the log ({self.end - self.start} bytes) were not kept."

    @property
    def line(self) -> bytes:
        """What stands in a download in their place."""
        return f"\n[pixmill: {self.sentence}]\n".encode()


def drop_middle(session: Session, run_id: str, length: int, limit: LogLimit, *, now: datetime) -> list[str]:
    """Forget the segments between beginning and end; the keys of their objects, to be deleted after the commit."""
    if length <= limit.limit_bytes:
        return []
    between = (
        LogSegmentRow.run_id == run_id,
        LogSegmentRow.start >= limit.head_bytes,
        LogSegmentRow.end <= length - limit.tail_bytes,
    )
    found = session.scalars(select(LogSegmentRow).where(*between).order_by(LogSegmentRow.start)).all()
    if found:
        session.execute(delete(LogSegmentRow).where(*between))
        message = (
            f"The log is longer than its limit of {_mebibytes(limit.limit_bytes)}: "
            f"its beginning and the last {_mebibytes(limit.tail_bytes)} are kept."
        )
        _say_once(session, run_id, PASSED, found[0].start, message, {"limit_bytes": limit.limit_bytes}, now)
    return [row.object_key for row in found]


def say_what_is_omitted(session: Session, run_id: str, omitted: Omitted, limit: LogLimit, *, now: datetime) -> None:
    """At the end of a Run, with the exact range; the second time nothing happens."""
    message = f"{omitted.sentence} The limit is {_mebibytes(limit.limit_bytes)}."
    _say_once(session, run_id, CUT, omitted.start, message, {"start": omitted.start, "end": omitted.end}, now)


def _say_once(
    session: Session, run_id: str, kind: str, offset: int, message: str, facts: dict[str, Any], now: datetime
) -> None:
    if session.scalar(select(RunEventRow.id).where(RunEventRow.run_id == run_id, RunEventRow.kind == kind)):
        return
    row = RunEventRow(run_id=run_id, id=new_id("ev"), offset=offset, at=now, kind=kind, message=message, facts=facts)
    session.add(row)


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):g} MiB"
