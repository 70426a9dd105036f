"""`python -m pixmill_server.executors.container SPEC [IN OUT LOG]`: the client of one container.

Without descriptors, what comes on standard input goes to the container's, and what the container writes to ours. With
them, they are handed to whoever connects to the socket in the container's folder `/pixmill/socket`: a child of ours
that speaks over them itself, so that no byte passes through the engine.

Ends with the container's exit code, or with 128 + the number of the signal that ended it.
"""

import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from docker.errors import APIError
from requests.exceptions import RequestException

from pixmill_server.executors.container.engine import (
    Container,
    ContainerSpec,
    EngineFailed,
    attach,
    connect,
    end,
    make_container,
    read_output,
    remove,
)

_SOCKET_FOLDER: Final = "/pixmill/socket"
_SOCKET_NAME: Final = "supervisor"
_TERM_SECONDS: Final = 1.0
_OUTPUT_SECONDS: Final = 2.0
_SIGNALLED: Final = 128
_NOT_STARTED: Final = 125


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    spec = ContainerSpec.read(Path(arguments[0]))
    descriptors = [int(each) for each in arguments[1:]]
    starter = os.pidfd_open(os.getppid())
    waking, woken = os.pipe()
    # A container must not be left without a client: a signal is looked at between two steps.
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        # Ours alone, in the Run's own folder: only the container, which sees the inner one, can come to the socket.
        with TemporaryDirectory(prefix="socket-", dir=Path(arguments[0]).parent) as folder:
            return _run(spec, descriptors, Path(folder), (starter, waking, woken))
    except EngineFailed as error:
        sys.stderr.write(f"{error}\n")
        return _NOT_STARTED


def _run(spec: ContainerSpec, descriptors: Sequence[int], folder: Path, watched: tuple[int, int, int]) -> int:
    client = connect(spec.engine)
    if descriptors:
        shared = folder / "shared"
        listening = _listen(shared)
        threading.Thread(target=_hand_over, args=(listening, descriptors), daemon=True).start()
        spec = replace(spec, mounts=[*spec.mounts, (str(shared), _SOCKET_FOLDER, False)])
    container = make_container(client, spec, stdin=not descriptors)
    ended: list[int] = []
    try:
        output = _pass_on(container, to_container=not descriptors)
        _start(container)
        waiting = threading.Thread(target=_wait, args=(spec, container.id, ended, watched[2]), daemon=True)
        waiting.start()
        _watch(container, ended, starter=watched[0], waking=watched[1])
        if not ended:
            end(container)
        output.join(_OUTPUT_SECONDS)
        return ended[0] if ended else _SIGNALLED + signal.SIGKILL
    finally:
        remove(container)


def _listen(shared: Path) -> socket.socket:
    """In a folder that is made here. Whoever the container runs as may enter it; the one around it stays shut."""
    shared.mkdir()
    shared.chmod(0o755)
    listening = socket.socket(socket.AF_UNIX)
    folder = os.open(shared, os.O_PATH | os.O_DIRECTORY)
    try:
        # The name of a socket has at most 107 bytes, and folders of Runs may lie deep.
        listening.bind(f"/proc/self/fd/{folder}/{_SOCKET_NAME}")
    finally:
        os.close(folder)
    (shared / _SOCKET_NAME).chmod(0o777)
    listening.listen(1)
    return listening


def _hand_over(listening: socket.socket, descriptors: Sequence[int]) -> None:
    """To the first who comes, and to nobody after; keeps none, so that whoever reads them sees their end."""
    with listening:
        connection, _ = listening.accept()
    with connection:
        socket.send_fds(connection, [b"3"], list(descriptors))
    for descriptor in descriptors:
        os.close(descriptor)


def _pass_on(container: Container, *, to_container: bool) -> threading.Thread:
    """Attached before the container starts, so that not a byte is missed."""
    attached, kept = attach(container, stdin=to_container)

    def receive() -> None:
        with suppress(OSError), kept:
            for written in read_output(attached):
                _write_all(1, written)

    def send() -> None:
        with suppress(OSError):
            while read := os.read(0, 1 << 16):
                attached.sendall(read)
            attached.shutdown(socket.SHUT_WR)

    receiving = threading.Thread(target=receive, daemon=True)
    receiving.start()
    if to_container:
        threading.Thread(target=send, daemon=True).start()
    return receiving


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _start(container: Container) -> None:
    try:
        container.start()
    except (APIError, RequestException) as error:
        raise EngineFailed(f"The container cannot be started: {error}") from error


def _wait(spec: ContainerSpec, container_id: str, ended: list[int], woken: int) -> None:
    """In a thread, with a connection of its own: the answer comes when the container has ended."""
    with suppress(APIError, RequestException, EngineFailed):
        container = connect(spec.engine).containers.get(container_id)
        code = int(container.wait(timeout=None)["StatusCode"])
        if code < 0:
            # Podman says so where it looked before the code was written down.
            container.reload()
            code = int(container.attrs["State"]["ExitCode"])
        ended.append(code)
    with suppress(BlockingIOError):
        os.write(woken, b"\0")


def _watch(container: Container, ended: list[int], *, starter: int, waking: int) -> None:
    """Until the container has ended, or has to: because we are asked to, or whoever started us is gone."""
    poll = select.poll()
    poll.register(starter, select.POLLIN)
    poll.register(waking, select.POLLIN)
    until: float | None = None
    while True:
        ready = {descriptor for descriptor, _ in poll.poll(None if until is None else 50)}
        said = os.read(waking, 64) if waking in ready else b""
        if ended or starter in ready or (b"\0" in said and not ended):
            return
        if signal.SIGTERM in said and until is None:
            until = time.monotonic() + _TERM_SECONDS
            with suppress(APIError, RequestException):
                container.kill("SIGTERM")
        if until is not None and time.monotonic() > until:
            return


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
