"""The code of a Processing as its page shows it: one file, or the files of a folder, one of them at a time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import Markup, escape

from pixmill.environments import read_archive
from pixmill.errors import NotFound
from pixmill_server.processings.records import Folder, Processing, ProcessingVersion
from pixmill_server.web.code import highlighted

_LONGEST_SHOWN_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file of a folder, in the list of them."""

    folder: str
    """What its path begins with; empty at the top, else with a slash at its end."""
    name: str
    href: str
    is_shown: bool
    is_processing: bool
    """Whether it is the module that declares the Processing."""


@dataclass(frozen=True, slots=True)
class CodeShown:
    """The code of one version."""

    title: str
    number: int
    text: Markup
    said: str
    """How long it is, or why it is not shown."""
    is_text: bool
    source_href: str
    download_name: str
    files: Sequence[FileLine] = ()
    """None: it is one file."""
    path: str = ""
    """Of the file that is shown, in its folder."""


def shown_code(found: Processing, version: ProcessingVersion, source: bytes, *, href: str, path: str) -> CodeShown:
    """`path` is the file of a folder to show; empty: its Processing. Raises `NotFound`."""
    if version.folder is not None:
        return _folder(found, version, version.folder, read_archive(source), href=href, path=path)
    if path:
        raise NotFound("file", path, hint=f"'{found.name}' is no folder.")
    text = source.decode("utf-8", errors="replace")
    is_image = bool(version.schema.get("image"))
    shown = str(json.loads(text).get("declaration", "")) if is_image else text
    return CodeShown(
        title="Declaration" if is_image else "Code",
        number=version.number,
        text=escape(shown) if is_image else highlighted(shown),
        said=_lines(shown),
        is_text=True,
        source_href=_source_href(found, version),
        download_name=f"{found.name.replace('-', '_')}.{'json' if is_image else 'py'}",
    )


def _folder(
    found: Processing, version: ProcessingVersion, folder: Folder, files: Mapping[str, bytes], *, href: str, path: str
) -> CodeShown:
    own = folder.module_path(files)
    shown = path or own
    if shown not in files:
        raise NotFound("file", shown, hint=f"See those of version {version.number} of '{found.name}'.")
    text = _text(files[shown])
    return CodeShown(
        title="Code",
        number=version.number,
        text=Markup() if text is None else highlighted(text, suffix=_suffix(shown)),
        said=_size(files[shown]) if text is None else _lines(text),
        is_text=text is not None,
        source_href=_source_href(found, version),
        download_name=f"{found.name}.tar",
        files=[_line(each, f"{href}?version={version.number}", shown=shown, own=own) for each in files],
        path=shown,
    )


def _line(path: str, href: str, *, shown: str, own: str) -> FileLine:
    above, slash, name = path.rpartition("/")
    return FileLine(above + slash, name, f"{href}&file={quote(path, safe='')}#code", path == shown, path == own)


def _text(content: bytes) -> str | None:
    """None: it is none, or so long that a page is no place for it."""
    if len(content) > _LONGEST_SHOWN_BYTES or b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _suffix(path: str) -> str:
    return path[path.rfind(".") :] if "." in path else ""


def _lines(text: str) -> str:
    count = text.count("\n") + (not text.endswith("\n") and bool(text))
    return f"{count} line{'' if count == 1 else 's'}"


def _size(content: bytes) -> str:
    why = "too long to be shown" if len(content) > _LONGEST_SHOWN_BYTES else "no text"
    return f"{len(content)} bytes, {why}"


def _source_href(found: Processing, version: ProcessingVersion) -> str:
    return f"/api/v1/processings/{found.id}/versions/{version.number}/source"
