"""seccomp: a process gives up, for good, to open sockets of any kind. By a filter in the kernel; x86-64 and ARM64."""

import ctypes
import os
import platform
from collections.abc import Sequence
from typing import Final

from pixmill.errors import EnvironmentFailed

_NO_NEW_PRIVILEGES: Final = 38
_SET_SECCOMP: Final = 22
_FILTER: Final = 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | 1  # EPERM
_SOCKET: Final = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_IO_URING_SETUP: Final = 425
"""It opens sockets too, past every filter."""
_X32: Final = 0x40000000
"""From here on, x86-64 has the same calls by other numbers."""


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def refuse_sockets() -> None:
    """For the calling thread and all it will start; call it before there are others. Pipes and socket pairs stay.

    Raises `EnvironmentFailed` where the kernel or the machine cannot do it.
    """
    known = _SOCKET.get(platform.machine())
    if known is None:
        raise EnvironmentFailed(
            f"Sockets cannot be refused on a machine of type {platform.machine()}.",
            hint="Use bubblewrap there, or let the Processing declare that it needs the network.",
        )
    program = _program(*known)
    instructions = (_Instruction * len(program))(*program)
    libc = ctypes.CDLL(None, use_errno=True)
    given = _Program(len(program), ctypes.cast(instructions, ctypes.POINTER(_Instruction)))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(given), 0, 0):
        why = os.strerror(ctypes.get_errno())
        raise EnvironmentFailed(f"seccomp refused: {why}.", hint="Use bubblewrap here.")


def _program(machine: int, socket: int) -> Sequence[_Instruction]:
    """Jumps are counted from the next instruction; calls of another machine's numbering are refused as a whole."""
    return [
        _Instruction(_LOAD, 0, 0, _MACHINE_AT),
        _Instruction(_EQUAL, 0, 5, machine),
        _Instruction(_LOAD, 0, 0, _NUMBER_AT),
        _Instruction(_AT_LEAST, 3, 0, _X32),
        _Instruction(_EQUAL, 2, 0, socket),
        _Instruction(_EQUAL, 1, 0, _IO_URING_SETUP),
        _Instruction(_RETURN, 0, 0, _ALLOW),
        _Instruction(_RETURN, 0, 0, _REFUSE),
    ]
