"""Brings a database to this release's schema, and refuses one of a newer release."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from pixmill.errors import Conflict
from pixmill_server.db.engine import Database

SCRIPTS = "pixmill_server:migrations"


class SchemaTooNew(Conflict):
    """A newer release of Pixmill has written this database."""

    code = "schema-too-new"

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The database has schema '{found}', which this release of Pixmill does not know.",
            hint="It belongs to a newer release: start that one, or give another data folder.",
        )


class SchemaTooOld(Conflict):
    """The database waits for its migration."""

    code = "schema-too-old"

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The database has schema '{found or 'none'}', older than this release of Pixmill.",
            hint="Run `pixmill-server migrate` first.",
        )


def upgrade(database: Database) -> None:
    """Apply every migration that is missing, all in one transaction; nothing happens the second time."""
    _refuse_newer(database)
    # Checked before the write: an up-to-date database is not locked for it.
    if _found(database) == _head():
        return
    with database.transaction() as session:
        config = _config()
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")


def require_current(database: Database) -> None:
    """Raise `SchemaTooNew` or `SchemaTooOld` where the schema is not this release's."""
    _refuse_newer(database)
    if _found(database) != _head():
        raise SchemaTooOld(_found(database))


def _refuse_newer(database: Database) -> None:
    found = _found(database)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found and found not in known:
        raise SchemaTooNew(found)


def _found(database: Database) -> str:
    with database.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision() or ""


def _head() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return config
