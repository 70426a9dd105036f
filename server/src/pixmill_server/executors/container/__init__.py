"""Executor `container`: a program in a container of its own, on Docker's or Podman's socket.

Each container has a *client*, a process of ours on this machine (`python -m pixmill_server.executors.container`): it
passes streams on, ends with the container's exit code, and takes the container along when it ends itself. A program
without an image, such as the supervisor of a Run, is started as the executor `process` does.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from pixmill_server.executors.container.engine import (
    ContainerSpec,
    EngineFailed,
    connect,
    find_engine,
    remove_all,
    why_no_engine,
)
from pixmill_server.executors.container.pulling import find_image
from pixmill_server.executors.contract import FoundImage, Handle, LaunchSpec, State
from pixmill_server.executors.process import ProcessExecutor
from pixmill_server.executors.process import create as create_process_executor

CLIENT: Final = (sys.executable, "-m", "pixmill_server.executors.container")
_SPEC: Final = "container.json"


def create(engine: str = "") -> "ContainerExecutor":
    """`engine`: where Docker or Podman listens (`unix:///...`); empty: where they usually do."""
    return ContainerExecutor(find_engine(engine), create_process_executor())


@dataclass(slots=True)
class ContainerExecutor:
    """A container belongs to the scratch folder of its program: all that belong to it end with it."""

    engine: str
    _clients: ProcessExecutor

    def launch(self, spec: LaunchSpec) -> Handle:
        if spec.image:
            path = spec.scratch / _SPEC
            self._container(spec).write(path)
            spec.scratch.chmod(0o777)
            spec = replace(spec, command=[*CLIENT, str(path)], environment={"PATH": "/usr/bin:/bin"})
        return self._clients.launch(spec)

    def poll(self, handle: Handle) -> State:
        return self._clients.poll(handle)

    def stop(self, handle: Handle, grace_seconds: float) -> None:
        self._clients.stop(handle, grace_seconds)
        with suppress(EngineFailed):
            remove_all(connect(self.engine), self._clients.scratch_of(handle))

    def why_unavailable(self) -> str | None:
        return why_no_engine(self.engine)

    def pull(self, image: str, on_progress: Callable[[str], None]) -> FoundImage:
        return find_image(self.engine, image, on_progress)

    def client(self) -> Sequence[str]:
        return CLIENT

    def address(self) -> str:
        return self.engine

    def _container(self, spec: LaunchSpec) -> ContainerSpec:
        scratch = str(spec.scratch)
        return ContainerSpec(
            engine=self.engine,
            image=spec.image,
            owner=scratch,
            command=spec.command,
            environment=spec.environment,
            mounts=[(scratch, scratch, True)],
            working_folder=scratch,
            cpus=spec.cpus,
            memory_bytes=spec.memory_bytes,
        )
