"""A Pixmill whose server, worker, supervisors and children are killed, and what must be true of it nevertheless."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Final

import psutil
from sqlalchemy import select

from pixmill.client import Client
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import annotations_of, assets_page
from pixmill_server.datasets.tables import VersionRow
from pixmill_server.jobs.lifecycle import RunStatus
from pixmill_server.jobs.tables import RunRow, WorkerRow
from pixmill_server.settings import read_settings
from pixmill_server.wiring import Services, open_services
from tests.e2e.scenes import BRIGHT, draw
from tests.free_port import free_port
from tests.shared_environments import share_environments

IMAGES: Final = 100
PATIENCE_SECONDS: Final = 240
"""Long after what is promised, so that late and never are told apart."""
LOOK_SECONDS: Final = 0.01
CALM_LOOK_SECONDS: Final = 0.1
"""Where nothing has to be met at a certain moment: looking costs what the Run could use."""
LINES: Final = 5
"""For each image, so that a log is long enough to lose something of."""
PROCESSING: Final = (
    BRIGHT.replace("class FindBright", "class Chaotic")
    .replace(
        'print(f"looked at {asset.path}", flush=True)', f'print(f"{{asset.path}}\\n" * {LINES}, end="", flush=True)'
    )
    .replace(
        "            yield asset.annotate", '            yield asset.tag("seen")\n            yield asset.annotate'
    )
)
Content = dict[str, tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]]
"""Of a version: path to tags and boxes."""

NewDatabase = Callable[[], str]
"""The URL of a fresh, empty database, each time; empty: SQLite in the data folder."""


class BrokenPromiseError(AssertionError):
    """What Pixmill promises did not hold."""


@dataclass
class World:
    """One installation in a folder of its own."""

    folder: Path
    environment: dict[str, str]
    mutants: Sequence[str] = ()
    port: int = 0
    server: psutil.Popen | None = None
    worker: psutil.Popen | None = None
    services: Services = field(init=False)
    client: Client = field(init=False)
    full: Content = field(default_factory=dict)
    full_log: bytes = b""
    rounds: int = 0
    orders: int = 0
    restarted_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When what was killed was started again."""
    last_seconds: float = 0.0
    """From the restart to the Run's end; 0 where it had ended before."""
    last_start_seconds: float = 0.0
    """From the restart until server and worker were up."""
    family: set[psutil.Process] = field(default_factory=set)
    """Processes of Runs that had to be gone with them."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def line(self) -> Path:
        """The line to the server's points."""
        return self.folder / "line"

    def start_server(self) -> None:
        arguments = ["serve", "--port", str(self.port), "--data", str(self.data), "--announce"]
        command = [sys.executable, "-m", "tests.chaos.server", str(self.line), *self.mutants, "--", *arguments]
        self.server = psutil.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=self._log("server"))
        require(self.server.stdout.readline(), "the server starts")

    def start_worker(self, name: str = "worker", *, server: str = "") -> psutil.Popen:
        arguments = ["worker", "--server", server or self.url, "--data", str(self.data)]
        command = [sys.executable, "-m", "tests.chaos.server", str(self.line), "--", *arguments]
        started = psutil.Popen(command, env=self.environment, stderr=self._log(name))
        self.worker = self.worker or started
        return started

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fresh_version(self) -> str:
        """A version like all others, that nothing has happened to."""
        self.rounds += 1
        address = f"scenes/round-{self.rounds}"
        self.client.versions.fork("scenes/base", address)
        return address

    def launch(self, address: str) -> str:
        """The id of a Job on the version."""
        return self.client.jobs.launch("chaotic", address).id

    def run(self, job_id: str) -> RunRow:
        """The newest Run, as the database has it."""
        with self.services.database.reading() as session:
            runs = select(RunRow).where(RunRow.job_id == job_id).order_by(RunRow.number.desc()).limit(1)
            return session.scalars(runs).one()

    def require_labels(self, address: str, names: Sequence[str]) -> None:
        found = [label.name for label in self.client.labels.list(address)]
        require(found == list(names), f"{address} has the Labels {names}, not {found}")

    def supervisor(self, run: RunRow) -> psutil.Process | None:
        """The Run's own, if it lives; also one that its worker had no time to tell of."""
        if run.handle is not None:
            number = json.loads(run.handle)["pid"]
            return psutil.Process(number) if self._is_supervisor(number, run.id) else None
        return next((psutil.Process(pid) for pid in psutil.pids() if self._is_supervisor(pid, run.id)), None)

    def _is_supervisor(self, number: int, run_id: str) -> bool:
        with suppress(psutil.Error):
            process = psutil.Process(number)
            is_there = process.cwd() == str(self.data / "scratch" / "runs" / run_id)
            return is_there and "pixmill.runtime" in process.cmdline()
        return False

    def victim(self, name: str, run: RunRow) -> psutil.Process | None:
        """The process that is to die; None where it is not there (yet, or any more)."""
        if name in {"server", "worker"}:
            process = self.server if name == "server" else self.worker
            return process if process is not None and process.is_running() else None
        supervisor = self.supervisor(run)
        if name == "supervisor" or supervisor is None:
            return supervisor
        with suppress(psutil.NoSuchProcess):
            below = supervisor.children(recursive=True)
            return below[-1] if below else None
        return None

    def require_victim(self, name: str, job_id: str) -> psutil.Process:
        found = self.victim(name, self.run(job_id))
        assert found is not None
        return found

    def remember_family(self, run: RunRow) -> None:
        """The supervisor and all below it: none may be left at the end, whoever is killed."""
        with suppress(psutil.NoSuchProcess):
            supervisor = self.supervisor(run)
            if supervisor is not None:
                self.family |= {supervisor, *supervisor.children(recursive=True)}

    def start_again(self, name: str) -> None:
        """Of the victims that were killed, those that are always there."""
        self.restarted_at = self.services.clock.now()
        if name == "server" and self.server is not None:
            self.server.wait()
            self.start_server()
        if name == "worker" and self.worker is not None:
            self.worker.wait()
            self.worker = None
            self.start_worker()

    def require_all_kept(self, address: str, job_id: str) -> str:
        """Wait for the Run's end and look whether every promise was kept; how it ended."""
        wait_until(lambda: self._is_worker_up() or self.run(job_id).state.is_over, "the worker begins")
        self.last_start_seconds = (self.services.clock.now() - self.restarted_at).total_seconds()
        wait_until(lambda: self.run(job_id).state.is_over, f"{job_id} is over")
        run = self.run(job_id)
        self.last_seconds = max(0.0, (_ended_at(run) - self.restarted_at).total_seconds())
        content, log = self.content(address), self.log(run.id)
        if run.state is RunStatus.SUCCEEDED:
            require(content == self.full, f"{job_id} succeeded, and its version has the full result")
            require(log == self.full_log, f"{job_id} succeeded, and its log is whole")
        else:
            require(not any(tags or boxes for tags, boxes in content.values()), f"{job_id} {run.status}: nothing shows")
            lines = log.splitlines(keepends=True)
            child = b"".join(line for line in lines if line.startswith(b"scene-"))
            require(self.full_log.startswith(child), f"{job_id}: its log has no gap and no repeat")
        self._require_nothing_left(address, run)
        return run.status

    def _require_nothing_left(self, address: str, run: RunRow) -> None:
        wait_until(lambda: self.supervisor(run) is None, f"no supervisor of {run.id} is left")
        wait_until(lambda: not any(map(_lives, self.family)), f"no process of {run.id} is left: {self.family}")
        self.family.clear()
        wait_until(lambda: not self._leased(address), f"no lease on {address} is left")
        if run.partial == "kept":
            self.client.jobs.partial.drop(run.job_id)
        staged = self.data / "objects" / "runs" / run.id / "chunks"
        wait_until(lambda: not staged.exists() or not any(staged.iterdir()), f"no staged file of {run.id} is left")
        scratch = self.data / "scratch" / "runs" / run.id
        wait_until(lambda: not scratch.exists(), f"{scratch} is gone")

    def _is_worker_up(self) -> bool:
        """Whether it has said so: how long its imports take is no matter of the Run's."""
        with self.services.database.reading() as session:
            numbers = session.scalars(select(WorkerRow.pid)).all()
        return self.worker is not None and self.worker.pid in numbers

    def content(self, address: str) -> Content:
        """All that the version's head holds, read from the stores."""
        pinned = pin(self.services.datasets, self.client.versions.show(address).id)
        assets = assets_page(self.services.datasets, pinned, after=None, limit=10 * IMAGES).items
        boxes: dict[str, list[tuple[float, ...]]] = {asset.id: [] for asset in assets}
        for row in annotations_of(self.services.datasets, pinned, list(boxes)).to_pylist():
            box = (row["bbox_x"], row["bbox_y"], row["bbox_width"], row["bbox_height"])
            boxes[row["asset_id"]].append(box)
        return {asset.path: (asset.tags, tuple(sorted(boxes[asset.id]))) for asset in assets}

    def log(self, run_id: str) -> bytes:
        return b"".join(self.services.jobs.logs.stream(run_id, 0, self.services.jobs.logs.length(run_id)))

    def _leased(self, address: str) -> bool:
        version_id = self.client.versions.show(address).id
        with self.services.database.reading() as session:
            row = session.get_one(VersionRow, version_id)
            return row.lease_owner is not None

    def _log(self, name: str) -> IO[bytes]:
        return (self.folder / f"{name}.log").open("ab")

    def tell_where_it_hangs(self) -> None:
        """Server and worker write where each of their threads is into their logs."""
        for name, process in (("server", self.server), ("worker", self.worker)):
            if process is not None and process.poll() is None:
                log = self.folder / f"{name}.log"
                told_before = log.stat().st_size
                process.send_signal(signal.SIGUSR1)
                with suppress(BrokenPromiseError):
                    wait_until(partial(_is_larger, log, told_before), f"{name} tells where it is", seconds=5)


@contextmanager
def world(folder: Path, *, database_url: str = "", mutants: Sequence[str] = (), **settings: str) -> Iterator[World]:
    """A running Pixmill with one version of pictures, and the result of one undisturbed Run to compare with."""
    environment = {**os.environ, **settings, **({"PIXMILL_DATABASE_URL": database_url} if database_url else {})}
    made = World(folder, environment, mutants, port=free_port())
    share_environments(made.data)
    made.line.mkdir(parents=True)
    made.start_server()
    try:
        made.start_worker()
        made.services = open_services(read_settings({**environment, "PIXMILL_DATA": str(made.data)}))
        made.client = Client(made.url, (made.data / "local-token").read_text().strip())
        _furnish(made)
        yield made
    except BrokenPromiseError:
        made.tell_where_it_hangs()
        raise
    finally:
        for process in (made.worker, made.server):
            if process is not None:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                process.wait()
        _kill_supervisors(made.data)
        made.services.close()


def _kill_supervisors(data: Path) -> None:
    """Of Runs that nobody waits for any more: they would bear with a server that is away for minutes."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()).is_relative_to(data / "scratch"):
                process.kill()


def _furnish(made: World) -> None:
    pictures, code = draw(made.folder / "pictures", IMAGES), made.folder / "chaotic.py"
    code.write_text(PROCESSING)
    environment = {
        **made.environment,
        "PIXMILL_URL": made.url,
        "PIXMILL_TOKEN": (made.data / "local-token").read_text().strip(),
    }
    for words in (
        ("datasets", "import", str(pictures), "--to", "scenes/base"),
        ("labels", "set", "scenes/base", "bright"),
        ("processings", "push", str(code)),
    ):
        subprocess.run(
            [Path(sys.executable).with_name("pixmill"), *words], env=environment, check=True, capture_output=True
        )
    shutil.rmtree(pictures)
    address = made.fresh_version()
    job_id = made.launch(address)
    wait_until(lambda: made.run(job_id).state.is_over, "an undisturbed Run ends")
    run = made.run(job_id)
    made.full, made.full_log = made.content(address), made.log(run.id)
    require(run.state is RunStatus.SUCCEEDED, f"an undisturbed Run succeeds: {run.message}\n{made.full_log.decode()}")
    require(all(tags and boxes for tags, boxes in made.full.values()), "an undisturbed Run annotates every picture")
    require(made.full_log.count(b"\n") == LINES * IMAGES, "an undisturbed Run has its whole log")


def order(made: World, point: str, nth: int) -> None:
    """Have the server be held when it reaches a point for the `nth` time from now on."""
    made.orders += 1
    for name in ("reached", "order"):
        (made.line / name).unlink(missing_ok=True)
    beside = made.line / "order.new"
    beside.write_text(json.dumps({"point": point, "nth": nth, "id": made.orders}))
    beside.replace(made.line / "order")


def let_go(made: World) -> None:
    (made.line / "order").unlink(missing_ok=True)
    (made.line / f"go-{made.orders}").touch()


def wait_until(
    true: Callable[[], object],
    what: str,
    *,
    seconds: float = PATIENCE_SECONDS,
    look_seconds: float = CALM_LOOK_SECONDS,
) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        require(time.monotonic() < give_up, what)
        time.sleep(look_seconds)


def _ended_at(run: RunRow) -> datetime:
    assert run.ended_at is not None
    return run.ended_at


def _is_larger(file: Path, size: int) -> bool:
    return file.stat().st_size > size


def _lives(process: psutil.Process) -> bool:
    """A zombie does not: only its number is left."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def require(true: object, what: str) -> None:
    if not true:
        raise BrokenPromiseError(what)
