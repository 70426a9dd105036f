"""A server of this machine, started as a process of its own, with a worker beside it."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pixmill.errors import PixmillError

_GRACE_SECONDS = 40


class ServerMissing(PixmillError):
    """The server's distribution is not installed."""

    code = "server-missing"


class ServerEnded(PixmillError):
    """The server did not start; it has said why on stderr."""

    code = "server-ended"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """It listens."""

    process: "subprocess.Popen[str]"
    url: str
    token: str
    data: Path

    def stop(self) -> int:
        """Ask it to end, wait until it has; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def require_server() -> None:
    """Raise `ServerMissing`, with what to install, where there is none."""
    if importlib.util.find_spec("pixmill_server") is None:
        raise ServerMissing(
            "The Pixmill server is not installed here.", hint='Install it: pip install "pixmill[server]"'
        )


def start_server(*, data: Path | None, host: str, port: int) -> RunningServer:
    """Start it and wait until it listens; raises `ServerEnded` where it does not, its own words being on stderr.

    It ends when this process does, however that happens: it watches its standard input. It is in a process group of
    its own, so that Ctrl-C on the terminal reaches this process only.
    """
    require_server()
    command = [sys.executable, "-m", "pixmill_server", "serve", "--with-worker", "--announce", "--tied"]
    command += ["--host", host, "--port", str(port), *(["--data", str(data)] if data else [])]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0)
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        code = process.wait()
        raise ServerEnded(f"The server ended before it listened, with exit code {code}.")
    said = json.loads(line)
    token = Path(said["token_file"]).read_text().strip()
    return RunningServer(process, said["url"], token, Path(said["data"]))
