"""Speaks with Docker or Podman on its socket: finds it, and makes containers that may do little."""

import json
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import docker
from docker.errors import APIError, DockerException
from docker.types import DeviceRequest, Mount
from requests.exceptions import RequestException

OWNER: Final = "pixmill.owner"
NOBODY: Final = "65534:65534"
_SOCKETS: Final = ("/run/podman/podman.sock", "/var/run/docker.sock")
_TEMPORARY: Final = "size=256m,mode=1777"
_CALL_SECONDS: Final = 60
_ROOT: Final = re.compile(r"root|[+-]?0+|")
_STREAM_HEADER: Final = 8

DockerClient = Any
"""Docker's SDK has no types."""
Container = Any


class EngineFailed(OSError):
    """What Docker or Podman answered, in words for an operator."""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container; everything that is not said here is denied to it."""

    engine: str
    image: str
    owner: str
    """Whose it is: all of one owner are ended together."""
    command: Sequence[str] = ()
    """Empty: the image's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[tuple[str, str, bool]] = ()
    """Where it is, where it is seen, and whether it may be written."""
    working_folder: str = ""
    user: str = ""
    """Empty: the image's own; nobody in place of root."""
    network: bool = False
    cpus: float = 0
    """0: no limit, as below."""
    memory_bytes: int = 0
    processes: int = 0
    shared_memory_bytes: int = 0
    gpus: int = 0

    @classmethod
    def read(cls, path: Path) -> Self:
        told = json.loads(path.read_text())
        return cls(**{**told, "mounts": [(str(a), str(b), bool(c)) for a, b, c in told.get("mounts", ())]})

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))


def find_engine(address: str) -> str:
    """The address that was given, or that of the first socket there is; empty where there is none."""
    return address or next((f"unix://{path}" for path in _SOCKETS if Path(path).exists()), "")


def connect(address: str, *, timeout_seconds: int = _CALL_SECONDS) -> DockerClient:
    """For calls that each may be silent for so long. Raises `EngineFailed` where nobody answers."""
    try:
        client = docker.DockerClient(base_url=address, timeout=timeout_seconds)
        client.ping()
    except (DockerException, RequestException, OSError) as error:
        raise EngineFailed(f"Docker or Podman does not answer at {address}: {error}") from error
    return client


def why_no_engine(address: str) -> str | None:
    """Why containers cannot be started; None: they can."""
    found = find_engine(address)
    if not found:
        return "neither Docker nor Podman listens here; name its socket in PIXMILL_CONTAINER_ENGINE"
    try:
        connect(found).close()
    except EngineFailed as error:
        return str(error)
    return None


def make_container(client: DockerClient, spec: ContainerSpec, *, stdin: bool) -> Container:
    """Made, not started. Raises `EngineFailed`."""
    user = spec.user
    try:
        if not user:
            user = client.images.get(spec.image).attrs["Config"].get("User") or NOBODY
        if _ROOT.fullmatch(user.partition(":")[0]):
            user = NOBODY
        return client.containers.create(
            spec.image,
            list(spec.command) or None,
            environment=dict(spec.environment),
            mounts=[Mount(seen, real, "bind", read_only=not writable) for real, seen, writable in spec.mounts],
            working_dir=spec.working_folder or None,
            user=user,
            labels={OWNER: spec.owner},
            network_mode="bridge" if spec.network else "none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            read_only=True,
            tmpfs={"/tmp": _TEMPORARY},  # noqa: S108 - the container's own
            stdin_open=stdin,
            log_config={"type": "none"},
            **_limits(spec),
        )
    except (APIError, RequestException) as error:
        raise EngineFailed(f"No container can be made of '{spec.image}': {error}") from error


def remove_all(client: DockerClient, owner: str) -> None:
    """End and remove every container of one owner."""
    with suppress(APIError, RequestException):
        # Sparse: looking at each would fail for all of them where one is gone meanwhile.
        for container in client.containers.list(all=True, sparse=True, filters={"label": f"{OWNER}={owner}"}):
            remove(container)


def end(container: Container) -> None:
    """At once: to be removed it would be asked first, and Podman waits ten seconds for one that is deaf."""
    with suppress(APIError, RequestException):
        container.kill()


def remove(container: Container) -> None:
    """End it at once, and let nothing of it stay; nothing happens the second time."""
    end(container)
    with suppress(APIError, RequestException):
        container.remove(force=True, v=True)


def attach(container: Container, *, stdin: bool) -> "tuple[socket.socket, Any]":
    """Its streams, from its first byte on where it is not started yet; keep the second as long as the first."""
    streams = {"stream": 1, "stdout": 1, "stderr": 1, "stdin": int(stdin)}
    kept = container.attach_socket(params=streams)
    return getattr(kept, "_sock", kept), kept


def read_output(attached: socket.socket) -> Iterator[bytes]:
    """What it writes, both streams in the order they come."""
    with closing(attached.makefile("rb")) as incoming:
        while len(header := incoming.read(_STREAM_HEADER)) == _STREAM_HEADER:
            yield incoming.read(int.from_bytes(header[4:], "big"))


def _limits(spec: ContainerSpec) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if spec.cpus:
        limits["nano_cpus"] = round(spec.cpus * 1e9)
    if spec.memory_bytes:
        limits |= {"mem_limit": spec.memory_bytes, "memswap_limit": spec.memory_bytes}
    if spec.processes:
        limits["pids_limit"] = spec.processes
    if spec.shared_memory_bytes:
        limits["shm_size"] = spec.shared_memory_bytes
    if spec.gpus:
        limits["device_requests"] = [DeviceRequest(count=spec.gpus, capabilities=[["gpu"]])]
    return limits
