"""Takes a file in: locks what it asks for, builds its environment, reads its schema there, and stores it.

User code is imported in the sandbox of that environment only, never here.
"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import select

from pixmill.environments import build, lock, parse_header, processing_schema
from pixmill.errors import ProcessingError
from pixmill_server.accounts.actor import Actor
from pixmill_server.processings.queries import find_processing
from pixmill_server.processings.records import Processing, Processings
from pixmill_server.processings.store import Code, store
from pixmill_server.processings.tables import ProcessingRow, ProcessingVersionRow
from pixmill_server.storage.objects import digest_of, require_digest

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
    header = parse_header(text)
    locked = locked or _lock_of_same_source(processings, actor, source) or lock(header)
    environment = build(locked, processings.sdk_wheel, processings.environments)
    with TemporaryDirectory() as folder:
        file = Path(folder) / file_name.replace("-", "_")
        file.write_bytes(source)
        schema = processing_schema(environment, file, sandbox=processings.sandbox)
    if name is not None and schema["name"] != name:
        raise ProcessingError(
            f"This code is called '{schema['name']}', not '{name}': its class or function gives it its name.",
            hint=f"Call it as before to make a new version, or make '{schema['name']}' a Processing of its own.",
        )
    code = Code(source, locked, header, schema)
    stored = store(processings, code, organization_id=actor.organization_id, user_id=actor.user_id)
    return find_processing(processings, actor.organization_id, stored)


def _lock_of_same_source(processings: Processings, actor: Actor, source: bytes) -> bytes | None:
    """What the very same file was locked to before, so that pushing it again changes nothing."""
    with processings.database.reading() as session:
        found = session.scalars(
            select(ProcessingVersionRow.lock_key)
            .join(ProcessingRow, ProcessingRow.id == ProcessingVersionRow.processing_id)
            .where(
                ProcessingRow.organization_id == actor.organization_id,
                ProcessingVersionRow.code_digest == digest_of(source),
            )
            .order_by(ProcessingVersionRow.number.desc())
        ).first()
    return None if found is None else processings.objects.get(require_digest(found))
