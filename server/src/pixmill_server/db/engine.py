"""Opens the database and hands out transactions. `transaction()` is the only thing that commits.

SQLite comes from `pysqlite3`: versions before 3.51.3 can lose commits of a write-ahead log.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pysqlite3.dbapi2 as sqlite
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from pixmill.errors import InvalidInput, PixmillError
from pixmill_server.kernel.signals import Signals

OLDEST_SQLITE = (3, 51, 3)
BUSY_TIMEOUT_MILLISECONDS = 60_000
_WRITER_OPTION = "pixmill_writer"
_TOPICS = "pixmill_topics"
_SQLITE_KIND = 0xFF
"""The part of SQLite's codes that says of which kind an error is."""


DatabaseFault = OperationalError
"""What whoever writes no SQL may still have to catch; `is_away` tells whether it passes."""


class DatabaseUnusable(PixmillError):
    """The database, or the library that reads it, cannot be trusted with data."""

    code = "database-unusable"


@dataclass(frozen=True, slots=True)
class Database:
    """One database; may be shared by all threads of a process, never across a fork."""

    url: str
    engine: Engine
    signals: Signals = field(default_factory=Signals)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that may write: committed when the block ends, rolled back when it raises.

        On SQLite one writer at a time, from the first statement on; on PostgreSQL READ COMMITTED.
        Never keep one open across the network, object stores, Lance or a process.
        """
        writer = self.engine.execution_options(**{_WRITER_OPTION: True})
        with Session(writer, expire_on_commit=False) as session:
            with session.begin():
                yield session
            for topic in session.info.get(_TOPICS, ()):
                self.signals.notify(topic)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database throughout and never writes."""
        engine = self.engine
        if self.dialect == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(engine, autoflush=False, expire_on_commit=False) as session:
            yield session
            if session.new or session.dirty or session.deleted:
                message = "A reading session has changes: write inside transaction()."
                raise RuntimeError(message)
            # Rows stay readable, as they were read, after the session.
            session.expunge_all()
            session.rollback()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def open_database(url: str, *, signals: Signals | None = None) -> Database:
    """Open `sqlite:///path` or `postgresql://user@host/name`; `signals` (None: its own) hears what is announced."""
    parsed = make_url(url)
    signals = signals or Signals()
    match parsed.get_backend_name():
        case "sqlite":
            require_sound_sqlite(sqlite.sqlite_version)
            engine = create_engine(parsed.set(drivername="sqlite+pysqlite"), module=sqlite)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            engine = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        case other:
            message = f"A database of the kind '{other}' cannot be used."
            raise InvalidInput(
                message, hint="Give sqlite:///path or postgresql://user:password@host/name.", field="database"
            )
    return Database(url, engine, signals)


def is_away(error: DatabaseFault) -> bool:
    """Whether the database could not be reached, read or written just now; False: what it was asked is wrong."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is None or code & _SQLITE_KIND != sqlite.SQLITE_ERROR


def announce(session: Session, topic: str) -> None:
    """Wake who waits for the topic once this transaction has committed; on PostgreSQL in every process that listens."""
    session.info.setdefault(_TOPICS, []).append(topic)
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SELECT pg_notify('pixmill', %(topic)s)", {"topic": topic})


def require_sound_sqlite(version: str) -> None:
    """Refuse an SQLite that can lose commits."""
    if tuple(int(part) for part in version.split(".")) < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        hint = "Install the newest version of the package pysqlite3."
        raise DatabaseUnusable(f"SQLite {version} can lose commits: {oldest} or newer is needed.", hint=hint)


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # None: the driver opens no transaction of its own; `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITER_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
