"""`make chaos`: hundreds of kills, on SQLite and PostgreSQL, with a table of how often each point was hit.

A broken promise is told, its folder is kept, and the rest goes on in a fresh one; the exit code is 1 then, and where a
Run ended later than promised, or a point was hit less often than asked.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from pixmill.errors import PixmillError
from tests.chaos.rounds import passes, rounds
from tests.chaos.table import Table
from tests.chaos.world import BrokenPromiseError, NewDatabase, world
from tests.postgresql_server import PostgresqlUnavailableError, start_postgresql

DATABASES = ("sqlite", "postgresql")
MOST_BROKEN = 10
"""After which there is no use in going on."""


def main() -> int:
    options, tables, began = _parser().parse_args(), list[Table](), time.monotonic()
    # Whoever ends it early sees what was done until then, and nothing goes on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended early"))
    try:
        for name in options.databases:
            _chaos_on(name, tables, options)
    finally:
        for table in tables:
            _say("\n".join(table.lines()))
        kills = sum(table.kills.total() for table in tables)
        broken = sum(len(table.broken) for table in tables)
        _say(f"{kills} kills, {broken} promises broken; seed {options.seed}; {time.monotonic() - began:.0f} s in all")
    return 0 if all(table.is_good for table in tables) else 1


def _chaos_on(name: str, tables: list[Table], options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        try:
            new_database = _postgresql(stack) if name == "postgresql" else lambda: ""
        except PostgresqlUnavailableError as error:
            _say(f"not on PostgreSQL: {error}")
            return
        tables.append(Table(name, options.each))
        _rounds_on(tables[-1], new_database, options)


def _rounds_on(table: Table, new_database: NewDatabase, options: argparse.Namespace) -> None:
    chance, told = random.Random(options.seed), partial(_say_on, table.database)
    queue = passes(chance, each=options.each, at_any_moment=options.random)
    while queue and len(table.broken) < MOST_BROKEN:
        folder = Path(tempfile.mkdtemp(prefix=f"pixmill-chaos-{table.database}-"))
        try:
            with world(folder, database_url=new_database()) as made:
                rounds(made, queue, chance, table, told)
        except (BrokenPromiseError, PixmillError, SQLAlchemyError, OSError) as error:
            table.broken.append(f"{error} (its folder: {folder})")
            told(f"BROKEN: {error}; its folder is kept: {folder}\n{traceback.format_exc()}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=5, help="rounds for each named point and database")
    parser.add_argument("--random", type=int, default=40, help="Runs with kills at any moment, for each database")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    return parser


def _postgresql(stack: ExitStack) -> NewDatabase:
    server = start_postgresql()
    stack.callback(server.stop)
    return server.new_database


def _say_on(name: str, line: str) -> None:
    _say(f"{datetime.now(UTC):%H:%M:%S} {name} {line}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
