"""The PEP 723 header of a Processing's file: which Python and which packages it asks for."""

import re
import tomllib
from dataclasses import dataclass
from typing import Final

from pixmill.errors import ProcessingError

DEFAULT_REQUIRES_PYTHON: Final = ">=3.11"
# The reference expression of PEP 723.
_BLOCK: Final = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
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
    blocks = [match for match in _BLOCK.finditer(source) if match["type"] == "script"]
    if not blocks:
        return Header()
    if len(blocks) > 1:
        raise ProcessingError("The file has several `# /// script` headers.", hint="Keep one.")
    written = "".join(
        line.removeprefix("#").removeprefix(" ") for line in blocks[0]["content"].splitlines(keepends=True)
    )
    try:
        table = tomllib.loads(written)
    except tomllib.TOMLDecodeError as error:
        raise ProcessingError(f"The `# /// script` header is not TOML: {error}.", hint="See PEP 723.") from error
    requires, dependencies = table.get("requires-python", DEFAULT_REQUIRES_PYTHON), table.get("dependencies", [])
    if not isinstance(requires, str) or not _REQUIRES_PYTHON.fullmatch(requires):
        raise ProcessingError(
            f"`requires-python` in the header is not a text of version clauses: {requires!r}.", hint='Write ">=3.11".'
        )
    if not isinstance(dependencies, list) or not all(isinstance(name, str) for name in dependencies):
        raise ProcessingError("`dependencies` in the header is not a list of texts.", hint='Write ["numpy>=2"].')
    for dependency in dependencies:
        _refuse_what_pixmill_brings(dependency)
    return Header(requires, tuple(dependencies))


def _refuse_what_pixmill_brings(dependency: str) -> None:
    requirement = _REQUIREMENT.fullmatch(dependency)
    if requirement is None:
        raise ProcessingError(
            f"The dependency {dependency!r} is not a package by its name.",
            hint="Environments are locked by name and hash: publish it as a wheel to an index, or copy its code.",
        )
    if re.sub(r"[-_.]+", "-", requirement["name"]).lower() in {"pixmill", "pixmill-server"}:
        raise ProcessingError(
            "The header lists 'pixmill'.", hint="Leave it out: the server installs its own copy into every environment."
        )
