"""The code of a folder as one archive: a plain tar (ustar), the same bytes for the same files, and read with no trust.

Not compressed, so that nothing grows while it is read; nothing but files and folders, so that nothing leads out of it.
"""

import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pixmill.errors import ProcessingError

MAX_FILES: Final = 1000
MAX_BYTES: Final = 16 << 20
"""Of all files together."""
MAX_ARCHIVE_BYTES: Final = MAX_BYTES + (2 * MAX_FILES + 64) * 1024
_MAX_MEMBERS: Final = 2 * MAX_FILES
_MAX_PATH_CHARACTERS: Final = 200
_MAX_NAME_BYTES: Final = 255
_BLOCK: Final = 512
_NAME, _SIZE, _CHECKSUM, _PREFIX = slice(0, 100), slice(124, 136), slice(148, 156), slice(345, 500)
_MAGIC: Final = slice(257, 263)
_TYPE: Final = 156
_FILE, _FOLDER, _EXTENDED = b"0\0", b"5", b"xgLK"
_READ_ONLY: Final = 0o444
_HINT: Final = "Pack it with: tar --format=ustar -cf CODE.tar FILES"


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """Files by their path, as an archive that tells nothing of when or where it was packed.

    Raises `ProcessingError` for what `read_archive` would refuse.
    """
    _require_room(len(files), sum(map(len, files.values())))
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(files):
            _require_path(path)
            _require_no_file_above(path, files)
            entry = tarfile.TarInfo(path)
            entry.size = len(files[path])
            try:
                archive.addfile(entry, io.BytesIO(files[path]))
            except ValueError as error:
                raise ProcessingError(f"The path '{path}' is too long.", hint="Call its folders shorter.") from error
    return written.getvalue()


def read_archive(archive: bytes) -> dict[str, bytes]:
    """The files by their path, in its order. Raises `ProcessingError` that names what is refused, and why."""
    if len(archive) > MAX_ARCHIVE_BYTES:
        raise ProcessingError(
            f"The archive has {len(archive)} bytes.", hint=f"It may have {MAX_BYTES >> 20} MiB: keep data elsewhere."
        )
    files: dict[str, bytes] = {}
    size = 0
    for name, kind, content in _members(archive):
        path = name.removeprefix("./")
        if kind in _FOLDER:
            if path.rstrip("/") not in {"", "."}:
                _require_path(path.rstrip("/"))
            continue
        if kind in _EXTENDED:
            raise ProcessingError("The archive has headers of pax or GNU.", hint=_HINT)
        if kind not in _FILE:
            raise ProcessingError(f"'{name}' is a link or no plain file.", hint="Put the file itself there.")
        _require_path(path)
        if path in files:
            raise ProcessingError(f"'{path}' is in the archive twice.", hint=_HINT)
        size += len(content)
        _require_room(len(files) + 1, size)
        files[path] = content
    for path in files:
        _require_no_file_above(path, files)
    return dict(sorted(files.items()))


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Lay files that were read from an archive into a new folder, so that nobody writes to them any more."""
    folder.mkdir(parents=True)
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as opened:
            opened.write(content)
        place.chmod(_READ_ONLY)


def why_not_path(path: str) -> str:
    """Why nothing may lie at a path below a Processing's folder; empty if it may."""
    names = path.split("/")
    if path.startswith("/"):
        return "it is absolute"
    if len(path) > _MAX_PATH_CHARACTERS:
        return f"it has more than {_MAX_PATH_CHARACTERS} characters"
    if "\\" in path or not path.isprintable():
        return "it has a backslash or a control character"
    if ".." in names or "." in names or "" in names:
        return "it does not lead straight down"
    if any(name.startswith(".") for name in names):
        return "it is hidden"
    if "__pycache__" in names or path.endswith((".pyc", ".pyo")):
        return "it is compiled code, that nobody can read"
    if any(len(name.encode()) > _MAX_NAME_BYTES for name in names):
        return f"a name in it has more than {_MAX_NAME_BYTES} bytes"
    return ""


def _members(archive: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Name, kind and content of each. Read by hand: `tarfile` follows headers that take far more than the archive."""
    at, count = 0, 0
    while (header := archive[at : at + _BLOCK]).count(0) != _BLOCK:
        if len(header) < _BLOCK or header[_MAGIC] not in {b"ustar\0", b"ustar "} or not _is_whole(header):
            raise ProcessingError("This is no tar, or not all of it.", hint=_HINT)
        count += 1
        if count > _MAX_MEMBERS:
            raise ProcessingError(f"The archive has more than {_MAX_MEMBERS} members.", hint="Keep data elsewhere.")
        size, begin = _number(header[_SIZE]), at + _BLOCK
        if begin + size > len(archive):
            raise ProcessingError("The archive ends within a file.", hint="Send all of it.")
        # The older GNU format has other things where ustar has the folders of a long path.
        above = _text(header[_PREFIX]) if header[_MAGIC] == b"ustar\0" else ""
        name = _text(header[_NAME])
        yield f"{above}/{name}" if above else name, header[_TYPE : _TYPE + 1], archive[begin : begin + size]
        at = begin + -(-size // _BLOCK) * _BLOCK


def _is_whole(header: bytes) -> bool:
    blanked = header[: _CHECKSUM.start] + b" " * 8 + header[_CHECKSUM.stop :]
    return sum(blanked) == _number(header[_CHECKSUM])


def _number(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise ProcessingError("The archive has a number that is none.", hint=_HINT)
    return int(digits, 8)


def _text(field: bytes) -> str:
    try:
        return field.split(b"\0", 1)[0].decode()
    except UnicodeDecodeError as error:
        raise ProcessingError("A name in the archive is not UTF-8.", hint="Rename the file.") from error


def _require_path(path: str) -> None:
    if why := why_not_path(path):
        raise ProcessingError(f"{path!r} cannot be part of a Processing: {why}.", hint="Leave it out, or rename it.")


def _require_no_file_above(path: str, files: Mapping[str, bytes]) -> None:
    above = path.rpartition("/")[0]
    while above:
        if above in files:
            raise ProcessingError(f"'{above}' is a file, and '{path}' lies below it.", hint="Rename one of them.")
        above = above.rpartition("/")[0]


def _require_room(count: int, size: int) -> None:
    if count > MAX_FILES:
        raise ProcessingError(f"There are more than {MAX_FILES} files.", hint="Keep data elsewhere.")
    if size > MAX_BYTES:
        raise ProcessingError(
            f"The files have more than {MAX_BYTES >> 20} MiB together.",
            hint="Push weights as a model, and keep data elsewhere.",
        )
