"""Runs uv: from what is on this machine first, then from the network."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uv

from pixmill.errors import EnvironmentFailed

_TIMEOUT_SECONDS: Final = 1800
_ALWAYS: Final = ("--no-progress", "--color", "never", "--no-python-downloads", "--system-certs")
_SAID_CHARACTERS: Final = 4000


def run_uv(arguments: Sequence[str], *, doing: str, cwd: Path, stdin: bytes = b"") -> bytes:
    """What uv wrote to its standard output, using no network if its cache has everything.

    `doing` is for the message of `EnvironmentFailed`, which ends with what uv said when it was let onto the network.
    """
    offline = _run([*arguments, "--offline"], cwd, stdin)
    if offline.returncode == 0:
        return offline.stdout
    online = _run(arguments, cwd, stdin)
    if online.returncode == 0:
        return online.stdout
    said = online.stderr.decode(errors="replace").strip()[-_SAID_CHARACTERS:]
    raise EnvironmentFailed(
        f"{doing} failed.",
        hint="Check the names and versions in the file's header, and that the package index can be reached "
        f"(uv reads UV_DEFAULT_INDEX and its own configuration). uv said:\n{said}",
    )


def _run(arguments: Sequence[str], cwd: Path, stdin: bytes) -> "subprocess.CompletedProcess[bytes]":
    command = [uv.find_uv_bin(), *arguments, *_ALWAYS]
    # uv needs its own settings and the proxy's; of Pixmill's, which hold passwords, it needs none.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIXMILL_")}
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentFailed(
            f"uv did not end within {_TIMEOUT_SECONDS} seconds.", hint="Is the package index reachable?"
        ) from error
