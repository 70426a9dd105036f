"""A PostgreSQL server of the tests' own, in a temporary folder, that ends with them."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

# Nothing in a test outlives a power cut, and tests are many.
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


class PostgresqlUnavailableError(Exception):
    """This machine cannot start a PostgreSQL server; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A running server that listens on a Unix socket only, so no port can collide."""

    folder: Path
    programs: Path

    def url(self, database: str) -> str:
        """How to connect to a database, as its owner."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """How to connect to a fresh, empty database; it goes with the server."""
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def restart(self) -> None:
        """Break every connection, and be there again."""
        _run(self.programs / "pg_ctl", "restart", "-w", "-m", "fast", "-D", str(self.folder / "db"), folder=self.folder)

    @contextmanager
    def away(self) -> Iterator[None]:
        """While the block runs nobody can connect; afterwards all that was committed is there again."""
        cluster = str(self.folder / "db")
        _run(self.programs / "pg_ctl", "stop", "-w", "-m", "fast", "-D", cluster, folder=self.folder)
        try:
            yield
        finally:
            options = f"{FAST} -c listen_addresses='' -c unix_socket_directories={self.folder}"
            log = str(self.folder / "log")
            _run(self.programs / "pg_ctl", "start", "-w", "-D", cluster, "-l", log, "-o", options, folder=self.folder)

    def stop(self) -> None:
        """End the server and remove its folder."""
        _run(self.programs / "pg_ctl", "stop", "-m", "immediate", "-D", str(self.folder / "db"), folder=self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


def start_postgresql() -> PostgresqlServer:
    """Make a cluster and start it; `PostgresqlUnavailableError` where the machine has no PostgreSQL."""
    programs = _find_programs()
    # Not pytest's folder: only root may enter that, and PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="pixmill-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = PostgresqlServer(folder=folder, programs=programs)
    cluster = str(folder / "db")
    _run(
        programs / "initdb",
        "-D",
        cluster,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-N",
        folder=folder,
    )
    options = f"{FAST} -c listen_addresses='' -c unix_socket_directories={folder}"
    _run(programs / "pg_ctl", "start", "-w", "-D", cluster, "-l", str(folder / "log"), "-o", options, folder=folder)
    return server


def _find_programs() -> Path:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path is not None:
        candidates.append(Path(on_path).resolve().parent)
    for programs in candidates:
        if (programs / "initdb").exists() and (programs / "pg_ctl").exists():
            break
    else:
        message = "no initdb (Debian: apt-get install postgresql)"
        raise PostgresqlUnavailableError(message)
    if os.geteuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        message = "PostgreSQL refuses to run as root and there is no user 'postgres'"
        raise PostgresqlUnavailableError(message)
    return programs


def _run(program: Path, *arguments: str, folder: Path) -> None:
    command = [str(program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    # Into a file, not a pipe: the server inherits it, and a pipe would stay open for as long as it runs.
    with (folder / "output").open("ab") as output:
        done = subprocess.run(command, cwd=folder, stdout=output, stderr=output, check=False)
    if done.returncode != 0:
        message = f"{program.name} failed: {(folder / 'output').read_text().strip()}"
        raise PostgresqlUnavailableError(message)
