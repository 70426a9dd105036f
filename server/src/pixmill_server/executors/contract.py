"""What an executor can do: start a program with its limits, say whether it still runs, and end it with all below it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NewType, Protocol, runtime_checkable

Handle = NewType("Handle", str)
"""A started program, in a form that can be stored and understood by another process on the same machine."""


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """What to start."""

    command: Sequence[str]
    stdin_bytes: bytes
    """All that it finds on its standard input; the place for secrets."""
    environment: Mapping[str, str]
    """All of its environment variables: nothing of the caller's is added."""
    scratch: Path
    """A folder of its own that exists; what it prints goes into `output.log` there."""
    cpus: float
    memory_bytes: int
    """0: no limit."""
    image: str = ""
    """The container image that it runs in; empty: this machine."""


@dataclass(frozen=True, slots=True)
class Running:
    """It runs, or waits to be started."""


@dataclass(frozen=True, slots=True)
class Exited:
    """It ended; a signal's number below zero stands for being ended by it."""

    code: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """It is gone, and nobody knows how it ended."""


State = Running | Exited | Vanished


@dataclass(frozen=True, slots=True)
class FoundImage:
    """What the name of an image means now."""

    digest: str
    """`NAME@sha256:...`, which a registry has, or the id of an image that only this machine has."""
    came_from_registry: bool
    """Whether a registry was asked, and said so; otherwise it is taken as it lies on this machine."""


@runtime_checkable
class ImageExecutor(Protocol):
    """What an executor that runs images can do beside."""

    def pull(self, image: str, on_progress: Callable[[str], None]) -> FoundImage:
        """What the image's name means now; pulled if a registry has it. Raises `OSError`."""
        ...

    def client(self) -> Sequence[str]:
        """The command that brings one container up, and takes it down: a JSON file, and descriptors to hand over."""
        ...

    def address(self) -> str:
        """Where the engine listens."""
        ...


class Executor(Protocol):
    """Starts programs in one kind of place."""

    def launch(self, spec: LaunchSpec) -> Handle:
        """Returns as soon as the program is on its way. Raises `OSError` where it cannot be started."""
        ...

    def poll(self, handle: Handle) -> State:
        """How it stands, at once; for ever the same once it is not running."""
        ...

    def stop(self, handle: Handle, grace_seconds: float) -> None:
        """Ask it to end, wait so long at most, then end it by force with all below it; again: nothing happens."""
        ...

    def why_unavailable(self) -> str | None:
        """Why programs cannot be started in this way here; None: they can."""
        ...
