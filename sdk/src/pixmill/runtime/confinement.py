"""What the child does to itself before it loads user code: gives up files, capabilities, sockets, and takes limits."""

import ctypes
import resource
from pathlib import Path
from typing import Final

from pixmill.runtime.landlock import restrict
from pixmill.runtime.messages import SeenConfinement
from pixmill.runtime.seccomp import refuse_sockets

_DROP_BOUNDING: Final = 24
_AMBIENT, _CLEAR_ALL = 47, 4
_CAPABILITY_VERSION: Final = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def confine(given: SeenConfinement) -> None:
    """Cannot be undone, by the child or by anyone it starts; call it before there is a second thread."""
    if given.landlock is not None:
        restrict(given.landlock.readable, given.landlock.writable, network=given.landlock.network)
    for what, limit in (
        (resource.RLIMIT_DATA, given.data_bytes),
        (resource.RLIMIT_FSIZE, given.file_bytes),
        (resource.RLIMIT_NPROC, given.tasks),
    ):
        if limit:
            _limit(what, limit)
    if given.drop_capabilities:
        _drop_capabilities()
    if given.refuse_sockets:
        refuse_sockets()


def _limit(what: int, limit: int) -> None:
    _, most = resource.getrlimit(what)
    allowed = limit if most == resource.RLIM_INFINITY else min(limit, most)
    resource.setrlimit(what, (allowed, allowed))


def _drop_capabilities() -> None:
    """Also root is an ordinary user then, who owns root's files; an ordinary user has none to drop."""
    libc = ctypes.CDLL(None)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        libc.prctl(_DROP_BOUNDING, capability, 0, 0, 0)
    libc.prctl(_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    header = _Header(_CAPABILITY_VERSION, 0)
    nothing = (_Capabilities * 2)()
    libc.capset(ctypes.byref(header), ctypes.byref(nothing))
