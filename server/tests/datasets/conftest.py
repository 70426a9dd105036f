from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.datasets.stores import Datasets
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.storage.objects import open_objects
from pixmill_server.storage.tables import Tables
from server.tests.datasets.building import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def actor() -> Actor:
    return Actor(user_id="usr_1", organization_id="org_1", role=Role.OWNER)


@pytest.fixture
def datasets(database_url: str, tmp_path: Path, clock: SetClock) -> Iterator[Datasets]:
    """On a folder, once with SQLite and once with PostgreSQL."""
    database = open_database(database_url)
    schema.upgrade(database)
    yield Datasets(database, Tables(str(tmp_path / "tables")), open_objects(str(tmp_path / "objects")), clock)
    database.close()
