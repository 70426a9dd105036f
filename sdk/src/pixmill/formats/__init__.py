"""Ways of writing annotated images down. Each module here that has `create()` is a format, named by its module.

To add one, add a module `NAME.py` (or a package) with `create() -> Format`; import, export, `--format NAME`, `auto`
and the shared tests find it. `contract.py` says what it implements, `files.py` what it reads from.
"""

import importlib
import pkgutil
from pathlib import Path

from pixmill.errors import FormatError, InvalidInput
from pixmill.formats.contract import (
    AnnotatedSource,
    ExportPlan,
    Format,
    FormatImage,
    FormatLabel,
    Writer,
)
from pixmill.formats.files import Files, open_files
from pixmill.formats.report import Findings, Report

AUTO = "auto"
_LAST_RESORT = "images"

__all__ = [
    "AUTO",
    "AnnotatedSource",
    "ExportPlan",
    "Files",
    "Findings",
    "Format",
    "FormatImage",
    "FormatLabel",
    "Report",
    "Writer",
    "detect",
    "format_names",
    "get_format",
    "open_files",
    "open_source",
]


def format_names() -> list[str]:
    """The name of every format."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [name for name in names if hasattr(importlib.import_module(f"{__name__}.{name}"), "create")]


def get_format(name: str) -> Format:
    """The format of a name; raises `InvalidInput` where there is none."""
    known = format_names()
    if name not in known:
        raise InvalidInput(
            f"There is no format '{name}'.", hint=f"Formats are: {', '.join([AUTO, *known])}.", field="format"
        )
    made: Format = importlib.import_module(f"{__name__}.{name}").create()
    return made


def detect(files: Files) -> str:
    """The name of the format that these files are in; raises `FormatError` where none fits."""
    for name in (name for name in format_names() if name != _LAST_RESORT):
        if get_format(name).recognizes(files):
            return name
    if get_format(_LAST_RESORT).recognizes(files):
        return _LAST_RESORT
    raise FormatError(
        f"'{files.title}' holds no images and no annotations that Pixmill knows.",
        hint=f"Give a folder or a zip of images, or a file of one of: {', '.join(format_names())}.",
    )


def open_source(path: Path, name: str = AUTO) -> tuple[str, AnnotatedSource]:
    """A file, folder or zip in a format (`auto`: found by its content), and that format's name."""
    files = open_files(path)
    found = detect(files) if name == AUTO else name
    return found, get_format(found).open(files)
