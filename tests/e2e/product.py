"""Pixmill as a stranger meets it: `pixmill up` in a process of its own, and the command line against it."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page

from tests.free_port import free_port
from tests.shared_environments import share_environments

PIXMILL = Path(sys.executable).with_name("pixmill")
START_SECONDS = 400


@dataclass(frozen=True, slots=True)
class Product:
    """A running server and worker, and the command line that talks to them."""

    url: str
    data: Path
    process: "subprocess.Popen[bytes]"

    def run(self, *words: str, given: bytes | None = None) -> "subprocess.CompletedProcess[str]":
        """One command to its end; what it printed is in the result."""
        done = subprocess.run([PIXMILL, *words], env=self.environment(), capture_output=True, input=given, check=False)
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def require(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, f"pixmill {' '.join(words)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, *words: str) -> Any:
        """What a command answers with `--json`."""
        return json.loads(self.require(*words, "--json"))

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """One command, to be watched while it runs."""
        return subprocess.Popen(
            [PIXMILL, *words], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @contextmanager
    def killed_and_started_again(self) -> Iterator[None]:
        """The server killed, so that only its Runs go on, and a new one at the same address until the block ends."""
        below = psutil.Process(self.process.pid).children()
        [server] = [process for process in below if "serve" in process.cmdline()]
        server.kill()
        self.process.wait()
        with product_up(self.data, port=int(self.url.rpartition(":")[2])):
            yield

    def environment(self) -> dict[str, str]:
        """What a shell on this machine would have: no login is needed after `pixmill up`."""
        token = (self.data / "local-token").read_text().strip()
        return {**os.environ, "PIXMILL_URL": self.url, "PIXMILL_TOKEN": token}


@contextmanager
def product_up(data: Path, *options: str, port: int | None = None) -> Iterator[Product]:
    """`pixmill up` on a data folder and a port (None: a free one), until the block ends."""
    share_environments(data)
    port = port or free_port()
    command: Sequence[str | Path] = [PIXMILL, "up", "--data", data, "--port", str(port), *options]
    with (data.parent / f"{data.name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(url, process, Path(log.name))
        yield Product(url, data, process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()


def signed_in_to(page: Page, product: Product) -> Page:
    """The page, signed in with the token of this machine, on the Datasets."""
    page.goto(f"{product.url}/sign-in")
    page.get_by_label("API token").fill((product.data / "local-token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    return page


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"pixmill up ended with {process.returncode}:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(f"{url}/api/v1/health", timeout=30):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"pixmill up did not answer within {START_SECONDS} s:\n{log.read_text()}")
