"""Hears on PostgreSQL what other processes announce, and wakes this one's readers (LISTEN/NOTIFY).

On SQLite all waiting readers live in the process that announces, and nothing is needed.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from pixmill_server.db.engine import Database

_RECHECK_SECONDS = 1.0


@contextmanager
def listening(database: Database) -> Iterator[None]:
    """Forward announcements of other processes to `database.signals` while the block runs."""
    if database.dialect != "postgresql":
        yield
        return
    stop, ready = threading.Event(), threading.Event()
    thread = threading.Thread(target=_listen, args=(database, stop, ready), name="pixmill-listen", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _listen(database: Database, stop: threading.Event, ready: threading.Event) -> None:
    address = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    while not stop.is_set():
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute("LISTEN pixmill")
                ready.set()
                while not stop.is_set():
                    for notice in connection.notifies(timeout=_RECHECK_SECONDS):
                        database.signals.notify(notice.payload)
        except psycopg.OperationalError:
            # The server went away: readers fall back to looking again after their own time, and we try anew.
            ready.set()
            stop.wait(_RECHECK_SECONDS)
