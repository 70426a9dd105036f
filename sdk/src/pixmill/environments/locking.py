"""From a header to a lock: a hashed requirements file that names packages and never an address."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pixmill.environments.header import DEFAULT_REQUIRES_PYTHON, Header
from pixmill.environments.uv import run_uv

CHILD_REQUIREMENTS: Final = ("msgspec>=0.22", "numpy>=2.4", "pillow>=13")
"""What the SDK itself needs inside a child; everything else of the SDK stays outside."""

_REQUIRES_LINE: Final = "# requires-python: "


def lock(header: Header) -> bytes:
    """The exact packages for a header, with the hashes of their wheels; no wheel, no lock. Raises `EnvironmentFailed`.

    Packages that the cache of this machine knows are taken as they are there, so the same header gives the same lock
    without a network.
    """
    wanted = "\n".join([*header.dependencies, *CHILD_REQUIREMENTS]).encode()
    command = ["pip", "compile", "-", "--universal", "--generate-hashes", "--no-build", "--quiet"]
    names_only = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    python = ["--python-version", _oldest(header.requires_python)]
    with TemporaryDirectory() as folder:
        made = run_uv(
            [*command, *names_only, *python], doing="Locking the dependencies", cwd=Path(folder), stdin=wanted
        )
    return f"{_REQUIRES_LINE}{header.requires_python}\n".encode() + made


def requires_python_of(locked: bytes) -> str:
    """Which Python a lock was made for; the usual one where it does not say."""
    for line in locked.decode().splitlines():
        if line.startswith(_REQUIRES_LINE):
            return line.removeprefix(_REQUIRES_LINE).strip()
    return DEFAULT_REQUIRES_PYTHON


def _oldest(requires_python: str) -> str:
    for clause in requires_python.split(","):
        for sign in (">=", "~=", "=="):
            if clause.strip().startswith(sign):
                return clause.strip().removeprefix(sign).removesuffix(".*").strip()
    return DEFAULT_REQUIRES_PYTHON.removeprefix(">=")
