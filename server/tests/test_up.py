"""`pixmill up` as a person starts it."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import pytest

from pixmill_server.settings import MARKER, RELEASE

PIXMILL = [sys.executable, "-c", "from pixmill.cli.main import main; main()"]


@dataclass(frozen=True, slots=True)
class Home:
    """A user's machine."""

    folder: Path
    bundle: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "PATH": os.environ["PATH"], "PIXMILL_BUNDLE": str(self.bundle)}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*PIXMILL, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=240)

    @contextmanager
    def up(self, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
        command = [*PIXMILL, "up", "--port", "0", "--json", *arguments]
        log = (self.folder / "up.log").open("w")
        process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            said = ""
            while not said.endswith("}\n"):
                line = process.stdout.readline()
                assert line, (self.folder / "up.log").read_text()
                said += line
            yield process, json.loads(said)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
            log.close()


@pytest.fixture
def home(tmp_path: Path, bundle: Path) -> Home:
    return Home(tmp_path, bundle)


def wait_until_gone(pid: int) -> None:
    """Returns as soon as the process has ended, whoever its parent is."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([watched], [], [], 60)[0], f"process {pid} lives on"
    finally:
        os.close(watched)


def test_after_up_the_command_line_needs_no_login(home: Home) -> None:
    with home.up() as (process, said):
        assert Path(said["data"]) == home.folder / ".local" / "share" / "pixmill"
        listed = home.run("computes", "ls", "--json")
        assert listed.returncode == 0, listed.stderr
        assert [compute["name"] for compute in json.loads(listed.stdout)] == ["local"]
        assert httpx2.get(f"{said['url']}/api/v1/health").json()["status"] == "ok"
        assert said["signin_url"].startswith(said["url"] + "/sign-in?link=")
    assert process.returncode == 0
    kept = home.folder / ".config" / "pixmill" / "servers.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    afterwards = home.run("computes", "ls")
    assert (afterwards.returncode, afterwards.stdout) == (4, "")


def test_up_again_finds_what_was_there(home: Home) -> None:
    with home.up():
        assert home.run("computes", "set", "local", "--price", "0.4").returncode == 0
    with home.up():
        assert json.loads(home.run("computes", "show", "local", "--json").stdout)["price_per_hour"] == 0.4


def test_a_data_folder_has_one_server(home: Home) -> None:
    with home.up():
        second = home.run("up", "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    assert "Another server works on the data folder" in second.stderr


def test_a_port_in_use_is_named_with_what_to_do(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = home.run("up", "--port", str(port))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"port {port}" in refused.stderr
    assert "--port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_data_folder_of_a_newer_release_is_refused(home: Home, tmp_path: Path) -> None:
    data = tmp_path / "newer"
    data.mkdir()
    (data / MARKER).write_text(json.dumps({"release": RELEASE + 1, "version": "99.0"}))
    refused = home.run("up", "--port", "0", "--data", str(data))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "which is newer" in refused.stderr
    assert "Traceback" not in refused.stderr


def children_of(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def test_a_worker_that_dies_is_started_again(home: Home) -> None:
    with home.up() as (process, _):
        (server,) = psutil.Process(process.pid).children()
        first = next(child for child in server.children() if "worker" in child.cmdline())
        first.kill()
        wait_until_gone(first.pid)
        deadline = time.monotonic() + 240
        while not any("worker" in child.cmdline() for child in server.children()):
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_does_not_outlive_up(home: Home, how: signal.Signals) -> None:
    with home.up() as (process, said):
        children = children_of(process.pid)
        assert len(children) >= 2, "a server and a worker"
        process.send_signal(how)
        process.wait(60)
        for pid in children:
            wait_until_gone(pid)
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"{said['url']}/api/v1/health")


def test_login_keeps_a_token_that_works_and_no_other(home: Home, tmp_path: Path) -> None:
    with home.up() as (_, said):
        token = Path(said["data"], "local-token").read_text().strip()
        other = Home(tmp_path / "other", home.bundle)
        other.folder.mkdir()
        assert other.run("login", said["url"], "--token", "pxm_made-up").returncode == 1
        assert not (other.folder / ".config").exists()
        assert other.run("login", said["url"], "--token", token).returncode == 0
        assert other.run("computes", "ls").returncode == 0
        assert "/sign-in?link=" in other.run("login", "--browser").stdout
