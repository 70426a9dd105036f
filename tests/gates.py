"""A gate at which a Processing waits, in its sandbox, until the test opens it. No test hopes that a Run still runs."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

WAIT = '''
def wait_at(gate: str) -> None:
    """Until the file is there, in the environment: of what a test can write, only that is seen in here."""
    import sys, time
    from pathlib import Path

    while gate and not Path(sys.prefix, gate).exists():
        time.sleep(0.02)
'''
"""To be put into a Processing, which calls `wait_at` with a Parameter."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Closed until it is opened, for good."""

    environments: Path
    name: str

    def open(self) -> None:
        # One at a time: environments are read-only, and other processes of the session have the same ones.
        with (self.environments / ".gates.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for settings in self.environments.glob("*/pyvenv.cfg"):
                folder = settings.parent
                mode = folder.stat().st_mode
                folder.chmod(mode | 0o200)
                (folder / self.name).touch()
                folder.chmod(mode)


@contextmanager
def gate_in(environments: Path) -> Iterator[Gate]:
    """One of its own, in a folder of environments; at the end it is open, so that no child waits for ever."""
    gate = Gate(environments, f"gate-{uuid4().hex}")
    try:
        yield gate
    finally:
        gate.open()
