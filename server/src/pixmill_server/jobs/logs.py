"""The log of a Run, byte for byte what its child wrote: an open segment on this server's disk, sealed ones as objects.

Offsets count bytes of the stored stream. A log is only ever appended to, where it ends.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, update

from pixmill.errors import NotFound
from pixmill_server.db.engine import Database
from pixmill_server.jobs.errors import LogGap
from pixmill_server.jobs.tables import LogSegmentRow, RunRow
from pixmill_server.storage.objects import Objects

SEGMENT_BYTES = 4 << 20
READ_BYTES = 1 << 20


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
    segment_bytes: int = SEGMENT_BYTES

    def append(self, run_id: str, offset: int, written: bytes) -> int:
        """Store bytes that begin at `offset`; the offset after the last stored one.

        Bytes that are known are passed over, so that a call may be repeated; a gap raises `LogGap`.
        """
        with self._alone(run_id):
            start = self._sealed(run_id)
            with self._open_segment(run_id, start).open("ab") as segment:
                stored = start + segment.tell()
                if offset > stored:
                    raise LogGap(run_id, offset, stored)
                fresh = written[stored - offset :]
                segment.write(fresh)
                stored += len(fresh)
            if stored - start >= self.segment_bytes:
                self._seal(run_id, start)
        if fresh:
            self.database.signals.notify(log_topic(run_id))
        return stored

    def length(self, run_id: str) -> int:
        """How many bytes are stored."""
        while True:
            start = self._sealed(run_id)
            size = _size(self._open_segment(run_id, start))
            # Sealed between the two looks: look again.
            if size or self._sealed(run_id) == start:
                return start + size

    def read(self, run_id: str, offset: int, *, limit: int = READ_BYTES) -> bytes:
        """At most `limit` bytes from `offset` on; empty at the end, and never short before it but at segment ends."""
        while True:
            segment = self._segment_at(run_id, offset)
            if segment is not None:
                within = offset - segment.start
                end = min(segment.end - segment.start, within + limit)
                return self.objects.get_named_range(segment.object_key, within, end)
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
        """The bytes from `start` up to, not including, `end`, in pieces."""
        while start < end and (piece := self.read(run_id, start, limit=min(READ_BYTES, end - start))):
            yield piece
            start += len(piece)

    def seal(self, run_id: str) -> None:
        """Make an object of what is still open: the Run is over. The second time nothing happens."""
        with self._alone(run_id):
            start = self._sealed(run_id)
            if _size(self._open_segment(run_id, start)):
                self._seal(run_id, start)
            for path in self.folder.glob(f"{run_id}.*"):
                path.unlink(missing_ok=True)
        (self.folder / run_id).unlink(missing_ok=True)

    def unsealed(self) -> list[str]:
        """The Runs that have an open segment on this machine."""
        return sorted({path.name.split(".")[0] for path in self.folder.glob("*.*")})

    def _seal(self, run_id: str, start: int) -> None:
        path = self._open_segment(run_id, start)
        end = start + _size(path)
        key = f"runs/{run_id}/log/{start:016d}"
        with path.open("rb") as file:
            self.objects.put_named(key, iter(lambda: file.read(READ_BYTES), b""))
        with self.database.transaction() as session:
            session.add(LogSegmentRow(run_id=run_id, start=start, end=end, object_key=key))
            session.execute(update(RunRow).where(RunRow.id == run_id).values(log_sealed=end))
        # Only now: until the pointer has moved, readers find the bytes here.
        path.unlink()

    def _sealed(self, run_id: str) -> int:
        with self.database.reading() as session:
            sealed = session.scalar(select(RunRow.log_sealed).where(RunRow.id == run_id))
        if sealed is None:
            raise NotFound("Run", run_id)
        return sealed

    def _segment_at(self, run_id: str, offset: int) -> LogSegmentRow | None:
        with self.database.reading() as session:
            return session.scalar(
                select(LogSegmentRow).where(
                    LogSegmentRow.run_id == run_id, LogSegmentRow.start <= offset, LogSegmentRow.end > offset
                )
            )

    def _open_segment(self, run_id: str, start: int) -> Path:
        return self.folder / f"{run_id}.{start}"

    @contextmanager
    def _alone(self, run_id: str) -> Iterator[None]:
        """One writer at a time, also among processes; the lock dies with its holder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / run_id).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
