"""What a worker has to work with on its machine."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import httpx2

from pixmill.environments import Environment, build, environment_of, read_archive, remove_unused, write_files
from pixmill_server.datasets.stores import Datasets
from pixmill_server.db.engine import Database
from pixmill_server.executors import create_executors
from pixmill_server.executors.contract import Executor, Handle, ImageExecutor, Running
from pixmill_server.jobs.errors import PlacementFailed
from pixmill_server.jobs.logs import Logs
from pixmill_server.jobs.queue import is_anything_waiting
from pixmill_server.jobs.upkeep import clear_away, needed_locks
from pixmill_server.jobs.workers import Order, PlacedRun
from pixmill_server.kernel.clock import Clock
from pixmill_server.storage.objects import Digest, Objects
from pixmill_server.wiring import Services

ENVIRONMENTS_KEPT_FOR = timedelta(days=30)
"""Since somebody asked for one; those of the newest Processings stay."""
_HEALTH_SECONDS = 5.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Built once; every path is absolute."""

    database: Database
    objects: Objects
    datasets: Datasets
    logs: Logs
    clock: Clock
    executors: Mapping[str, Executor]
    server_url: str
    sdk_wheel: Path
    environments: Path
    scratch: Path
    sandbox: str
    """`auto`, or the tier that must be used."""
    reference_networks: Sequence[str] = ()
    """Networks that are not public, out of which a Run may fetch images by their address."""

    @classmethod
    def of(cls, services: Services, server_url: str) -> Self:
        """This machine's, with every executor there is."""
        processings = services.processings
        return cls(
            database=services.database,
            objects=services.objects,
            datasets=services.datasets,
            logs=services.jobs.logs,
            clock=services.clock,
            executors=create_executors(services.settings.container_engine),
            server_url=server_url,
            sdk_wheel=processings.sdk_wheel,
            environments=processings.environments,
            scratch=services.settings.scratch,
            sandbox=processings.sandbox,
            reference_networks=services.settings.reference_networks,
        )

    def has_waiting(self) -> bool:
        """Whether it is worth asking for a Run."""
        with self.database.reading() as session:
            return is_anything_waiting(session, now=self.clock.now())

    def server_answers(self) -> bool:
        """Whether supervisors could be heard."""
        url = f"{self.server_url}/api/v1/health"
        # To read the machine's certificates takes as long as all the rest, and is for TLS alone.
        verify = url.startswith("https://")
        try:
            return httpx2.get(url, timeout=_HEALTH_SECONDS, trust_env=False, verify=verify).is_success
        except httpx2.TransportError:
            return False

    def clear_away(self) -> None:
        """Remove what Runs have left and nobody needs any more."""
        clear_away(self.database, self.objects, now=self.clock.now())

    def remove_unused_environments(self) -> None:
        """Of versions of Processings, and of releases of Pixmill, that nothing has run with for a month."""
        with self.database.reading() as session:
            needed = needed_locks(session)
        newest = [locked for key in needed.of_newest if (locked := self.objects.get(Digest(key)))]
        removed = remove_unused(
            self.environments,
            digests={environment_of(locked, self.sdk_wheel, self.environments).digest for locked in newest},
            locks={self.objects.get(Digest(key)) for key in needed.of_runs},
            asked_before=self.clock.now() - ENVIRONMENTS_KEPT_FOR,
        )
        if removed:
            logger.info("removed unused environments", extra={"digests": removed})

    def executor(self, name: str) -> Executor:
        """Raises `PlacementFailed` where there is none of this name, or it cannot be used here."""
        executor = self.executors.get(name)
        if executor is None:
            known = ", ".join(sorted(self.executors))
            raise PlacementFailed(f"There is no executor '{name}' on this machine.", hint=f"There are: {known}.")
        why = executor.why_unavailable()
        if why is not None:
            raise PlacementFailed(f"The executor '{name}' cannot be used here: {why}")
        return executor

    def image_executor(self, order: Order) -> ImageExecutor:
        """Raises `PlacementFailed` where images cannot be run here."""
        executor = self.executor(order.executor)
        if not isinstance(executor, ImageExecutor):
            raise PlacementFailed(f"The executor '{order.executor}' runs no images.")
        return executor

    def environment_of(self, order: Order) -> Environment:
        """Found by its lock, or built now; raises `EnvironmentFailed`."""
        lock = self.objects.get(Digest(order.processing.lock_key))
        return build(lock, self.sdk_wheel, self.environments)

    def source_of(self, order: Order) -> Path:
        """The code of the Processing, as a file or as the folder of its files."""
        digest = Digest(order.processing.source_key)
        if order.processing.folder is not None:
            return self._source_folder(digest, order.processing.name)
        path = self.scratch / "sources" / digest / f"{order.processing.name.replace('-', '_')}.py"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_suffix(".new")
            beside.write_bytes(self.objects.get(digest))
            beside.replace(path)
        return path

    def _source_folder(self, digest: Digest, name: str) -> Path:
        path = self.scratch / "sources" / digest / name
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=".new-") as beside:
            made = Path(beside) / name
            write_files(read_archive(self.objects.get(digest)), made)
            try:
                made.rename(path)
            except OSError:
                # Another worker of this machine was faster: the same digest is the same files.
                if not path.exists():
                    raise
        return path

    def scratch_of(self, run_id: str) -> Path:
        """A folder of the Run's own, made where it is missing."""
        folder = self.scratch / "runs" / run_id
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    def runs_with_scratch(self) -> set[str]:
        """The Runs of which there is a folder."""
        runs = self.scratch / "runs"
        return {folder.name for folder in runs.iterdir()} if runs.exists() else set()

    def remove_scratch(self, run_id: str) -> None:
        """Of a Run that was never placed; nothing happens the second time."""
        shutil.rmtree(self.scratch / "runs" / run_id, ignore_errors=True)

    def is_running(self, run: PlacedRun) -> bool:
        """Whether its supervisor is alive."""
        executor = self.executors.get(run.executor)
        return executor is not None and isinstance(executor.poll(Handle(run.handle)), Running)

    def last_words(self, run: PlacedRun) -> str:
        """The last line that its supervisor printed; empty where it printed nothing."""
        try:
            lines = (self.scratch / "runs" / run.run_id / "output.log").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def stop(self, run: PlacedRun, *, grace_seconds: float) -> None:
        """End the supervisor and all it started, and remove what they left; nothing happens the second time."""
        executor = self.executors.get(run.executor)
        if executor is not None:
            executor.stop(Handle(run.handle), grace_seconds)
        self.remove_scratch(run.run_id)
