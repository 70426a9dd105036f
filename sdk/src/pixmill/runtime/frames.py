"""Messages over a pipe: two lengths (4 bytes each, little-endian), a MessagePack header, and raw bytes after it."""

import os
import struct
from contextlib import suppress
from fcntl import F_SETPIPE_SZ, fcntl
from threading import Lock
from typing import BinaryIO, Final, Generic, TypeVar

import msgspec

from pixmill.errors import PixmillError

_LENGTHS: Final = struct.Struct("<II")
_PIPE_BYTES: Final = 1 << 20
MAX_PART_BYTES: Final = 1 << 30
"""Of a header, and of what comes with it; an image's file may be so large."""

_Message = TypeVar("_Message")


class FrameTooLarge(PixmillError):
    """Whoever writes here does not write frames."""


class FrameWriter:
    """Writes whole frames, from any thread. Raises `BrokenPipeError` when nobody reads any more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._encoder = msgspec.msgpack.Encoder()
        self._lock = Lock()
        widen(descriptor)

    def send(self, message: msgspec.Struct, payload: bytes = b"") -> None:
        header = self._encoder.encode(message)
        with self._lock:
            self._write(_LENGTHS.pack(len(header), len(payload)) + header)
            if payload:
                self._write(payload)

    def close(self) -> None:
        os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


class FrameReader(Generic[_Message]):
    """Reads frames, from one thread."""

    def __init__(self, descriptor: int, decoder: msgspec.msgpack.Decoder[_Message]) -> None:
        self._file: BinaryIO = os.fdopen(descriptor, "rb", buffering=_PIPE_BYTES)
        self._decoder = decoder
        widen(descriptor)

    def receive(self) -> tuple[_Message, bytes] | None:
        """The next message and the bytes that came with it; None once the other side is gone, also mid-frame.

        Raises `FrameTooLarge` or `msgspec.DecodeError` for what is no message.
        """
        lengths = self._file.read(_LENGTHS.size)
        if len(lengths) < _LENGTHS.size:
            return None
        header_size, payload_size = _LENGTHS.unpack(lengths)
        if max(header_size, payload_size) > MAX_PART_BYTES:
            raise FrameTooLarge(f"A message of {header_size} + {payload_size} bytes is not one of ours.")
        header = self._file.read(header_size)
        payload = self._file.read(payload_size)
        if len(header) + len(payload) < header_size + payload_size:
            return None
        return self._decoder.decode(header), payload


def widen(descriptor: int) -> None:
    """Let a pipe hold more before its writer waits; where that is not allowed, it stays as it is."""
    with suppress(OSError):
        fcntl(descriptor, F_SETPIPE_SZ, _PIPE_BYTES)
