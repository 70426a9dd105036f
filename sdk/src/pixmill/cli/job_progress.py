"""How far a Run has come, for a person who waits in front of a terminal; elsewhere nothing is shown."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pixmill.cli.output import talk
from pixmill.client import Client
from pixmill.client.jobs import Job
from pixmill.errors import PixmillError

SILENCE_SECONDS = 5.0


@contextmanager
def progress_bar() -> Iterator[Callable[[Job], None]]:
    """A bar on stderr; call what it gives with the Job as it stands."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = talk()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("pending", total=None)

        def show(job: Job) -> None:
            counted = job.progress.done + job.progress.failed + job.progress.skipped
            progress.update(task, description=job.outcome, completed=counted, total=job.progress.total)

        yield show


@dataclass
class Silence:
    """Says now and then how far a Run is, while its log says nothing."""

    client: Client
    job_id: str
    _heard_at: float = field(default_factory=time.monotonic)
    _over: threading.Event = field(default_factory=threading.Event)

    def heard(self) -> None:
        """The log said something."""
        self._heard_at = time.monotonic()

    def __enter__(self) -> Self:
        """From here on."""
        if talk().is_terminal:
            threading.Thread(target=self._speak, daemon=True, name="progress").start()
        return self

    def __exit__(self, *_: object) -> None:
        """No more."""
        self._over.set()

    def _speak(self) -> None:
        while not self._over.wait(SILENCE_SECONDS):
            if time.monotonic() - self._heard_at < SILENCE_SECONDS:
                continue
            try:
                job = self.client.jobs.show(self.job_id)
            except PixmillError:
                # Whoever follows the log says what is wrong with the server.
                continue
            if not self._over.is_set():
                talk().print(f"pixmill: {progress_text(job)}")


def progress_text(job: Job) -> str:
    """`running, 24 of 80 assets, 12.5 images/s, about 5 s left`; why it waits, while it does."""
    if job.status != "running":
        return job.outcome
    counted = job.progress.done + job.progress.failed + job.progress.skipped
    told = [job.outcome, f"{counted} of {job.progress.total} assets"]
    speed = job.runs[0].images_per_second
    if speed:
        told += [f"{speed:.1f} images/s", f"about {(job.progress.total - counted) / speed:.0f} s left"]
    return ", ".join(told)
