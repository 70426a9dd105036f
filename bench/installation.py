"""A whole Pixmill on this machine, in a temporary folder: server and worker as their own processes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pixmill import Client
from pixmill.errors import PixmillError

START_SECONDS = 60
PIXMILL = Path(sys.executable).with_name("pixmill")


@dataclass(frozen=True, slots=True)
class Installation:
    """A server that answers, with its worker."""

    folder: Path
    """Of this benchmark; gone afterwards."""
    client: Client
    environment: Mapping[str, str]
    """For the command line: whom to ask, and as whom."""
    pid: int
    """Of the server; the worker and its Runs are below it."""

    def pixmill(self, *arguments: str) -> str:
        """Run a command; what it printed on stdout."""
        command = [str(PIXMILL), *arguments]
        return subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True).stdout


@contextmanager
def install(**settings: str) -> Iterator[Installation]:
    """Start on a fresh data folder, with more `PIXMILL_` settings; ended with everything it started."""
    with TemporaryDirectory(prefix="pixmill-bench-") as name, socket.create_server(("127.0.0.1", 0)) as probe:
        folder, port = Path(name), probe.getsockname()[1]
        probe.close()
        data, url = folder / "data", f"http://127.0.0.1:{port}"
        environment = {**os.environ, **settings, "PIXMILL_DATA": str(data), "PIXMILL_URL": url}
        command = [sys.executable, "-m", "pixmill_server", "serve", "--port", str(port), "--with-worker", "--tied"]
        with (folder / "server.log").open("wb") as log:
            server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=log)
        try:
            _wait_until_it_answers(url, server, folder / "server.log")
            token = (data / "local-token").read_text().strip()
            with Client(url, token) as client:
                yield Installation(folder, client, {**environment, "PIXMILL_TOKEN": token}, server.pid)
        finally:
            server.terminate()
            server.wait()


def _wait_until_it_answers(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    given_up_at = time.monotonic() + START_SECONDS
    with Client(url, "none") as client:
        while True:
            try:
                client.health()
            except PixmillError:
                if server.poll() is not None or time.monotonic() > given_up_at:
                    raise RuntimeError(log.read_text()) from None
                time.sleep(0.05)
            else:
                return
