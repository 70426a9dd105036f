"""Whether something could not be written because there was no room for it: that passes, other errors do not."""

import errno
from typing import Final

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: Exception) -> bool:
    """Of an error of the file system, of Lance or of an object store, which hand on the system's number as text."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return True
    return any(f"(os error {number})" in str(error) for number in _NO_ROOM)
