"""Names for processes that say later, and to others, whether the process is still there.

A number alone does not: it is given out again. A name also tells when the process began, on which start of the machine,
and in which namespace of processes.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_ENDED: Final = frozenset("ZX")
"""States of a process that has ended, and whose parent has not asked how."""
_STATE, _STARTED = 0, 19
"""Where they stand in `/proc/PID/stat`, counted behind the program's name."""


def this_process() -> str:
    """At most 32 characters; empty where the system does not tell what is needed."""
    stat, place = _stat(os.getpid()), _place()
    return f"{place}.{os.getpid()}.{stat[_STARTED]}" if stat and place else ""


def is_gone(name: str) -> bool:
    """Whether the process with this name has surely ended; False also where that cannot be seen from here."""
    place, _, rest = name.partition(".")
    number, _, started = rest.partition(".")
    if not (number.isdecimal() and started) or place != _place():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # Somebody else's, and alive: `/proc` may hide the rest of it.
        pass
    stat = _stat(int(number))
    return bool(stat) and (stat[_STATE] in _ENDED or stat[_STARTED] != started)


def _place() -> str:
    """This start of this machine, and this namespace of processes; empty where that is not known."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return hashlib.blake2b(f"{boot} {namespace}".encode(), digest_size=4).hexdigest()


def _stat(number: int) -> list[str]:
    try:
        text = (_PROC / str(number) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()
