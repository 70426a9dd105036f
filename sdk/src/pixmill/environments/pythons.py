"""Which Python an environment is made with: the one that runs Pixmill where it fits, else one that uv finds."""

import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pixmill.environments.uv import run_uv
from pixmill.errors import EnvironmentFailed

_CLAUSE: Final = re.compile(r"^\s*(>=|<=|==|!=|~=|>|<)\s*(\d+(?:\.\d+)*)(\.\*)?\s*$")
_SIGHT: Final = "import sys, sysconfig; print(sys.version); print(sysconfig.get_platform())"


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter that is no virtual environment."""

    path: Path
    identity: str
    """Its version, build and platform: two of equal identity run the same wheels."""


def find_python(requires: str) -> Python:
    """The running Python if it fits `requires` (as `requires-python` is written), else any on this machine."""
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    if is_satisfied(requires, sys.version_info[:3]):
        return Python(own, f"{own}\n{sys.version}\n{sysconfig.get_platform()}")
    try:
        found = run_uv(
            ["python", "find", "--no-project", "--system", requires], doing="Finding a Python", cwd=Path("/")
        )
    except EnvironmentFailed as error:
        raise EnvironmentFailed(
            f"No Python on this machine fits {requires!r}; Pixmill runs on {sys.version.split()[0]}.",
            hint="Install one, or change requires-python in the file's header.",
        ) from error
    return _look_at(Path(found.decode().strip()).resolve())


def is_satisfied(requires: str, version: tuple[int, int, int]) -> bool:
    """Whether a version fits; False also for what this cannot read, so that uv is asked."""
    clauses = [_CLAUSE.match(clause) for clause in requires.split(",") if clause.strip()]
    return all(clause is not None and _fits(clause, version) for clause in clauses)


def _fits(clause: re.Match[str], version: tuple[int, int, int]) -> bool:
    wanted = tuple(int(part) for part in clause[2].split("."))
    given = version[: len(wanted)]
    full = (*wanted, 0, 0)[:3]
    match clause[1]:
        case ">=":
            return version >= full
        case "<=":
            return version <= full
        case ">":
            return version > full
        case "<":
            return version < full
        case "~=":
            return version >= full and given[:-1] == wanted[:-1]
        case "!=":
            return given != wanted
        case _:
            return given == wanted


def _look_at(path: Path) -> Python:
    try:
        seen = subprocess.run([path, "-I", "-c", _SIGHT], capture_output=True, check=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise EnvironmentFailed(f"The Python at '{path}' does not start: {error}.", hint="Mend it.") from error
    return Python(path, f"{path}\n{seen.stdout.rstrip()}")
