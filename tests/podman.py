"""A Podman of the tests' own: its storage, its socket, and images made from this machine, since none can be pulled."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import docker
import pytest

from pixmill.environments import Environment
from tests.real_services import missing

# A virtual machine may have cgroups of both versions, which crun does not know, and no limits that could be taken over.
CONFIGURATION = """
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
"""
REGISTRIES = """
[[registry]]
location = "127.0.0.1"
insecure = true
"""
"""Registries of tests, at any port, speak plain HTTP; no name is looked for anywhere else."""
START_SECONDS = 240
PLAIN = "localhost/pixmill-test-plain:1"
SDK = "localhost/pixmill-test-sdk:1"


@dataclass(frozen=True, slots=True)
class Podman:
    """It listens here, and can run containers: that was tried."""

    address: str
    client: Any
    plain_image: str
    """Has a shell, and the Python that runs the tests, at its own path."""

    def add_layer(self, base: str, name: str, files: dict[str, bytes], labels: dict[str, str] | None = None) -> str:
        """An image of that name with some files over those of another; its id."""
        context = BytesIO()
        lines = [f"FROM {base}", *(f"LABEL {key}={json.dumps(value)}" for key, value in (labels or {}).items())]
        with tarfile.open(fileobj=context, mode="w") as archive:
            for number, (path, content) in enumerate(files.items()):
                _add(archive, f"file{number}", content)
                lines.append(f"COPY file{number} {path}")
            _add(archive, "Dockerfile", "\n".join(lines).encode())
        context.seek(0)
        image, _ = self.client.images.build(fileobj=context, custom_context=True, tag=name, rm=True, pull=False)
        return str(image.id)


def load(client: Any, archive: bytes, name: str) -> str:
    """An archive of files as an image of that name; its id."""
    answer = client.api.import_image_from_data(archive)
    image = client.images.get(json.loads(answer.splitlines()[0])["id"])
    repository, _, tag = name.rpartition(":")
    image.tag(repository, tag)
    return str(image.id)


def pack_shell(files: dict[str, bytes]) -> bytes:
    """An archive with a shell, what it needs, and some files: as small as an image that runs can be."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for library in ["/bin/sh", *_libraries(Path("/bin/sh"))]:
            archive.add(Path(library).resolve(), library.lstrip("/"))
        for path, content in files.items():
            _add(archive, path.lstrip("/"), content)
    return packed.getvalue()


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """Started once a session; tried with a container that ends at once."""
    if shutil.which("podman") is None or os.getuid() != 0:
        missing("podman", "no podman on PATH, or not root (Debian: apt-get install podman runc)")
    # Not pytest's folder: Podman refuses a path of more than 50 characters.
    folder = Path(tempfile.mkdtemp(prefix="pixmill-podman-"))
    (folder / "containers.conf").write_text(CONFIGURATION)
    (folder / "registries.conf").write_text(REGISTRIES)
    environment = {
        **os.environ,
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
    }
    # All of its own, also where it keeps how containers ended: two services must not clear each other's away.
    storage = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--tmpdir", str(folder / "tmp")]
    address = f"unix://{folder / 'podman.sock'}"
    log = (folder / "service.log").open("wb")
    command = ["podman", *storage, "system", "service", "--time=0", address]
    service = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        client = _wait_for(address, service)
        if client is None:
            missing("podman", f"podman does not start: {(folder / 'service.log').read_text()[-300:]}")
        base = folder / "plain.tar"
        _pack_python(base)
        load(client, base.read_bytes(), PLAIN)
        if why := _why_nothing_runs(client):
            missing("podman", f"podman cannot run a container here: {why}")
        yield Podman(address, client, PLAIN)
        client.close()
    finally:
        service.terminate()
        service.wait(START_SECONDS)
        log.close()
        subprocess.run(
            ["podman", *storage, "system", "reset", "--force"],
            env=environment,
            check=False,
            timeout=START_SECONDS,
            capture_output=True,
        )
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sdk_image(podman: Podman, plain_environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> str:
    """With the SDK as it is in this checkout, at `/opt/pixmill`, and nothing else."""
    archive = tmp_path_factory.mktemp("image") / "sdk.tar"
    _pack_python(archive)
    packages = next((plain_environment.folder / "lib").glob("python3*")) / "site-packages"
    with tarfile.open(archive, "a") as packed:
        packed.add(packages, "opt/pixmill")
        there = set(packed.getnames())
        for library in sorted({each for file in packages.rglob("*.so*") for each in _libraries(file)}):
            if library.lstrip("/") not in there and str(packages) not in library:
                packed.add(Path(library).resolve(), library.lstrip("/"))
    load(podman.client, archive.read_bytes(), SDK)
    return SDK


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o755
    archive.addfile(entry, BytesIO(content))


def _wait_for(address: str, service: "subprocess.Popen[bytes]") -> Any:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and service.poll() is None:
        with suppress(docker.errors.DockerException):
            client = docker.DockerClient(address)
            if client.ping():
                return client
        time.sleep(0.1)
    return None


def _why_nothing_runs(client: Any) -> str:
    try:
        client.containers.run(PLAIN, ["/bin/sh", "-c", "exit 0"], network_mode="none", remove=True)
    except docker.errors.DockerException as error:
        return str(error)
    return ""


def _pack_python(path: Path) -> None:
    """The shell, the running Python without its packages, and the libraries of both, each where it is here."""
    library = Path(sysconfig.get_paths()["stdlib"])
    programs = [Path("/bin/sh"), Path("/bin/sleep"), Path("/bin/cat"), Path("/bin/cp"), Path("/bin/ls")]
    binary = Path(sys.executable).resolve()
    with tarfile.open(path, "w") as archive:
        needed = {binary, *programs, *_shared(library)}
        using = {*needed, *library.glob("lib-dynload/*.so")}
        for file in sorted(needed | {Path(one) for each in using for one in _libraries(each)}):
            archive.add(file.resolve(), str(file).lstrip("/"))
        archive.add(library, str(library).lstrip("/"), filter=_without_packages)
        if Path(sys.executable) != binary:
            link = tarfile.TarInfo(sys.executable.lstrip("/"))
            link.type, link.linkname = tarfile.SYMTYPE, str(binary)
            archive.addfile(link)


def _shared(library: Path) -> list[Path]:
    return [each for each in library.parent.glob("libpython*.so*") if each.is_file()]


def _libraries(file: Path) -> list[str]:
    said = subprocess.run(["ldd", str(file)], capture_output=True, check=False, text=True).stdout
    return [word for word in said.split() if word.startswith("/")]


def _without_packages(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    left_out = ("/site-packages", "/test", "/idlelib", "/ensurepip", "/tkinter", "/__pycache__", "/config-", "/lib2to3")
    return None if any(part in entry.name for part in left_out) else entry
