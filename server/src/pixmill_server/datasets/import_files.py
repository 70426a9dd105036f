"""Files that a browser sends for an import, one by one, and the whole of them as a format reads it.

A file that was received is not sent again: who was cut off asks what is there. Images become objects at once, for that
is what they will be; everything else lies under the import's own keys and goes when the import ends.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill.errors import FormatError, InvalidInput
from pixmill.formats import Files, open_files
from pixmill.formats.files import is_image_name, why_unsafe
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.imports import find_import, forget_staged, require_open_import
from pixmill_server.datasets.records import Page
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import ImportFileRow, ImportReadingRow
from pixmill_server.storage.objects import Digest, Objects

MAX_PATH: Final = 1000
_ARCHIVE: Final = ".zip"
_SAME_NAME: Final = "another file that was sent has the same name"


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """One file that is there."""

    path: str
    size_bytes: int


def receive_file(datasets: Datasets, actor: Actor, import_id: str, path: str, pieces: Iterable[bytes]) -> ReceivedFile:
    """Keep a file under its relative path, in place of what was there; nothing is kept of one that is cut off.

    What an earlier reading staged is forgotten, unless the file is an image that was there just so: chunks are told by
    their numbers, and these mean others now.

    Raises `InvalidInput` for a path that leaves its folder, and `ImportFinished`.
    """
    require_open_import(datasets, actor, import_id)
    reason = why_unsafe(path) or ("its name is too long" if len(path) > MAX_PATH else None)
    if reason is not None:
        raise InvalidInput(f"'{path[:MAX_PATH]}' cannot be taken: {reason}.", hint="Rename it.", field="path")
    counted = _Counted(pieces)
    digest = ""
    if is_image_name(path):
        digest = datasets.objects.put(counted)
    else:
        datasets.objects.put_named(_file_key(import_id, path), counted)
    with datasets.database.transaction() as session:
        row = session.get(ImportFileRow, (import_id, path), with_for_update=True)
        if row is None or not digest or row.digest != digest:
            _forget_reading(datasets, session, import_id)
        if row is None:
            session.add(ImportFileRow(import_id=import_id, path=path, size_bytes=counted.total, digest=digest))
        else:
            row.size_bytes, row.digest = counted.total, digest
    return ReceivedFile(path, counted.total)


def _forget_reading(datasets: Datasets, session: Session, import_id: str) -> None:
    """Let the next reading begin at its start; nothing happens, and nothing is listed, where there was none."""
    reading = session.get(ImportReadingRow, import_id, with_for_update=True)
    if reading is not None:
        forget_staged(datasets, import_id)
        session.delete(reading)


def received_files(
    datasets: Datasets, actor: Actor, import_id: str, *, after: str | None, limit: int
) -> Page[ReceivedFile]:
    """By path; `after` (None: from the first) is the cursor: a path."""
    find_import(datasets, actor, import_id)
    query = select(ImportFileRow).where(ImportFileRow.import_id == import_id).order_by(ImportFileRow.path)
    if after is not None:
        query = query.where(ImportFileRow.path > after)
    with datasets.database.reading() as session:
        rows = session.scalars(query.limit(limit + 1)).all()
    items = [ReceivedFile(row.path, row.size_bytes) for row in rows[:limit]]
    return Page(items, items[-1].path if len(rows) > limit else None)


def open_received(datasets: Datasets, import_id: str) -> "ReceivedFiles":
    """What was sent, as one source; zips are looked into, not unpacked. Raises `FormatError` for a zip that is none."""
    with datasets.database.reading() as session:
        rows = session.scalars(select(ImportFileRow).where(ImportFileRow.import_id == import_id)).all()
    files = ReceivedFiles(datasets.objects, import_id, {row.path: row for row in rows})
    try:
        files.look_into_archives()
    except FormatError:
        files.close()
        raise
    return files


@dataclass(slots=True)
class _Counted:
    """Pieces on their way, and how many bytes they were."""

    pieces: Iterable[bytes]
    total: int = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            self.total += len(piece)
            yield piece


@dataclass(slots=True)
class ReceivedFiles:
    """What a format reads from (`pixmill.formats.files.Files`): files as they were sent, and members of sent zips."""

    objects: Objects
    import_id: str
    rows: Mapping[str, ImportFileRow]
    refused: dict[str, str] = field(default_factory=dict)
    main: str | None = None
    _archives: list[Files] = field(default_factory=list)
    _members: dict[str, Files] = field(default_factory=dict)
    _copies: Path | None = None

    @property
    def title(self) -> str:
        """The only file, or how many there are."""
        return next(iter(self.rows)) if len(self.rows) == 1 else f"{len(self.rows)} files"

    @property
    def root(self) -> Path | None:
        """None: they are in no folder."""
        return None

    def look_into_archives(self) -> None:
        """Offer the members of every zip beside the other files."""
        for path in sorted(self.rows):
            if PurePosixPath(path).suffix.lower() != _ARCHIVE:
                continue
            archive = self._opened(path)
            self._archives.append(archive)
            self.refused |= {f"{path}: {name}": reason for name, reason in archive.refused.items()}
            for name in archive.names():
                if name in self.rows or name in self._members:
                    self.refused[f"{path}: {name}"] = _SAME_NAME
                else:
                    self._members[name] = archive

    def digest(self, name: str) -> Digest | None:
        """Of an image that is an object already; None for everything else."""
        row = self.rows.get(name)
        return Digest(row.digest) if row is not None and row.digest else None

    def names(self) -> Iterator[str]:
        plain = (path for path in self.rows if PurePosixPath(path).suffix.lower() != _ARCHIVE and not _is_hidden(path))
        yield from sorted([*plain, *self._members])

    def has(self, name: str) -> bool:
        return name in self.rows or name in self._members

    def size(self, name: str) -> int:
        return self._members[name].size(name) if name in self._members else self.rows[name].size_bytes

    def open(self, name: str) -> IO[bytes]:
        return self._members[name].open(name) if name in self._members else self.local_path(name).open("rb")

    def local_path(self, name: str) -> Path:
        """The file itself where objects lie in a folder; a copy, which goes with `close`, where they do not."""
        if name in self._members:
            return self._members[name].local_path(name)
        digest, key = self.digest(name), _file_key(self.import_id, name)
        found = self.objects.local_path(digest) if digest else self.objects.local_path_named(key)
        if found is not None:
            return found
        if self._copies is None:
            self._copies = Path(tempfile.mkdtemp(prefix="pixmill-import-"))
        copy = self._copies / sha256(name.encode()).hexdigest()
        if not copy.exists():
            with copy.open("wb") as file:
                for piece in self.objects.stream(digest) if digest else self.objects.stream_named(key):
                    file.write(piece)
        return copy

    def close(self) -> None:
        for archive in self._archives:
            archive.close()
        if self._copies is not None:
            shutil.rmtree(self._copies, ignore_errors=True)

    def _opened(self, path: str) -> Files:
        local = self.local_path(path)
        try:
            archive = open_files(local, title=path)
        except FormatError as error:
            # Who sent it knows it by its own name, and need not know where it lies here.
            raise FormatError(error.message.replace(str(local), path), hint=error.hint) from error
        if archive.main is not None:
            archive.close()
            raise FormatError(f"'{path}' is not a zip, whatever its name says.", hint="Make the zip again.")
        return archive


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))


def _file_key(import_id: str, path: str) -> str:
    return f"imports/{import_id}/file-{sha256(path.encode()).hexdigest()}"
