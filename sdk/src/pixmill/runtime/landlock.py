"""Landlock: a process gives up, for good, every file that is not named. Linux 5.13 or newer; by system calls.

`python -m pixmill.runtime.landlock` tries it on itself: exit code 0 and the version if it works here.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pixmill.errors import EnvironmentFailed

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1
_NO_NEW_PRIVILEGES: Final = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_ALL_OF_VERSION_1: Final = (1 << 13) - 1
_REFER, _DEVICES = 1 << 13, 1 << 15
_TCP: Final = 0b11
_FILE_RIGHTS: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICES
_TRUNCATE_SINCE, _NETWORK_SINCE, _DEVICES_SINCE, _SCOPES_SINCE = 3, 4, 5, 6
_SOCKETS_AND_SIGNALS: Final = 0b11
"""To processes outside."""


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (("handled_files", ctypes.c_uint64), ("handled_network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """The version of the kernel's interface; 0 where it has none or does not let it be used."""
    return max(0, _call(_CREATE, None, 0, _VERSION_FLAG))


def restrict(readable: Iterable[str], writable: Iterable[str], *, network: bool) -> None:
    """Shut in the calling thread and all it will start; call it before there are others. Cannot be undone.

    Paths stay open with all below them, for reading and executing or for everything; those that do not exist are passed
    over. Without `network`, TCP is refused (before Landlock 4, of kernel 6.7, it cannot be). Processes outside get no
    signal (before Landlock 6, of kernel 6.12, they do), and cannot be traced.
    """
    version = landlock_version()
    if version == 0:
        raise EnvironmentFailed("This kernel has no Landlock.", hint="Choose another sandbox.")
    handled = _ALL_OF_VERSION_1 | (_REFER if version > 1 else 0) | (_TRUNCATE if version >= _TRUNCATE_SINCE else 0)
    handled |= _DEVICES if version >= _DEVICES_SINCE else 0
    refused = _TCP if version >= _NETWORK_SINCE and not network else 0
    attributes = _RulesetAttributes(handled, refused, _SOCKETS_AND_SIGNALS)
    known = 3 if version >= _SCOPES_SINCE else 2 if version >= _NETWORK_SINCE else 1
    size = known * ctypes.sizeof(ctypes.c_uint64)
    ruleset = _checked(_call(_CREATE, ctypes.byref(attributes), size, 0))
    for path in readable:
        _allow(ruleset, path, (_EXECUTE | _READ_FILE | _READ_DIR) & handled)
    for path in writable:
        _allow(ruleset, path, handled)
    _checked(ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(_call(_RESTRICT, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    with suppress(FileNotFoundError):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = rights if Path(path).is_dir() else rights & _FILE_RIGHTS
        rule = _PathBeneath(allowed, opened)
        _checked(_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
        os.close(opened)


def _call(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise EnvironmentFailed(f"Landlock refused: {os.strerror(number)}.", hint="Choose another sandbox.")
    return result


if __name__ == "__main__":
    try:
        restrict(["/usr"], ["/dev/null"], network=False)
        sys.stdout.write(str(landlock_version()))
    except EnvironmentFailed as refusal:
        sys.exit(str(refusal))
