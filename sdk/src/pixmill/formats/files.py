"""What a format reads from: a single file, a folder, or a zip, as one flat list of names and bytes.

A zip is never unpacked to where its names say. Names that would leave its folder, links, and members that unpack to far
more than they weigh are refused one by one with the reason; a zip that as a whole claims too much is refused.
"""

import io
import lzma
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from stat import S_ISLNK
from typing import IO, Final, Protocol

from pixmill.errors import FormatError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
"""What may be an image by its name; the server decides by its bytes."""

MAX_RATIO = 100
"""A zip member may unpack to this many times its own weight ..."""
FREE_BYTES = 16 << 20
"""... once it is larger than this (flat PNGs and text compress very well)."""
_BUFFER_BYTES: Final = 64 << 10
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)
"""What `zipfile` raises of a member whose bytes are not what its header says; each compression has its own."""


class Files(Protocol):
    """Names with forward slashes, relative to one root, and their bytes."""

    @property
    def title(self) -> str:
        """What the user called it."""
        ...

    @property
    def root(self) -> Path | None:
        """The folder on disk that the names are relative to; None for a zip."""
        ...

    @property
    def main(self) -> str | None:
        """The one file that the user named, if it was a file (an annotation file); its folder is the root."""
        ...

    @property
    def refused(self) -> Mapping[str, str]:
        """Names that are not offered, each with the reason."""
        ...

    def names(self) -> Iterator[str]:
        """Every file, in the order of names; hidden ones are left out."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def size(self, name: str) -> int:
        """In bytes."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """The bytes; the caller closes it."""
        ...

    def local_path(self, name: str) -> Path:
        """The file on disk; a zip's member is unpacked to a temporary file, which goes with `close`."""
        ...

    def close(self) -> None:
        """Give back what was opened."""
        ...


def open_files(path: Path, *, title: str | None = None) -> Files:
    """What a user's path names; raises `FormatError` where it is missing or a zip that cannot be trusted.

    `title` is what a zip is called where it is not known by its path.
    """
    if not path.exists():
        raise FormatError(f"There is no file or folder '{path}'.", hint="Check the path.")
    if path.is_dir():
        return FolderFiles(str(path), path.absolute(), None)
    if zipfile.is_zipfile(path):
        return _open_zip(path, title or str(path))
    if path.suffix.lower() == ".zip":
        raise FormatError(f"'{path}' is not a zip, whatever its name says.", hint="Make the zip again.")
    return FolderFiles(str(path), path.absolute().parent, path.name)


def is_image_name(name: str) -> bool:
    """Whether a name has the ending of an image that Pixmill takes."""
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def why_unsafe(name: str) -> str | None:
    """The reason why a name from a file cannot be a relative path; None where it can."""
    if not name or name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "its name is not a relative path"
    if "\\" in name or "\x00" in name:
        return "its name has a backslash or a NUL in it"
    if ".." in name and ".." in name.split("/"):
        return "its name leaves its folder with '..'"
    return None


@dataclass(slots=True)
class FolderFiles:
    """A folder on disk, or one named file in it."""

    title: str
    folder: Path
    main: str | None
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path | None:
        return self.folder

    def names(self) -> Iterator[str]:
        """Every file below the folder; hidden files and folders, and links to folders, are left out."""
        yield from self._below(self.folder, "")

    def has(self, name: str) -> bool:
        return why_unsafe(name) is None and os.path.isfile(f"{self.folder}/{name}")  # noqa: PTH113 - a hundred thousand files

    def size(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return (self.folder / name).open("rb")

    def local_path(self, name: str) -> Path:
        return self.folder / name

    def close(self) -> None:
        """Nothing is held open."""

    def _below(self, folder: Path, prefix: str) -> Iterator[str]:
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise FormatError(
                f"The folder '{folder}' cannot be read: {error.strerror}.", hint="Check its rights."
            ) from error
        for entry in listed:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file():
                yield f"{prefix}{entry.name}"


class _Member(io.RawIOBase):
    """The bytes of a zip's member; where they are damaged, `FormatError` names it, whatever its compression raised."""

    def __init__(self, content: IO[bytes], refuse: Callable[[Exception], FormatError]) -> None:
        super().__init__()
        self._content = content
        self._refuse = refuse

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._content.seekable()

    def tell(self) -> int:
        return self._content.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        try:
            return self._content.seek(offset, whence)
        except _DAMAGED as error:
            raise self._refuse(error) from error

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]  # what BufferedReader gives
        try:
            piece = self._content.read(len(buffer))
        except _DAMAGED as error:
            raise self._refuse(error) from error
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._content.close()
        super().close()


@dataclass(slots=True)
class ZipFiles:
    """A zip, read member by member."""

    title: str
    archive: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]
    refused: Mapping[str, str]
    root: Path | None = None
    main: str | None = None
    _unpacked: Path | None = None

    def names(self) -> Iterator[str]:
        yield from sorted(self.members)

    def has(self, name: str) -> bool:
        return name in self.members

    def size(self, name: str) -> int:
        return self.members[name].file_size

    def open(self, name: str) -> IO[bytes]:
        """Reads never give more than the size the member claimed; a damaged one raises `FormatError`, maybe late."""

        def refuse(error: Exception) -> FormatError:
            return FormatError(
                f"'{name}' in '{self.title}' cannot be read, or is damaged: {error}.", hint="Make the zip again."
            )

        try:
            return io.BufferedReader(_Member(self.archive.open(self.members[name]), refuse), _BUFFER_BYTES)
        except _DAMAGED as error:
            raise refuse(error) from error

    def local_path(self, name: str) -> Path:
        if self._unpacked is None:
            self._unpacked = Path(tempfile.mkdtemp(prefix="pixmill-zip-"))
        path = self._unpacked / name.replace("/", "%2F")
        if not path.exists():
            try:
                with self.open(name) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except (FormatError, OSError):
                # Half of it must not be taken for the whole the next time.
                path.unlink(missing_ok=True)
                raise
        return path

    def close(self) -> None:
        self.archive.close()
        if self._unpacked is not None:
            shutil.rmtree(self._unpacked, ignore_errors=True)


def _open_zip(path: Path, title: str) -> ZipFiles:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise FormatError(f"'{path}' is not a whole zip: {error}.", hint="Copy it again.") from error
    members: dict[str, zipfile.ZipInfo] = {}
    refused: dict[str, str] = {}
    for member in archive.infolist():
        reason = _why_refused(member)
        if reason is not None:
            refused[member.filename] = reason
        elif not member.is_dir() and not _is_hidden(member.filename):
            members[member.filename] = member
    claimed = sum(member.file_size for member in members.values())
    weight = path.stat().st_size
    if claimed > max(FREE_BYTES, weight * MAX_RATIO):
        archive.close()
        raise FormatError(
            f"'{path}' has {weight} bytes and would unpack to {claimed}: more than {MAX_RATIO} times as much.",
            hint="Pixmill does not unpack such a zip; unpack it yourself and import the folder, if you trust it.",
        )
    return ZipFiles(title, archive, members, refused)


def _why_refused(member: zipfile.ZipInfo) -> str | None:
    if S_ISLNK(member.external_attr >> 16):
        return "it is a link"
    if member.flag_bits & 1:
        return "it is encrypted"
    if member.file_size > max(FREE_BYTES, member.compress_size * MAX_RATIO):
        return f"it would unpack to {member.file_size} bytes, more than {MAX_RATIO} times its weight"
    return why_unsafe(member.filename.rstrip("/"))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
