"""Every `pixmill ...` line of the pages is a command that exists, with options that it has."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.cli_reference import commands, options

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(?:sh|console)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
KNOWN = {path: {option for name, _ in options(command) for option in name.split(", ")} for path, command in commands()}


def _pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def _documented() -> Iterator[tuple[str, str]]:
    for page in _pages():
        for block in BLOCK.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.match(r"(?:\$ )?(?:\.venv/bin/)?(pixmill .*)", line)
                if command:
                    yield str(page.relative_to(ROOT)), command.group(1)


@pytest.mark.parametrize(("page", "line"), sorted(set(_documented())))
def test_a_documented_command_exists(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    path = next((path for path in KNOWN if words[: len(path.split())] == path.split()), None)
    assert path is not None, f"{page}: there is no such command"
    given = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
    assert given <= KNOWN[path] | {"--help"}, f"{page}: unknown option"
