"""Fixtures for the real services that tests use. Where the machine lacks one, its tests skip and say which.

`PIXMILL_REQUIRED_SERVICES` (names with commas between) turns such a skip into a failure; CI sets it. The names are the
fixtures': postgresql, s3, chromium, bubblewrap, podman, registry, test_data.
"""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import boto3
import psycopg
import pytest
from moto.server import ThreadedMotoServer

from tests.postgresql_server import PostgresqlServer, PostgresqlUnavailableError, start_postgresql

_IS_MISSING: Final = " is missing: "


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A fresh, empty bucket on a server in this process; it speaks plain HTTP."""

    name: str
    endpoint: str
    region: str = "us-east-1"
    access_key_id: str = "testing"
    secret_access_key: str = "testing"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One server a session, in a temporary folder, reached by a Unix socket."""
    try:
        server = start_postgresql()
    except PostgresqlUnavailableError as error:
        missing("postgresql", str(error))
    yield server
    server.stop()


@pytest.fixture
def postgresql(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The URL of a fresh, empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield postgresql_server.url(name)
    with psycopg.connect(postgresql_server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'pixmill.db'}"
    return str(request.getfixturevalue("postgresql"))


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Where a whole S3 server answers in this process, on a free port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_endpoint: str) -> S3Bucket:
    """A fresh, empty bucket."""
    bucket = S3Bucket(name=f"test-{uuid.uuid4().hex}", endpoint=s3_endpoint)
    client = boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name=bucket.region,
        aws_access_key_id=bucket.access_key_id,
        aws_secret_access_key=bucket.secret_access_key,
    )
    client.create_bucket(Bucket=bucket.name)
    return bucket


@pytest.fixture(scope="session")
def test_data(request: pytest.FixtureRequest) -> Path:
    """The folder of real photographs and models, which is not part of the repository."""
    named = os.environ.get("PIXMILL_TEST_DATA")
    folder = Path(named) if named else request.config.rootpath.parent / "shared" / "data"
    if not (folder / "README.md").is_file():
        missing("test_data", f"no test data at {folder}; set PIXMILL_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The machine's Chromium, for Playwright's `executable_path`."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        missing("chromium", "no Chromium on PATH (Debian: apt-get install chromium)")
    return Path(found)


@pytest.fixture
def bubblewrap() -> Path:
    """The machine's bubblewrap, tried: it is there and may make namespaces."""
    found = shutil.which("bwrap")
    if found is None:
        missing("bubblewrap", "no bwrap on PATH (Debian: apt-get install bubblewrap)")
    probe = [found, "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true"]
    tried = subprocess.run(probe, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        missing("bubblewrap", f"bwrap cannot make a sandbox here: {tried.stderr.strip()}")
    return Path(found)


def missing(service: str, reason: str) -> NoReturn:
    """Skip this test because the machine lacks a service, or fail it where the service must be there."""
    required = os.environ.get("PIXMILL_REQUIRED_SERVICES", "").split(",")
    if service in required:
        pytest.fail(f"{service} is required here: {reason}", pytrace=False)
    pytest.skip(f"{service}{_IS_MISSING}{reason}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what this machine lacks, just before the closing line."""
    # From the reports, which come from every process that tests, and not from what this process saw.
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", [])]
    reasons = {entry[2].removeprefix("Skipped: ") for entry in skipped if isinstance(entry, tuple)}
    for reason in sorted(reason for reason in reasons if _IS_MISSING in reason):
        terminalreporter.write_line(f"not tested, {reason}", yellow=True)
