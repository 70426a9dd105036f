"""The log of a Run, byte for byte what its child wrote: an open segment on this server's disk, sealed ones as objects.

Offsets count bytes of the stored stream. A log is only ever appended to, where it ends. One that grows beyond its limit
keeps its beginning and its end: sealed segments between them are dropped, offsets stay, and a reader is told which.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pixmill.errors import NotFound
from pixmill_server.db.engine import Database
from pixmill_server.jobs.errors import LogGap
from pixmill_server.jobs.log_limit import DEFAULT_LIMIT, LogLimit, Omitted, drop_middle, say_what_is_omitted
from pixmill_server.jobs.log_times import TIMES, LogTime, note_time, read_times
from pixmill_server.jobs.tables import LogSegmentRow, RunRow
from pixmill_server.kernel.clock import Clock
from pixmill_server.storage.objects import Objects

SEGMENT_BYTES = 8 << 20
READ_BYTES = 4 << 20


def log_topic(run_id: str) -> str:
    """Announced in this process whenever bytes were appended."""
    return f"log:{run_id}"


@dataclass(frozen=True, slots=True)
class Logs:
    """All logs; safe from many threads and processes of one machine."""

    database: Database
    objects: Objects
    folder: Path
    """Where open segments lie: `RUN_ID` is the lock, `RUN_ID.START` the bytes from START on."""
    clock: Clock
    limit: LogLimit = DEFAULT_LIMIT
    segment_bytes: int = SEGMENT_BYTES

    def append(self, run_id: str, offset: int, written: bytes) -> int:
        """Store bytes that begin at `offset`; the offset after the last stored one.

        Bytes that are known are passed over, so that a call may be repeated; a gap raises `LogGap`.
        """
        with self._alone(run_id):
            start = self._sealed(run_id)
            path = self._open_segment(run_id, start)
            with path.open("ab") as segment:
                stored = start + segment.tell()
                if offset > stored:
                    raise LogGap(run_id, offset, stored)
                fresh = memoryview(written)[stored - offset :]
                segment.write(fresh)
            if fresh:
                note_time(path, LogTime(stored, self.clock.now()))
                stored += len(fresh)
            if stored - start >= self.segment_bytes:
                self._seal(run_id, start)
        if fresh:
            self.database.signals.notify(log_topic(run_id))
        return stored

    def length(self, run_id: str) -> int:
        """How many bytes were stored, those that are omitted meanwhile among them."""
        while True:
            start = self._sealed(run_id)
            size = _size(self._open_segment(run_id, start))
            # Sealed between the two looks: look again.
            if size or self._sealed(run_id) == start:
                return start + size

    def read(self, run_id: str, offset: int, *, limit: int = READ_BYTES) -> bytes | Omitted:
        """At most `limit` bytes from `offset` on; empty at the end, and never short before it but at segment ends.

        `Omitted` where the bytes at `offset` are not kept: go on at its end.
        """
        while True:
            segment = self._segment_at(run_id, offset)
            if segment is not None and segment.start > offset:
                return Omitted(offset, segment.start)
            if segment is not None:
                within = offset - segment.start
                end = min(segment.end - segment.start, within + limit)
                try:
                    return self.objects.get_named_range(segment.object_key, within, end)
                except NotFound:
                    now = self._segment_at(run_id, offset)
                    if now is not None and now.start == segment.start:
                        raise
                    # It was dropped just now.
                    continue
            start = self._sealed(run_id)
            if offset < start:
                continue
            try:
                with self._open_segment(run_id, start).open("rb") as file:
                    file.seek(offset - start)
                    return file.read(limit)
            except FileNotFoundError:
                if self._sealed(run_id) == start:
                    return b""

    def stream(self, run_id: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`, in pieces; a line stands for what is omitted."""
        while start < end:
            piece = self.read(run_id, start, limit=min(READ_BYTES, end - start))
            if isinstance(piece, Omitted):
                yield piece.line
                start = piece.end
            elif piece:
                yield piece
                start += len(piece)
            else:
                return

    def omitted(self, run_id: str) -> Omitted | None:
        """Which bytes are not kept; None: all are."""
        with self.database.reading() as session:
            return _omitted(session, run_id)

    def times(self, run_id: str, *, after: int, limit: int) -> list[LogTime]:
        """When the log reached which offset; those beyond `after`, and the last one before."""
        with self.database.reading() as session:
            of_run = select(LogSegmentRow).where(LogSegmentRow.run_id == run_id, LogSegmentRow.end > after)
            segments = session.scalars(of_run.order_by(LogSegmentRow.start)).all()
        found: list[LogTime] = []
        for segment in segments:
            found += self._times_of(segment)
            if len(found) > limit:
                break
        else:
            path = self._open_segment(run_id, self._sealed(run_id))
            found += read_times(path.with_name(path.name + TIMES))
        first = next((place for place, time in enumerate(found) if time.offset > after), len(found))
        return found[max(first - 1, 0) :][:limit]

    def seal(self, run_id: str) -> None:
        """Make an object of what is still open: the Run is over. The second time nothing happens."""
        with self._alone(run_id):
            start = self._sealed(run_id)
            if _size(self._open_segment(run_id, start)):
                self._seal(run_id, start)
            with self.database.transaction() as session:
                omitted = _omitted(session, run_id)
                if omitted is not None:
                    say_what_is_omitted(session, run_id, omitted, self.limit, now=self.clock.now())
            if omitted is not None:
                self._sweep(run_id)
            for path in self.folder.glob(f"{run_id}.*"):
                path.unlink(missing_ok=True)
        (self.folder / run_id).unlink(missing_ok=True)

    def unsealed(self) -> list[str]:
        """The Runs that have an open segment on this machine."""
        return sorted({path.name.split(".")[0] for path in self.folder.glob("*.*")})

    def _seal(self, run_id: str, start: int) -> None:
        path = self._open_segment(run_id, start)
        times = path.with_name(path.name + TIMES)
        end = start + _size(path)
        key = f"runs/{run_id}/log/{start:016d}"
        self.objects.adopt_named(key, path)
        if times.exists():
            self.objects.put_named(key + TIMES, times.read_bytes())
        with self.database.transaction() as session:
            session.add(LogSegmentRow(run_id=run_id, start=start, end=end, object_key=key))
            session.execute(update(RunRow).where(RunRow.id == run_id).values(log_sealed=end))
            session.flush()
            dropped = drop_middle(session, run_id, end, self.limit, now=self.clock.now())
        # Only now: until the pointer has moved, readers find the bytes here.
        path.unlink()
        times.unlink(missing_ok=True)
        for each in dropped:
            self.objects.delete_named(each)
            self.objects.delete_named(each + TIMES)

    def _sweep(self, run_id: str) -> None:
        """Delete the objects of dropped segments that a crash has left."""
        with self.database.reading() as session:
            kept = set(session.scalars(select(LogSegmentRow.object_key).where(LogSegmentRow.run_id == run_id)))
        for named in self.objects.list_named(f"runs/{run_id}/log"):
            if named.key.removesuffix(TIMES) not in kept:
                self.objects.delete_named(named.key)

    def _times_of(self, segment: LogSegmentRow) -> list[LogTime]:
        try:
            return read_times(self.objects.get_named(segment.object_key + TIMES))
        except NotFound:
            return []

    def _sealed(self, run_id: str) -> int:
        with self.database.reading() as session:
            sealed = session.scalar(select(RunRow.log_sealed).where(RunRow.id == run_id))
        if sealed is None:
            raise NotFound("Run", run_id)
        return sealed

    def _segment_at(self, run_id: str, offset: int) -> LogSegmentRow | None:
        """The sealed segment that has the byte, or the next one where none has."""
        with self.database.reading() as session:
            beyond = select(LogSegmentRow).where(LogSegmentRow.run_id == run_id, LogSegmentRow.end > offset)
            return session.scalar(beyond.order_by(LogSegmentRow.start).limit(1))

    def _open_segment(self, run_id: str, start: int) -> Path:
        return self.folder / f"{run_id}.{start}"

    @contextmanager
    def _alone(self, run_id: str) -> Iterator[None]:
        """One writer at a time, also among processes; the lock dies with its holder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / run_id).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _omitted(session: Session, run_id: str) -> Omitted | None:
    """Segments follow one another but where some were dropped."""
    before = func.lag(LogSegmentRow.end).over(order_by=LogSegmentRow.start).label("before")
    ends = select(before, LogSegmentRow.start).where(LogSegmentRow.run_id == run_id).subquery()
    found = session.execute(select(ends.c.before, ends.c.start).where(ends.c.before < ends.c.start)).first()
    return None if found is None else Omitted(found.before, found.start)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
