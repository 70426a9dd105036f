"""Which Python and which packages a Processing asks for: in the PEP 723 header of its file, or in a pyproject.toml."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pixmill.errors import ProcessingError

DEFAULT_REQUIRES_PYTHON: Final = ">=3.11"
# PEP 723, read line by line: its reference expression takes hours for some files of a few megabytes.
_OPENING: Final = re.compile(r"# /// (?P<type>[a-zA-Z0-9-]+)")
_CLOSING: Final = "# ///"
# PEP 508 and PEP 440 without addresses: one line of a name, extras, version clauses and a marker. The whole text must
# be that: what is left over would be read by uv as a line of a requirements file, which can name files and options.
_CLAUSE: Final = r"(?:~=|===|==|!=|<=|>=|<|>) *[A-Za-z0-9.*+!_-]+"
_CLAUSES: Final = rf"{_CLAUSE}(?: *, *{_CLAUSE})* *,?"
_REQUIREMENT: Final = re.compile(
    r" *(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?) *(?:\[[A-Za-z0-9._, -]*\])? *"
    rf"(?:{_CLAUSES}|\( *{_CLAUSES} *\))? *"
    r"(?:;[A-Za-z0-9_.'\"<>=!~() ,+-]*)?"
)
_REQUIRES_PYTHON: Final = re.compile(rf" *{_CLAUSES} *")


@dataclass(frozen=True, slots=True)
class Header:
    """What a file asks for."""

    requires_python: str = DEFAULT_REQUIRES_PYTHON
    dependencies: tuple[str, ...] = ()
    """Requirements as PEP 508 writes them, in the file's order."""


def parse_header(source: str) -> Header:
    """The header of a file's source; a file without one needs nothing. Raises `ProcessingError`."""
    blocks = script_headers(source)
    if not blocks:
        return Header()
    if len(blocks) > 1:
        raise ProcessingError("The file has several `# /// script` headers.", hint="Keep one.")
    written = "".join(line.removeprefix("#").removeprefix(" ") for line in blocks[0].splitlines(keepends=True))
    return header_of(read_toml(written, "the `# /// script` header"), "the header")


def script_headers(source: str) -> list[str]:
    """What stands between the lines of each `# /// script` header, still as comments."""
    lines, found, at = source.split("\n"), list[str](), 0
    while at < len(lines):
        begin, at = at, at + 1
        opening = _OPENING.fullmatch(lines[begin])
        if opening is None:
            continue
        last = begin
        while at < len(lines) and (lines[at] == "#" or lines[at].startswith("# ")):
            last = at if lines[at] == _CLOSING else last
            at += 1
        # Of the comments that follow each other, the last such line ends the header, and there is something in it.
        if last > begin + 1:
            at = last + 1
            if opening["type"] == "script":
                found.append("".join(f"{line}\n" for line in lines[begin + 1 : last]))
    return found


def read_toml(written: str, where: str) -> dict[str, Any]:
    """Raises `ProcessingError` for what is no TOML, and what is nested too deeply to be any."""
    try:
        return tomllib.loads(written)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProcessingError(
            f"What stands in {where} is not TOML: {error}.", hint="See PEP 723 and PEP 621."
        ) from error


def header_of(table: Mapping[str, Any], where: str) -> Header:
    """What a table with `requires-python` and `dependencies` asks for; `where` it stands is for the messages."""
    requires, dependencies = table.get("requires-python", DEFAULT_REQUIRES_PYTHON), table.get("dependencies", [])
    if not isinstance(requires, str) or not _REQUIRES_PYTHON.fullmatch(requires):
        raise ProcessingError(
            f"`requires-python` in {where} is not a text of version clauses: {requires!r}.", hint='Write ">=3.11".'
        )
    if not isinstance(dependencies, list) or not all(isinstance(name, str) for name in dependencies):
        raise ProcessingError(f"`dependencies` in {where} is not a list of texts.", hint='Write ["numpy>=2"].')
    for dependency in dependencies:
        _refuse_what_pixmill_brings(dependency, where)
    return Header(requires, tuple(dependencies))


def _refuse_what_pixmill_brings(dependency: str, where: str) -> None:
    requirement = _REQUIREMENT.fullmatch(dependency)
    if requirement is None:
        raise ProcessingError(
            f"The dependency {dependency!r} is not a package by its name.",
            hint="Environments are locked by name and hash: publish it as a wheel to an index, or copy its code.",
        )
    if re.sub(r"[-_.]+", "-", requirement["name"]).lower() in {"pixmill", "pixmill-server"}:
        raise ProcessingError(
            f"`dependencies` in {where} lists 'pixmill'.",
            hint="Leave it out: the server installs its own copy into every environment.",
        )
