"""A worker as a process beside the server: started, started again should it end unasked, and stopped."""

import logging
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

AGAIN_SECONDS = 1.0
GRACE_SECONDS = 20.0

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class WorkerBeside:
    """One worker of a server on this machine."""

    data: Path
    server_url: str
    _stopped: threading.Event = field(default_factory=threading.Event)
    _process: "subprocess.Popen[bytes] | None" = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start it, and from now on see to it that there is one."""
        self._process = self._begin()
        self._thread = threading.Thread(target=self._keep, name="worker beside", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end, and wait; its Runs are stopped by it."""
        self._stopped.set()
        if self._process is None or self._thread is None:
            return
        self._process.terminate()
        self._thread.join(GRACE_SECONDS)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _begin(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "pixmill_server", "worker", "--server", self.server_url]
        # The pipe is held open by this process alone, so the worker ends with it, however it ends. A group of its own:
        # Ctrl-C on a terminal reaches the server, which stops it in good order.
        return subprocess.Popen([*command, "--data", str(self.data), "--tied"], stdin=subprocess.PIPE, process_group=0)

    def _keep(self) -> None:
        while self._process is not None:
            code = self._process.wait()
            if self._stopped.is_set():
                return
            logger.error("worker ended unasked", extra={"exit_code": code})
            if self._stopped.wait(AGAIN_SECONDS):
                return
            self._process = self._begin()
