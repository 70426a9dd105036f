"""Files on their way to the server: hashed first, then sent as a stream, and only where they are not there yet."""

from collections.abc import Callable, Iterator
from pathlib import Path

from blake3 import blake3

from pixmill.errors import InvalidInput

_PIECE_BYTES = 1 << 20

Progress = Callable[[int], None]
"""Is told how many more bytes were sent."""


def digest_of_file(path: Path) -> str:
    """Its BLAKE3, hexadecimal; raises `InvalidInput`, by name, for what cannot be read."""
    hasher = blake3()
    for piece in pieces_of_file(path):
        hasher.update(piece)
    return hasher.hexdigest()


def pieces_of_file(path: Path, progress: Progress | None = None) -> Iterator[bytes]:
    """Its bytes, a MiB at a time."""
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
                if progress is not None:
                    progress(len(piece))
    except OSError as error:
        raise InvalidInput(f"'{path}' cannot be read: {error.strerror}.", hint="Check the path.") from error
