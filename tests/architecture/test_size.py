"""A file is short enough to be read, its name says what it holds, and nothing committed names one machine."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "service", "services"}
# Addresses of package registries, and one machine's own folders. Split, so that this file does not match itself.
FORBIDDEN_WORDS = re.compile(
    "|".join(
        [
            "pypi" + r"\.org",
            "python" + "hosted",
            "registry" + r"\.npmjs",
            "npmjs" + r"\.com",
            r"(?<![\w.~-])/" + r"work/(wt|main|shared|\.)",
            r"(?<![\w.~-])/" + r"opt/(pypi|wheels)",
            r"(?<![\w.~-])/" + r"home/[a-z]",
            r"(?<![\w.~-])/" + r"root/(?!\.bashrc)",
        ]
    )
)


def _committed_files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file()]


FILES = _committed_files()
SOURCES = [path for path in FILES if path.suffix == ".py"]
LONG_ALLOWED = {"tests", "migrations"}


def test_no_file_is_longer_than_400_lines() -> None:
    long = [f"{_name(path)}: {lines}" for path in _product() if (lines := _lines(path)) > MAX_FILE_LINES]
    assert not long, f"split by use case: {long}"


def test_no_function_is_longer_than_40_lines() -> None:
    long = [
        f"{_name(path)}:{function.lineno} {function.name}: {length}"
        for path in _product()
        for function, length in _functions(path)
        if length > MAX_FUNCTION_LINES
    ]
    assert not long, long


def test_no_file_is_named_for_nothing() -> None:
    empty = [_name(path) for path in SOURCES if path.stem in EMPTY_NAMES]
    assert not empty, f"name it for what it holds: {empty}"


def test_no_test_uses_mocks() -> None:
    pattern = re.compile(
        r"^\s*(from unittest import .*\bmock\b|(import|from) unittest\.mock|(import|from) pytest_mock)"
    )
    mocked = [_name(path) for path in SOURCES if any(pattern.match(line) for line in path.read_text().splitlines())]
    assert not mocked, mocked


def test_no_file_names_a_machine_or_a_registry() -> None:
    texts = ((path, path.read_bytes().decode(errors="ignore")) for path in FILES)
    found = [f"{_name(path)}: {match.group()}" for path, text in texts for match in FORBIDDEN_WORDS.finditer(text)]
    assert not found, found


def _product() -> list[Path]:
    return [path for path in SOURCES if not LONG_ALLOWED & set(path.relative_to(ROOT).parts)]


def _functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Each function with its length in lines, without its docstring."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                length -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            yield node, length


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))
