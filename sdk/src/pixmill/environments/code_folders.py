"""Reads the folder of a Processing as it is packed: no links, nothing hidden, nothing that was made from the rest."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pixmill.environments.archives import MAX_BYTES, MAX_FILES, why_not_path
from pixmill.environments.projects import PROJECT_FILE
from pixmill.errors import ProcessingError

_MADE: Final = (".pyc", ".pyo", ".egg-info")
_PYTHON_OF_AN_ENVIRONMENT: Final = "pyvenv.cfg"


def read_code_folder(folder: Path) -> dict[str, bytes]:
    """Its files by their path below it, sorted. Raises `ProcessingError` that names the file that is refused, and why.

    Left out are what is hidden (`.git`, `.venv`), `__pycache__`, `*.pyc`, `*.egg-info`, and virtual environments.
    """
    if not (folder / PROJECT_FILE).is_file():
        raise ProcessingError(
            f"'{folder}' has no {PROJECT_FILE}.", hint="Write one with [project], or give a file that is a Processing."
        )
    files: dict[str, bytes] = {}
    size = 0
    for place in _files_below(folder):
        path = place.relative_to(folder).as_posix()
        if why := why_not_path(path):
            raise ProcessingError(f"{path!r} cannot be part of a Processing: {why}.", hint="Rename or move it.")
        if not stat.S_ISREG(place.lstat().st_mode):
            raise ProcessingError(f"'{path}' is a link or no plain file.", hint="Put the file itself there.")
        size += place.lstat().st_size
        if len(files) == MAX_FILES or size > MAX_BYTES:
            raise ProcessingError(
                f"With '{path}' there are more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB in '{folder}'.",
                hint="Push weights as a model, and keep data elsewhere.",
            )
        files[path] = _content(place, path)
    return dict(sorted(files.items()))


def _files_below(folder: Path) -> Iterator[Path]:
    """Links to folders too: they are refused, and not silently gone."""
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        kept = sorted(name for name in folders if not _is_left_out(Path(parent, name)))
        links = [name for name in kept if Path(parent, name).is_symlink()]
        folders[:] = [name for name in kept if name not in links]
        for name in sorted([*names, *links]):
            if not _is_left_out(Path(parent, name)):
                yield Path(parent, name)


def _is_left_out(place: Path) -> bool:
    made = place.name == "__pycache__" or place.name.endswith(_MADE)
    return made or place.name.startswith(".") or (place / _PYTHON_OF_AN_ENVIRONMENT).is_file()


def _refuse(error: OSError) -> None:
    raise ProcessingError(f"'{error.filename}' cannot be read: {error.strerror}.", hint="Let it be read, or move it.")


def _content(place: Path, path: str) -> bytes:
    try:
        return place.read_bytes()
    except OSError as error:
        raise ProcessingError(f"'{path}' cannot be read: {error.strerror}.", hint="Let it be read.") from error
