"""`make chaos`: hundreds of kills, on SQLite and PostgreSQL, with a table of how often each point was hit.

python -m tests.chaos [--seed N] [--each 3] [--random 80]
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psycopg

from tests.chaos.holds import POINTS
from tests.chaos.rounds import ANY_MOMENT, Table, rounds
from tests.chaos.world import world
from tests.postgresql_server import PostgresqlUnavailableError, start_postgresql


def main() -> int:
    options = _parser().parse_args()
    table, began = Table(), time.monotonic()
    points = [*POINTS * options.each, *[ANY_MOMENT] * options.random]
    slowest = 0.0
    for name in ("sqlite", "postgresql"):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"pixmill-chaos-{name}-")))
            try:
                url = _postgresql(stack) if name == "postgresql" else ""
            except PostgresqlUnavailableError as error:
                sys.stdout.write(f"not on PostgreSQL: {error}\n")
                continue
            made = stack.enter_context(world(folder, database_url=url))
            rounds(made, points, seed=options.seed, table=table, told=partial(_say_on, name))
            slowest = max(slowest, made.slowest_seconds)
    _say("\n".join(table.lines()))
    _say(f"seed {options.seed}; every promise was kept; at most {slowest:.1f} s from a restart to a Run's end")
    _say(f"{time.monotonic() - began:.0f} s in all")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=3, help="rounds for each named point and database")
    parser.add_argument("--random", type=int, default=90, help="kills at any moment, for each database")
    return parser


def _postgresql(stack: ExitStack) -> str:
    server = start_postgresql()
    stack.callback(server.stop)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE chaos")
    return server.url("chaos")


def _say_on(name: str, line: str) -> None:
    _say(f"{name} {line}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
