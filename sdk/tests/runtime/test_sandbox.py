"""What a Processing that tries can reach in each tier, and what happens to one that takes all it can get."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pixmill.environments import Environment, landlock_version
from tests.run_server import PATIENCE_SECONDS, FakeRun, make_run, serving, supervising

HEAD = (
    '"""A Processing."""\nimport json, mmap, os, resource, signal, socket, sys, time\nfrom pixmill.authoring import *\n'
)
TIERS = ["bubblewrap", "landlock", "none"]
MARK = f"31536000.{os.getpid()}"
"""How long that sleeps which is looked for: known from those of other tests on this machine."""
SECRET = "postgresql://user:the-secret@host/db"
MIB = 1 << 20

TRY = """
TOLD = json.loads({told!r})

def attempt(name, call):
    try:
        found[name] = repr(call())[:200]
    except BaseException as error:
        refused[name] = type(error).__name__

def entries(folder):
    # Python itself may have been installed below it.
    found = [name for name in os.listdir(folder) if not sys.base_prefix.startswith(os.path.join(folder, name))]
    assert found
    return found

def environments():
    said = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if "the-secret" in open(f"/proc/{{pid}}/environ", errors="replace").read():
                said.append(pid)
        except OSError:
            pass
    assert said
    return said

def send_datagram():
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.sendto(b"out", ("127.0.0.1", TOLD["udp"]))

def connect_by_path():
    socket.socket(socket.AF_UNIX).connect(TOLD["unix"])

def fill(path, mib):
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(bytes(1 << 20))
    return os.path.getsize(path)

def capabilities():
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    # Who is not root cannot drop the last set, and cannot get anything out of it without new privileges.
    keeps = int(status["NoNewPrivs"]) and os.getuid() != 0
    sets = ("CapEff", "CapPrm") if keeps else ("CapEff", "CapPrm", "CapBnd")
    held = [name for name in sets if int(status[name], 16)]
    assert held
    return held

@processing(kind="a")
class Processing:
    def __init__(self):
        global found, refused
        found, refused = {{}}, {{}}
        attempt("the database", lambda: open(TOLD["database"]).read())
        attempt("writing into the server's folder", lambda: open(TOLD["database"], "a"))
        attempt("another Run's scratch", lambda: open(TOLD["other"]).read())
        attempt("the home folder", lambda: entries(TOLD["home"]))
        attempt("/root", lambda: entries("/root"))
        attempt("the server's environment", environments)
        attempt("the server's memory", lambda: open(f"/proc/{{TOLD['pid']}}/mem", "rb").fileno())
        attempt("signalling the server", lambda: os.kill(TOLD["pid"], signal.SIGUSR1))
        attempt("signalling the supervisor", lambda: os.kill(TOLD["supervisor"], 0))
        attempt("a connection", lambda: socket.create_connection(("127.0.0.1", TOLD["tcp"]), 5))
        attempt("a datagram", send_datagram)
        attempt("a socket by its path", connect_by_path)
        attempt("more files at once", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 40, 1 << 40)))
        attempt("capabilities", capabilities)
        attempt("shared memory past the limit", lambda: fill("/dev/shm/pixmill-test-full", 600))
        attempt("a file past the limit", lambda: fill("large", 80))
        attempt("a new folder in the system", lambda: os.mkdir("/pixmill-test"))
        print(json.dumps({{"found": found, "refused": refused}}))
    def __call__(self, batch): ...
"""
FILES = {"the database", "writing into the server's folder", "another Run's scratch", "the home folder", "/root"}
OTHERS = {"the server's environment", "the server's memory", "signalling the server", "signalling the supervisor"}
NETWORK = {"a connection", "a socket by its path"}
ALWAYS = NETWORK | {"more files at once", "capabilities", "a file past the limit"}
IN_MEMORY = {"shared memory past the limit", "a new folder in the system"}
REFUSED = {
    "bubblewrap": FILES | OTHERS | ALWAYS | IN_MEMORY,
    "landlock": FILES | OTHERS | ALWAYS | IN_MEMORY,
    "none": ALWAYS,
}


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    if request.param == "bubblewrap":
        request.getfixturevalue("bubblewrap")
    if request.param == "landlock" and not landlock_version():
        pytest.skip("this kernel has no Landlock")
    return str(request.param)


@pytest.fixture
def server_process(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """It has a secret in its environment, as a server has its database's password."""
    process = subprocess.Popen(["sleep", "600"], env={"PIXMILL_DATABASE_URL": SECRET}, cwd=tmp_path)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[dict[str, Any]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as by_path,
    ):
        udp.bind(("127.0.0.1", 0))
        by_path.bind(str(tmp_path / "s"))
        by_path.listen()
        udp.setblocking(False)
        yield {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "unix": str(tmp_path / "s")}
        with pytest.raises(BlockingIOError):
            udp.recv(100)


def run_code(
    code: str, environment: Environment, tmp_path: Path, tier: str, *, exit_code: int = 0, **limits: int
) -> FakeRun:
    run = make_run(tmp_path / "images", images=1, limits={"cpus": 1, "memory_bytes": 0, **limits})
    source = tmp_path / "processing.py"
    source.write_text(HEAD + code)
    scratch = tmp_path / "runs" / "run_1"
    with serving(run) as url, supervising(url, environment, source, scratch, sandbox=tier) as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == exit_code
    assert not marked()
    return run


def marked() -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if MARK in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def called(name: str) -> list[psutil.Process]:
    """All that still run under a name."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == name and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def error_of(run: FakeRun) -> str | None:
    assert run.finished is not None
    error = run.finished["error"]
    return str(error["type"]) if error else None


def test_what_a_run_tries_to_reach_is_refused(
    plain_environment: Environment,
    tmp_path: Path,
    tier: str,
    server_process: "subprocess.Popen[bytes]",
    listening: dict[str, Any],
) -> None:
    database, other = tmp_path / "data" / "pixmill.sqlite", tmp_path / "runs" / "run_2" / "inside" / "secret"
    for path in (database, other):
        path.parent.mkdir(parents=True)
        path.write_text("a secret")
    told = {
        **listening,
        "database": str(database),
        "other": str(other),
        "home": str(Path.home()),
        "pid": server_process.pid,
        "supervisor": os.getpid(),
    }
    limits = {"memory_bytes": 400 * MIB, "scratch_bytes": 50 * MIB, "processes": 300}
    run = run_code(TRY.format(told=json.dumps(told)), plain_environment, tmp_path, tier, **limits)
    Path("/dev/shm/pixmill-test-full").unlink(missing_ok=True)
    if Path("/pixmill-test").exists():
        Path("/pixmill-test").rmdir()
    seen = json.loads(run.text.splitlines()[0])
    expected = REFUSED[tier]
    if tier == "landlock" and landlock_version() < 6:
        expected = expected - {"signalling the server", "signalling the supervisor"}
    assert expected - seen["refused"].keys() == set(), seen["found"]
    if "signalling the server" in expected:
        assert server_process.poll() is None


def test_what_holds_each_wall_and_each_limit_is_said_on_the_run(
    plain_environment: Environment, tmp_path: Path, tier: str
) -> None:
    code = '@processing(kind="a")\nclass Processing:\n    def __call__(self, batch): ...\n'
    limits = {"memory_bytes": 400 * MIB, "scratch_bytes": 50 * MIB, "processes": 300}
    run = run_code(code, plain_environment, tmp_path, tier, **limits)
    assert run.started is not None
    said = run.started["sandbox"]
    assert said["tier"] == tier
    assert said["walls"]["files"] == {"bubblewrap": "namespace", "landlock": "landlock", "none": "open"}[tier]
    assert said["walls"]["network"] == ("namespace" if tier == "bubblewrap" else "seccomp")
    assert said["limits"].keys() == {"cpus", "memory", "processes", "scratch"}
    assert "none" not in said["limits"].values()


def test_a_fork_bomb_is_ended_with_all_its_processes(plain_environment: Environment, tmp_path: Path, tier: str) -> None:
    # It ends by itself after 700, so that a defect here does not take the machine along.
    name = f"bomb-{os.getpid()}"
    code = """
import ctypes
@processing(kind="a")
class Processing:
    def __init__(self):
        ctypes.CDLL(None).prctl(15, NAME)  # PR_SET_NAME: what is forked has it too.
        print(open("/proc/self/comm").read(), flush=True)
        counted = mmap.mmap(-1, 8)
        while True:
            number = int.from_bytes(counted[:], "little")
            if number > 700:
                os.execv("/usr/bin/sleep", ["sleep", MARK])
            counted[:] = (number + 1).to_bytes(8, "little")
            try:
                if os.fork() == 0 and number % 3 == 0:
                    os.setsid()
            except OSError:
                time.sleep(0.01)
    def __call__(self, batch): ...
"""
    code = code.replace("MARK", repr(MARK)).replace("NAME", repr(name.encode()))
    run = run_code(code, plain_environment, tmp_path, tier, processes=120)
    assert error_of(run) == "ProcessesExceeded", (run.text, run.finished, run.started)
    assert run.text.split()[0] == name
    wait_until(lambda: not called(name))
    (event,) = run.events
    assert event["kind"] == "processes-exceeded"
    # A cgroup holds them at its limit; else they are counted, and those who count come late, but not as late as that.
    assert 120 <= event["facts"]["used"] < 700


@pytest.mark.parametrize("way", ["at once", "in pieces", "in processes"])
def test_ten_gigabytes_of_memory_are_not_had(
    way: str, plain_environment: Environment, tmp_path: Path, tier: str
) -> None:
    code = {
        "at once": "held = bytearray(10 << 30)",
        "in pieces": "held = [bytearray(b'x') * (16 << 20) for _ in range(640)]",
        "in processes": "[os.fork() for _ in range(3)]; held = [bytearray(b'x') * (16 << 20) for _ in range(80)]",
    }[way]
    whole = f"""
@processing(kind="a")
class Processing:
    def __init__(self):
        {code}
        print("had it")
        time.sleep(60)
    def __call__(self, batch): ...
"""
    run = run_code(whole, plain_environment, tmp_path, tier, memory_bytes=400 * MIB)
    assert "had it" not in run.text
    assert error_of(run) == ("MemoryError" if way == "at once" else "MemoryExceeded")
    assert all(event["facts"]["used_bytes"] < 2 << 30 for event in run.events)


@pytest.mark.parametrize("way", ["many files", "a file without a name", "many empty files"])
def test_a_run_that_fills_the_disk_is_ended(
    way: str, plain_environment: Environment, tmp_path: Path, tier: str
) -> None:
    code = {
        "many files": "open(f'{n}', 'wb').write(bytes(1 << 20))",
        "a file without a name": "kept.append(open(f'{n}', 'wb')); os.unlink(f'{n}'); kept[-1].write(bytes(1 << 20))",
        "many empty files": "open(f'{n}', 'wb').close()",
    }[way]
    whole = f"""
@processing(kind="a")
class Processing:
    def __init__(self):
        kept = []
        for n in range(20_000):
            {code}
            {"time.sleep(0.002)" if way != "many empty files" else ""}
        time.sleep(60)
    def __call__(self, batch): ...
"""
    run = run_code(whole, plain_environment, tmp_path, tier, scratch_bytes=30 * MIB)
    assert error_of(run) == "ScratchExceeded"
    assert [event["kind"] for event in run.events] == ["scratch-exceeded"]


HIDING = f"""
@processing(kind="a")
class Processing:
    def __init__(self):
        for _ in range(2):
            if os.fork() == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
                os.chdir("/")
                os.execve("/usr/bin/sleep", ["sleep", "{MARK}"], {{}})
        print("ready")
        time.sleep(600)
    def __call__(self, batch): ...
"""


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until, marked()
        time.sleep(0.05)


@pytest.mark.parametrize("end", ["killed", "cancelled"])
def test_who_forked_twice_in_a_session_of_their_own_ends_with_the_supervisor(
    end: str, plain_environment: Environment, tmp_path: Path, tier: str
) -> None:
    run = make_run(tmp_path / "images", images=1)
    source = tmp_path / "processing.py"
    source.write_text(HEAD + HIDING)
    with serving(run) as url, supervising(url, plain_environment, source, tmp_path / "s", sandbox=tier) as supervisor:
        run.wait_for(lambda run: b"ready" in run.log)
        wait_until(lambda: len(marked()) == 2)
        if end == "killed":
            supervisor.kill()
        else:
            run.cancel = True
        supervisor.wait(PATIENCE_SECONDS)
        wait_until(lambda: not marked())


def test_a_child_that_ends_by_a_signal_is_told_with_that_signal(
    plain_environment: Environment, tmp_path: Path, tier: str
) -> None:
    code = """
@processing(kind="a")
class Processing:
    def __init__(self):
        os.kill(os.getpid(), signal.SIGSEGV)
    def __call__(self, batch): ...
"""
    run = run_code(code, plain_environment, tmp_path, tier)
    assert run.finished is not None
    assert run.finished["signal"] == 11


def test_a_keeper_ends_what_it_keeps_when_its_supervisor_is_gone_before_it_looked(tmp_path: Path) -> None:
    code = (
        f"import os; from pixmill.runtime.process_tree import keeper_command as k; "
        f"os.execv('/bin/sh', ['sh', '-c', '\"$@\" & exit', '-', *k(None, ['/usr/bin/sleep', '{MARK}'])])"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    wait_until(lambda: not marked())
