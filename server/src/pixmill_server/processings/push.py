"""Takes a file or a folder in as the newest version of a Processing."""

import re
from pathlib import Path

from pixmill.environments import pack_files, parse_header, read_archive, read_project, write_files
from pixmill.errors import ProcessingError
from pixmill_server.accounts.actor import Actor
from pixmill_server.processings.records import Processing, Processings
from pixmill_server.processings.take_in import Offered, take_in

_FILE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}\.py")
_LARGEST_SOURCE_BYTES = 4 << 20


def push(
    processings: Processings,
    actor: Actor,
    source: bytes,
    *,
    file_name: str,
    name: str | None = None,
    locked: bytes | None = None,
) -> Processing:
    """The Processing with this file as its newest version; the same file again changes nothing.

    `name` is what it must be called (None: whatever it is called); `locked` is a lock to take as it is (None: what its
    header asks for is locked now). Raises `ProcessingError` for what is none, `EnvironmentFailed` where its environment
    cannot be made.
    """
    if not _FILE_NAME.fullmatch(file_name):
        raise ProcessingError(f"'{file_name}' is no name of a Python file.", hint="Call it like my_processing.py.")
    if len(source) > _LARGEST_SOURCE_BYTES:
        raise ProcessingError(f"'{file_name}' has {len(source)} bytes.", hint="A Processing has at most 4 MiB.")
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProcessingError(f"'{file_name}' is not UTF-8: {error.reason}.", hint="Save it as UTF-8.") from error

    def lay_out(folder: Path) -> Path:
        file = folder / file_name.replace("-", "_")
        file.write_bytes(source)
        return file

    return take_in(processings, actor, Offered(source, parse_header(text), lay_out, name=name, locked=locked))


def push_folder(
    processings: Processings, actor: Actor, archive: bytes, *, name: str | None = None, locked: bytes | None = None
) -> Processing:
    """The same of a folder's archive, which is believed nothing: it is read, and its files are packed anew.

    So the same files have the same digest, whoever packed them.
    """
    files = read_archive(archive)
    project = read_project(files)

    def lay_out(folder: Path) -> Path:
        place = folder / project.name
        write_files(files, place)
        return place

    offered = Offered(pack_files(files), project.header, lay_out, project=project, name=name, locked=locked)
    return take_in(processings, actor, offered)
