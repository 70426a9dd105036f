"""Decodes images from outside, in a few child processes with limits, and makes thumbnails."""

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import msgspec

from pixmill_server.datasets.image_child import Answer, Request, read_frame, write_frame

CHILDREN = 2
SECONDS = 30.0
"""Longer than this by the clock, no image may take."""

ImageBytes = Path | bytes
"""A file of this machine, or the bytes themselves."""


@dataclass(slots=True)
class _Child:
    """One process; it goes on from image to image, and is replaced when one of them breaks it."""

    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, niceness: int) -> "_Child":
        """Isolated from the environment and the working folder of the server."""
        command = [sys.executable, "-I", "-m", "pixmill_server.datasets.image_child"]
        if niceness:
            command = ["nice", "-n", str(niceness), *command]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PATH": "/usr/bin:/bin"}, close_fds=True
        )
        return cls(process)

    def ask(self, request: Request) -> Answer | None:
        """None where it died or took too long; it is of no use afterwards."""
        requests, answers = _pipes(self.process)
        too_long = threading.Timer(SECONDS, self.process.kill)
        too_long.start()
        try:
            write_frame(requests, msgspec.msgpack.encode(request))  # type: ignore[arg-type]  # a pipe is binary I/O
            packed = read_frame(answers)  # type: ignore[arg-type]  # as above
        except (BrokenPipeError, ConnectionResetError):
            return None
        finally:
            too_long.cancel()
        return None if packed is None else msgspec.msgpack.decode(packed, type=Answer)

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        for pipe in _pipes(self.process):
            with suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()


@dataclass(slots=True)
class DecodePool:
    """A few children, started when first needed. May be shared by threads; `close` ends the children."""

    children: int = CHILDREN
    niceness: int = 0
    _idle: "queue.LifoQueue[_Child]" = field(default_factory=queue.LifoQueue)
    _slots: threading.Semaphore | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look_at(self, image: ImageBytes, *, thumbnail: bool = False) -> Answer:
        """What an image is, decoded as a whole; its `reason` is set where it is refused. Waits for a free child."""
        request = Request(thumbnail=thumbnail)
        if isinstance(image, Path):
            request.path = str(image)
        else:
            request.content = image
        with self._child() as child:
            answer = child.ask(request)
            if answer is None:
                child.stop()
                return Answer(reason="decoding it took too long or too much memory, and was stopped")
            self._idle.put(child)
            return answer

    def close(self) -> None:
        """End every idle child."""
        while True:
            try:
                self._idle.get_nowait().stop()
            except queue.Empty:
                return

    @contextmanager
    def _child(self) -> Iterator[_Child]:
        with self._lock:
            if self._slots is None:
                self._slots = threading.Semaphore(self.children)
        with self._slots:
            yield self._living() or _Child.start(self.niceness)

    def _living(self) -> _Child | None:
        """An idle child that nobody has killed meanwhile."""
        while True:
            try:
                child = self._idle.get_nowait()
            except queue.Empty:
                return None
            if child.process.poll() is None:
                return child
            child.stop()


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise AssertionError
    return process.stdin, process.stdout
