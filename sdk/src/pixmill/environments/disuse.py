"""Which built environments nobody needs any more, and their removal."""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from pixmill.environments.building import LOCK_FILE, Environment, asked_file, is_digest, remove

_REMOVED: Final = ".removed-"


def remove_unused(
    root: Path, *, digests: Collection[str], locks: Collection[bytes], asked_before: datetime
) -> list[str]:
    """Remove environments but those of these digests or of these locks, and those that were asked for since.

    Their digests are returned. A folder that is a link is shared with others, and left alone. What a removal left that
    was cut short is removed by the next one.
    """
    if root.is_symlink() or not root.is_dir():
        return []
    for left in root.glob(f"{_REMOVED}*"):
        remove(Environment(left, ""))
    unused = [each for each in _environments(root) if each.digest not in digests and _lock_of(each) not in locks]
    return [each.digest for each in unused if _remove(each, asked_before)]


def _environments(root: Path) -> Iterator[Environment]:
    for folder in sorted(root.iterdir()):
        if is_digest(folder.name) and folder.is_dir() and not folder.is_symlink():
            yield Environment(folder, folder.name)


def _lock_of(environment: Environment) -> bytes:
    """Empty where it says none."""
    with suppress(OSError):
        return (environment.folder / LOCK_FILE).read_bytes()
    return b""


def _remove(environment: Environment, asked_before: datetime) -> bool:
    """Whether it was removed: not where somebody asks for it, or makes it."""
    asked = asked_file(environment)
    with asked.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if os.fstat(file.fileno()).st_mtime >= asked_before.timestamp():
            return False
        aside = environment.folder.with_name(f"{_REMOVED}{environment.digest}")
        environment.folder.rename(aside)
    remove(Environment(aside, environment.digest))
    return True
