"""What a folder's `pyproject.toml` says: which Python and packages it asks for, and which module is the Processing.

The folder is put on the path, never installed: its build backend, its scripts and its entry points are never run.
"""

import keyword
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pixmill.environments.header import Header, header_of, read_toml, script_headers
from pixmill.errors import ProcessingError

PROJECT_FILE: Final = "pyproject.toml"
_SOURCE_ROOT: Final = "src"
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
# At the beginning of a line only: what a class or function of the module itself is declared with.
_DECLARES: Final = re.compile(r"(?m)^@(?:\w+\.)*processing\s*\(")
_NEVER_RUN: Final = "Nothing of a folder is built or installed, so nobody computes it."
_STATIC: Final = ("name", "version", "requires-python", "dependencies")
_CHOOSE: Final = 'Name it in pyproject.toml: [tool.pixmill] processing = "package.module"'


@dataclass(frozen=True, slots=True)
class Project:
    """A folder that is a Processing."""

    name: str
    header: Header
    root: str
    """Where its modules are imported from: `src`, or "" for the folder itself."""
    module: str
    """That which declares the Processing, as Python imports it."""
    module_path: str
    """Its file, below the folder."""


def read_project(files: Mapping[str, bytes]) -> Project:
    """Of the files of a folder, by their path. Nothing is imported. Raises `ProcessingError`."""
    if PROJECT_FILE not in files:
        raise ProcessingError(f"There is no {PROJECT_FILE} at the top.", hint="Pack what is in the folder, not itself.")
    whole = read_toml(_text(files, PROJECT_FILE), PROJECT_FILE)
    table = whole.get("project")
    if not isinstance(table, dict) or not _NAME.fullmatch(str(table.get("name", ""))):
        raise ProcessingError(f"{PROJECT_FILE} has no [project] with a name.", hint='Write [project] name = "my-code".')
    _refuse_dynamic(table)
    header = header_of(table, PROJECT_FILE)
    tools = whole.get("tool")
    _refuse_sources(tools, header)
    root = _SOURCE_ROOT if _has_source_root(files) else ""
    modules = _modules(files, root)
    for name in modules:
        _refuse_hiding(name, modules[name])
    module = _chosen(tools, modules, root) or _only_candidate(files, modules)
    if script_headers(_text(files, modules[module])):
        raise ProcessingError(
            f"'{modules[module]}' has a `# /// script` header.", hint=f"Move what it asks for to {PROJECT_FILE}."
        )
    return Project(str(table["name"]), header, root, module, modules[module])


def _text(files: Mapping[str, bytes], path: str) -> str:
    try:
        return files[path].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProcessingError(f"'{path}' is not UTF-8: {error.reason}.", hint="Save it as UTF-8.") from error


def _refuse_dynamic(table: Mapping[str, Any]) -> None:
    dynamic = table.get("dynamic", [])
    for name in _STATIC:
        if isinstance(dynamic, list) and name in dynamic:
            raise ProcessingError(f"'{name}' in {PROJECT_FILE} is dynamic. {_NEVER_RUN}", hint=f"Write {name} = ...")


def _refuse_sources(tools: object, header: Header) -> None:
    """What uv would take from elsewhere, an index has under the same name, made by who knows whom."""
    uv = tools.get("uv") if isinstance(tools, dict) else None
    sources = uv.get("sources") if isinstance(uv, dict) else None
    if header.dependencies and sources:
        named = ", ".join(map(str, sources)) if isinstance(sources, dict) else str(sources)
        raise ProcessingError(
            f"[tool.uv.sources] in {PROJECT_FILE} takes {named} from elsewhere.",
            hint="Environments are locked by name and hash: publish it as a wheel to an index, or copy its code.",
        )


def _has_source_root(files: Mapping[str, bytes]) -> bool:
    below = f"{_SOURCE_ROOT}/"
    is_package = f"{below}__init__.py" in files
    return not is_package and any(path.startswith(below) and path.endswith(".py") for path in files)


def _modules(files: Mapping[str, bytes], root: str) -> dict[str, str]:
    """Each module that can be imported from the root, and its file; a package where both are there, as in Python."""
    above = f"{root}/" if root else ""
    found: dict[str, str] = {}
    for path in files:
        if not path.startswith(above) or not path.endswith(".py"):
            continue
        inner = path.removeprefix(above)
        is_package = inner.endswith("/__init__.py")
        name = inner.removesuffix("/__init__.py" if is_package else ".py").replace("/", ".")
        if all(_is_name(part) for part in name.split(".")) and (is_package or name not in found):
            found[name] = path
    return found


def _is_name(part: str) -> bool:
    return part.isidentifier() and not keyword.iskeyword(part)


def _refuse_hiding(name: str, path: str) -> None:
    top = name.partition(".")[0]
    # A folder without `__init__.py` hides nothing, for Python looks for better first.
    is_hiding = "." not in name and (top in sys.stdlib_module_names or top == "pixmill")
    if is_hiding:
        whose = "Pixmill's" if top == "pixmill" else "Python's"
        raise ProcessingError(f"'{path}' would hide {whose} own '{top}'.", hint="Rename it.")


def _chosen(tools: object, modules: Mapping[str, str], root: str) -> str:
    """What `[tool.pixmill]` names; empty where it names none."""
    ours = tools.get("pixmill", {}) if isinstance(tools, dict) else {}
    if not isinstance(ours, dict) or ours.keys() - {"processing"}:
        raise ProcessingError(f"[tool.pixmill] in {PROJECT_FILE} says more than 'processing'.", hint=_CHOOSE)
    chosen = str(ours.get("processing", ""))
    if chosen and chosen not in modules:
        place = f"'{root}'" if root else "the folder"
        raise ProcessingError(f"There is no module '{chosen}' in {place}.", hint=_CHOOSE)
    return chosen


def _only_candidate(files: Mapping[str, bytes], modules: Mapping[str, str]) -> str:
    found = [name for name, path in modules.items() if _DECLARES.search(files[path].decode("utf-8", errors="replace"))]
    if not found:
        raise ProcessingError(
            "No module declares a Processing.",
            hint=f"Write @processing(kind=...) above a class or function. Is it declared in another way? {_CHOOSE}.",
        )
    if len(found) > 1:
        raise ProcessingError(f"Several modules declare a Processing: {', '.join(sorted(found))}.", hint=_CHOOSE)
    return found[0]
