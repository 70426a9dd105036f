"""Which databases the tests of chaos run on."""

import pytest

from tests.chaos.world import NewDatabase
from tests.postgresql_server import PostgresqlServer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-database", action="store_true", help="mishaps on PostgreSQL too, not on SQLite alone (minutes more)"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "new_database" in metafunc.fixturenames:
        # Not known where the folder of these tests was not named on the command line.
        every = metafunc.config.getoption("--every-database", default=False)
        names = ["sqlite", "postgresql"] if every else ["sqlite"]
        metafunc.parametrize("new_database", names, indirect=True, scope="module")


@pytest.fixture(scope="module")
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    if request.param == "sqlite":
        return lambda: ""
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    return server.new_database
