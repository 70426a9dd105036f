"""The boundary between supervisor and child: what the child sees, how the log comes out, and that nothing is left."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pixmill.environments import Environment
from tests.gates import WAIT, gate_in
from tests.run_server import PATIENCE_SECONDS, TOKEN, FakeRun, make_run, serving, supervising

HEAD = '"""A Processing."""\nimport json, os, sys, time\nfrom pixmill.authoring import *\n'
TIERS = ["bubblewrap", "landlock", "none"]
MARK = f"987654.{os.getpid()}"
"""How long the Processing's own child sleeps: by it, it is known from those of other tests on this machine."""
LOOK_AROUND = """
@processing(kind="a")
class Processing:
    def __init__(self):
        fds = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2
               if os.path.exists(f"/proc/self/fd/{fd}")}
        readable = [path for path in ("/etc/passwd", "/etc/shadow", "/home", "/var", "/opt", "/root/.bashrc")
                    if os.access(path, os.R_OK)]
        print(json.dumps({"environ": dict(os.environ), "cwd": os.getcwd(), "argv": open("/proc/self/cmdline").read(),
                          "fds": fds, "pids": [p for p in os.listdir("/proc") if p.isdigit()], "readable": readable,
                          "prefix": sys.prefix, "interfaces": open("/proc/net/dev").read(), "uid": os.getuid(),
                          "home": os.path.expanduser("~")}))
    def __call__(self, batch): ...
"""
FOREVER = f"""
import subprocess
@processing(kind="a")
class Processing:
    def __init__(self):
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.below = subprocess.Popen(["sleep", "{MARK}"], start_new_session=True)
        print("ready")
    def __call__(self, batch):
        time.sleep(1000)
"""


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    if request.param == "bubblewrap":
        request.getfixturevalue("bubblewrap")
    return str(request.param)


def write(tmp_path: Path, code: str) -> Path:
    source = tmp_path / "processing.py"
    source.write_text(HEAD + code)
    return source


def of_this_run(scratch: Path) -> list[psutil.Process]:
    """Processes that were told of the Run's scratch folder, or are named like what the Processing starts."""
    found = []
    for process in psutil.process_iter():
        try:
            known = " ".join(process.cmdline()) + process.cwd() + str(process.environ())
        except psutil.Error:
            continue
        if str(scratch) in known or MARK in known:
            found.append(process)
    return found


def wait_until_nothing_is_left(scratch: Path) -> None:
    """Soon: test_ending.py has what is promised, and here most of it is lost where others have the CPU."""
    until = time.monotonic() + PATIENCE_SECONDS
    while left := of_this_run(scratch):
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.05)


def test_the_child_sees_no_token_no_path_of_ours_and_no_descriptor_but_its_pipes(
    plain_environment: Environment, tmp_path: Path, bubblewrap: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXMILL_DATABASE_URL", "postgresql://user:secret@host/db")
    run = make_run(tmp_path / "images", images=1)
    source, scratch = write(tmp_path, LOOK_AROUND), tmp_path / "scratch"
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    seen = json.loads(run.text)
    told = json.dumps({key: seen[key] for key in ("environ", "cwd", "argv", "fds", "prefix")})
    for secret in (TOKEN, "PIXMILL", "secret", "127.0.0.1", str(tmp_path), str(plain_environment.folder)):
        assert secret not in told
    assert seen["prefix"] == "/pixmill/environment"
    assert len(seen["fds"]) == 2
    assert all(target.startswith("pipe:") for target in seen["fds"].values())
    assert seen["readable"] == []
    assert len(seen["pids"]) <= 3
    assert [line.split(":")[0].strip() for line in seen["interfaces"].splitlines()[2:]] == ["lo"]
    assert seen["uid"] != 0
    assert seen["home"] == "/pixmill/scratch"


def test_without_bubblewrap_the_child_still_has_no_variable_and_no_descriptor_of_ours(
    plain_environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXMILL_DATABASE_URL", "postgresql://user:secret@host/db")
    run = make_run(tmp_path / "images", images=1)
    source, scratch = write(tmp_path, LOOK_AROUND), tmp_path / "scratch"
    with serving(run) as url, supervising(url, plain_environment, source, scratch, sandbox="landlock") as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    seen = json.loads(run.text)
    assert "PIXMILL" not in json.dumps(seen["environ"])
    assert TOKEN not in run.text
    assert all(target.startswith("pipe:") for target in seen["fds"].values())


def test_landlock_refuses_files_outside_the_room(plain_environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret")
    code = f"""
@processing(kind="a")
class Processing:
    def __init__(self):
        for path in ({str(tmp_path / "secret")!r}, "/etc/passwd"):
            try:
                print(open(path).read())
            except PermissionError:
                print("refused")
        open("mine", "w").write("allowed")
    def __call__(self, batch): ...
"""
    run = make_run(tmp_path / "images", images=1)
    source, scratch = write(tmp_path, code), tmp_path / "scratch"
    with serving(run) as url, supervising(url, plain_environment, source, scratch, sandbox="landlock") as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert run.text == "refused\nrefused\n"
    assert run.finished is not None
    assert run.finished["error"] is None


def test_the_log_comes_byte_for_byte_while_the_run_goes_on(
    plain_environment: Environment, tmp_path: Path, tier: str
) -> None:
    code = r"""
@processing(kind="a")
class Processing:
    def __init__(self):
        for n in range(5):
            print(f"\r{n * 25} %", end="")
            os.write(2, b" \xff\x00 ")
            wait_at(GATE)
        print("\n\x1b[31mred\x1b[0m")
    def __call__(self, batch): ...
"""
    run = make_run(tmp_path / "images", images=1)
    scratch = tmp_path / "scratch"
    with gate_in(plain_environment.folder.parent) as gate:
        source = write(tmp_path, WAIT + code.replace("GATE", repr(gate.name)))
        with serving(run) as url, supervising(url, plain_environment, source, scratch, sandbox=tier) as supervisor:
            run.wait_for(lambda run: run.log == b"\r0 % \xff\x00 ")
            gate.open()
            assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert bytes(run.log) == b"".join(b"\r%d %% \xff\x00 " % (n * 25) for n in range(5)) + b"\n\x1b[31mred\x1b[0m\n"


def test_a_cancelled_run_is_soon_gone_whatever_its_code_does(
    plain_environment: Environment, tmp_path: Path, tier: str
) -> None:
    run = make_run(tmp_path / "images")
    source, scratch = write(tmp_path, FOREVER), tmp_path / "scratch"
    with serving(run) as url, supervising(url, plain_environment, source, scratch, sandbox=tier) as supervisor:
        run.wait_for(lambda run: b"ready" in run.log)
        run.cancel = True
        assert supervisor.wait(PATIENCE_SECONDS) == 0
        wait_until_nothing_is_left(scratch)
    assert run.finished is not None
    assert run.finished["signal"] == 9
    assert not run.finished["ledger_complete"]


def test_a_supervisor_that_is_killed_takes_all_below_it_along(
    plain_environment: Environment, tmp_path: Path, bubblewrap: object
) -> None:
    run = make_run(tmp_path / "images")
    source, scratch = write(tmp_path, FOREVER), tmp_path / "scratch"
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        run.wait_for(lambda run: b"ready" in run.log)
        assert of_this_run(scratch)
        supervisor.kill()
        supervisor.wait()
        wait_until_nothing_is_left(scratch)
    assert run.finished is None


def test_a_run_that_takes_more_memory_than_its_compute_grants_is_ended_and_says_so(
    plain_environment: Environment, tmp_path: Path, tier: str
) -> None:
    code = """
@processing(kind="a")
class Processing:
    def __init__(self):
        self.much = bytearray(600 << 20)
        time.sleep(60)
    def __call__(self, batch): ...
"""
    run = make_run(tmp_path / "images", limits={"cpus": 1, "memory_bytes": 300 << 20})
    source, scratch = write(tmp_path, code), tmp_path / "scratch"
    with serving(run) as url, supervising(url, plain_environment, source, scratch, sandbox=tier) as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert run.finished is not None
    assert run.finished["error"]["type"] == "MemoryExceeded"
    assert [event["kind"] for event in run.events] == ["memory-exceeded"]


def log_lines_of(run: FakeRun) -> int:
    return run.log.count(b"\n")


def test_a_million_bytes_of_log_lose_and_repeat_nothing(plain_environment: Environment, tmp_path: Path) -> None:
    code = """
@processing(kind="a")
class Processing:
    def __init__(self):
        for n in range(100_000):
            sys.stdout.write(f"line {n}\\n")
    def __call__(self, batch): ...
"""
    run = make_run(tmp_path / "images", images=1)
    source, scratch = write(tmp_path, code), tmp_path / "scratch"
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert log_lines_of(run) == 100_000
    assert run.text == "".join(f"line {n}\n" for n in range(100_000))


@pytest.mark.parametrize(
    "garbage", ["b'garbage' * 100", "bytes.fromhex('0100000000000000c1')", "bytes.fromhex('0200000000000000ffff')"]
)
def test_a_processing_that_writes_into_pixmills_own_pipe_fails_alone(
    garbage: str, plain_environment: Environment, tmp_path: Path
) -> None:
    code = f"""
@processing(kind="a")
class Processing:
    def __init__(self):
        for fd in range(3, 20):
            try:
                os.write(fd, {garbage})
            except OSError:
                pass
        time.sleep(60)
    def __call__(self, batch): ...
"""
    run = make_run(tmp_path / "images", images=1)
    source, scratch = write(tmp_path, code), tmp_path / "scratch"
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert run.finished is not None
    assert run.finished["error"]["type"] in {"FrameTooLarge", "DecodeError", "ValidationError"}
    assert not run.finished["ledger_complete"]


def test_an_environment_is_built_and_a_run_runs_without_any_network(
    plain_environment: Environment, bubblewrap: object
) -> None:
    """The same two tests again, in a network namespace with nothing but loopback; uv's cache is warm by now."""
    here = Path(__file__).parent
    tests = [
        f"{here / 'test_runs.py'}::test_every_asset_is_worked_on_and_staged_with_its_shapes_in_each_sandbox",
        f"{here.parent / 'environments' / 'test_building.py'}::test_equal_locks_share_one_read_only_environment",
    ]
    without_network = ["bwrap", "--unshare-net", "--dev-bind", "/", "/", "--die-with-parent"]
    command = [*without_network, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    ran = subprocess.run(command, cwd=here.parents[2], capture_output=True, check=False, text=True)
    assert ran.returncode == 0, ran.stdout
