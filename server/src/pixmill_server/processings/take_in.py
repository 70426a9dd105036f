"""Takes code in: builds the environment of what it asks for, reads its schema there, and stores it.

User code is imported in the sandbox of that environment only, never here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import JsonValue
from sqlalchemy import select

from pixmill.environments import Header, Project, build, lock, processing_schema
from pixmill.errors import ProcessingError
from pixmill_server.accounts.actor import Actor
from pixmill_server.processings.queries import find_processing
from pixmill_server.processings.records import Processing, Processings
from pixmill_server.processings.store import Code, store
from pixmill_server.processings.tables import ProcessingRow, ProcessingVersionRow
from pixmill_server.storage.objects import digest_of, require_digest


@dataclass(frozen=True, slots=True)
class Offered:
    """Code that is to become the newest version of a Processing."""

    source: bytes
    """As it is stored."""
    header: Header
    lay_out: Callable[[Path], Path]
    """Puts it into a folder, to be imported from there, and says where: its file, or the folder of its files."""
    project: Project | None = None
    """Of a folder; None: it is one file."""
    name: str | None = None
    """What it must be called; None: whatever it is called."""
    locked: bytes | None = None
    """A lock to take as it is; None: what its header asks for is locked now."""


def take_in(processings: Processings, actor: Actor, offered: Offered) -> Processing:
    """The Processing with this as its newest version; the same again changes nothing.

    Raises `ProcessingError` for what is none, `EnvironmentFailed` where its environment cannot be made.
    """
    locked = offered.locked or _lock_of_same_source(processings, actor, offered.source) or lock(offered.header)
    environment = build(locked, processings.sdk_wheel, processings.environments)
    with TemporaryDirectory() as folder:
        place = offered.lay_out(Path(folder))
        schema: dict[str, JsonValue] = processing_schema(
            environment, place, project=offered.project, sandbox=processings.sandbox
        )
    if offered.name is not None and schema["name"] != offered.name:
        raise ProcessingError(
            f"This code is called '{schema['name']}', not '{offered.name}': its class or function gives it its name.",
            hint=f"Call it as before to make a new version, or make '{schema['name']}' a Processing of its own.",
        )
    if offered.project is not None:
        schema["folder"] = {"module": offered.project.module, "root": offered.project.root}
    code = Code(offered.source, locked, offered.header, schema)
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
