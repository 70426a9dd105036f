"""From a lock to an environment: built once, read-only, found again by its digest."""

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import hexdigits
from typing import Final

from pixmill.environments.locking import requires_python_of
from pixmill.environments.pythons import Python, find_python
from pixmill.environments.uv import run_uv
from pixmill.errors import EnvironmentFailed

# Raised by one whenever environments are made in another way, so that old ones are not taken for new.
_RECIPE: Final = b"1"
_DIGEST_CHARACTERS: Final = 32
LOCK_FILE: Final = "pixmill.lock"
"""The lock that an environment was made of, in it."""
_NOT_WRITABLE: Final = ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


@dataclass(frozen=True, slots=True)
class Environment:
    """A folder with a Python and packages; nobody writes to it any more."""

    folder: Path
    digest: str

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def base(self) -> Path:
        """The installation of the Python that it was made with: the folder above its `bin`."""
        for line in (self.folder / "pyvenv.cfg").read_text().splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "home":
                return Path(value.strip()).resolve().parent
        raise EnvironmentFailed(f"'{self.folder}' is no environment.", hint="Remove the folder; it is made anew.")


def build(locked: bytes, sdk_wheel: Path, root: Path) -> Environment:
    """The environment of a lock, an SDK wheel and a Python, from `root` or made there. Raises `EnvironmentFailed`.

    Two builders of the same environment wait for each other; a builder that dies leaves nothing that is used.
    """
    root.mkdir(parents=True, exist_ok=True)
    python = find_python(requires_python_of(locked))
    environment = _environment(locked, sdk_wheel, python, root)
    # First: what was asked for a moment ago is not removed as unused.
    asked_file(environment).touch()
    if environment.folder.exists():
        return environment
    with _only_builder(asked_file(environment)):
        if not environment.folder.exists():
            _make(locked, sdk_wheel, python, environment)
    return environment


def environment_of(locked: bytes, sdk_wheel: Path, root: Path) -> Environment:
    """As `build` would give it, built or not. Raises `EnvironmentFailed`."""
    return _environment(locked, sdk_wheel, find_python(requires_python_of(locked)), root)


def asked_file(environment: Environment) -> Path:
    """The file that its builder locks; it changed when the environment was last asked for."""
    return environment.folder.with_name(f".{environment.digest}.lock")


def is_digest(name: str) -> bool:
    """Whether a folder of this name is an environment."""
    return len(name) == _DIGEST_CHARACTERS and set(name) <= set(hexdigits)


def _environment(locked: bytes, sdk_wheel: Path, python: Python, root: Path) -> Environment:
    digest = _digest(locked, sdk_wheel, python)
    return Environment(root / digest, digest)


def remove(environment: Environment) -> None:
    """Delete an environment that no Run uses."""
    for folder, _, _ in os.walk(environment.folder):
        Path(folder).chmod(0o700)
    shutil.rmtree(environment.folder)


def _digest(locked: bytes, sdk_wheel: Path, python: Python) -> str:
    digest = hashlib.sha256()
    for part in (_RECIPE, locked, sdk_wheel.read_bytes(), python.identity.encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:_DIGEST_CHARACTERS]


@contextmanager
def _only_builder(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(locked: bytes, sdk_wheel: Path, python: Python, environment: Environment) -> None:
    unfinished = environment.folder.with_name(f".unfinished-{environment.digest}")
    shutil.rmtree(unfinished, ignore_errors=True)
    cwd = environment.folder.parent
    venv = ["venv", "--relocatable", "--no-project", "--no-config", "--python", str(python.path), str(unfinished)]
    run_uv(venv, doing="Making a virtual environment", cwd=cwd)
    into = ["--python", str(unfinished / "bin" / "python"), "--no-build", "--link-mode", "copy", "--compile-bytecode"]
    requirements = unfinished / LOCK_FILE
    requirements.write_bytes(locked)
    run_uv(["pip", "sync", str(requirements), "--require-hashes", *into], doing="Installing the dependencies", cwd=cwd)
    run_uv(["pip", "install", str(sdk_wheel), "--no-deps", *into], doing="Installing the SDK", cwd=cwd)
    _require_that_it_starts(unfinished)
    _forbid_writing(unfinished)
    unfinished.rename(environment.folder)


def _require_that_it_starts(folder: Path) -> None:
    command = [str(folder / "bin" / "python"), "-I", "-c", "import pixmill.runtime.child"]
    started = subprocess.run(command, env={}, capture_output=True, check=False, text=True)
    if started.returncode:
        raise EnvironmentFailed(
            "The environment was built, but Pixmill's runtime does not start in it.",
            hint=f"A dependency may be of a version that does not fit. It said:\n{started.stderr}",
        )


def _forbid_writing(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & _NOT_WRITABLE)
        Path(parent).chmod(stat.S_IMODE(Path(parent).stat().st_mode) & _NOT_WRITABLE)
