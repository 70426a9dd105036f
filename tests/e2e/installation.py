"""A real server with a real worker on a data folder of its own, and the command line beside it."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pixmill.client import Client
from tests.shared_environments import share_environments

STOP_SECONDS = 120


@dataclass
class Installation:
    """One running Pixmill."""

    data: Path
    url: str
    token: str
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    """What server and worker logged."""

    def client(self) -> Client:
        return Client(self.url, self.token)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PIXMILL_URL": self.url, "PIXMILL_TOKEN": self.token}

    def pixmill(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            capture_output=True,
            text=True,
            input=stdin,
            check=False,
            timeout=300,
        )

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command; its output is to be read as it comes."""
        return subprocess.Popen(
            self.command(*arguments), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-c", "from pixmill.cli.main import main; main()", *arguments]


@contextmanager
def installed(data: Path) -> Iterator[Installation]:
    """Up until the block ends; what it said is shown where a test fails."""
    share_environments(data)
    command = [sys.executable, "-m", "pixmill_server", "serve", "--with-worker", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(
        [*command, "--tied", "--announce"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said: list[str] = []
    threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True).start()
    try:
        announced = process.stdout.readline() if process.stdout else ""
        assert announced, "".join(["the server did not start:\n", *said])
        where = json.loads(announced)
        yield Installation(data, where["url"], Path(where["token_file"]).read_text().strip(), process, said)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
        sys.stdout.write("".join(said[-200:]))
