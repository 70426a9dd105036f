from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, Table, text
from sqlalchemy.exc import StatementError

from pixmill.errors import InvalidInput
from pixmill_server.datasets.tables import DatasetRow
from pixmill_server.db import schema
from pixmill_server.db.engine import Database, DatabaseUnusable, announce, open_database, require_sound_sqlite
from pixmill_server.db.notify import listening
from pixmill_server.migrations.metadata import all_tables


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    schema.upgrade(opened)
    yield opened
    opened.close()


def dataset(name: str, created_at: datetime) -> DatasetRow:
    return DatasetRow(id=f"ds_{name}", organization_id="org_1", name=name, created_at=created_at)


def test_the_migrated_schema_is_the_tables(database: Database) -> None:
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        differences = compare_metadata(context, all_tables())
    assert differences == [], "run `python -m pixmill_server.migrations.regenerate`"


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    schema.upgrade(database)
    schema.require_current(database)


def test_a_database_without_tables_must_be_migrated_first(database_url: str) -> None:
    with pytest.raises(schema.SchemaTooOld, match="migrate"):
        schema.require_current(open_database(database_url))


def test_a_database_of_a_newer_release_is_refused(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.SchemaTooNew, match=r"'9999'.*newer release"):
        schema.upgrade(database)


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    def interrupted() -> None:
        with database.transaction() as session:
            session.add(dataset("street", datetime.now(UTC)))
            session.flush()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with database.reading() as session:
        assert session.query(DatasetRow).count() == 0


def test_times_come_back_aware_and_in_utc(database: Database) -> None:
    noon_in_tokyo = datetime(2026, 5, 4, 12, tzinfo=timezone(timedelta(hours=9)))
    with database.transaction() as session:
        session.add(dataset("street", noon_in_tokyo))
    with database.reading() as session:
        found = session.get_one(DatasetRow, "ds_street").created_at
    assert (found, found.tzinfo) == (noon_in_tokyo, UTC)


def test_a_naive_time_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="aware UTC"), database.transaction() as session:
        session.add(dataset("street", datetime(2026, 5, 4)))  # noqa: DTZ001 - the naive time is the point


def test_a_reader_sees_one_state_while_others_write(database: Database) -> None:
    with database.reading() as reader:
        assert reader.query(DatasetRow).count() == 0
        with database.transaction() as writer:
            writer.add(dataset("street", datetime.now(UTC)))
        assert reader.query(DatasetRow).count() == 0


def test_a_reading_session_that_changes_something_is_an_error(database: Database) -> None:
    with pytest.raises(RuntimeError, match="transaction"), database.reading() as session:
        session.add(dataset("street", datetime.now(UTC)))


def test_an_announcement_wakes_this_process_after_the_commit(database: Database) -> None:
    seen = database.signals.count("run:1")
    with database.transaction() as session:
        announce(session, "run:1")
        assert database.signals.count("run:1") == seen
    assert database.signals.wait("run:1", 30, seen=seen)


def test_an_announcement_wakes_other_processes_on_postgresql(postgresql: str) -> None:
    here, elsewhere = open_database(postgresql), open_database(postgresql)
    with listening(elsewhere):
        seen = elsewhere.signals.count("run:1")
        with here.transaction() as session:
            announce(session, "run:1")
        assert elsewhere.signals.wait("run:1", 30, seen=seen)
    here.close()
    elsewhere.close()


def test_an_sqlite_that_can_lose_commits_is_refused() -> None:
    require_sound_sqlite("3.53.0")
    with pytest.raises(DatabaseUnusable, match=r"3\.40\.1 can lose commits"):
        require_sound_sqlite("3.40.1")


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'mysql'"):
        open_database("mysql://root@host/db")


def test_an_upgrade_settles_partial_results_that_a_later_run_had_superseded(database_url: str) -> None:
    opened = open_database(database_url)
    with opened.transaction() as session:
        config = Config()
        config.set_main_option("script_location", schema.SCRIPTS)
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "0009")
        tables = MetaData()
        tables.reflect(session.connection(), only=["jobs", "runs"])
        runs = (("a", "failed"), ("a", "succeeded"), ("a", "cancelled"), ("b", "failed"), ("b", "failed"))
        for job_id in ("a", "b"):
            session.execute(tables.tables["jobs"].insert(), filled(tables.tables["jobs"], id=job_id))
        for number, (job_id, status) in enumerate(runs, start=1):
            partial = None if status == "succeeded" else "kept"
            told = {"id": str(number), "job_id": job_id, "number": number, "status": status, "partial": partial}
            session.execute(tables.tables["runs"].insert(), filled(tables.tables["runs"], **told))
    schema.upgrade(opened)
    with opened.reading() as session:
        states = session.scalars(text("SELECT partial FROM runs ORDER BY number")).all()
    assert states == ["superseded", None, "kept", "kept", "kept"]
    opened.close()


def filled(table: Table, **told: Any) -> dict[str, Any]:
    """A row with something in every column that must have it."""
    some = {str: "", int: 0, float: 0.0, bool: False, bytes: b"", object: {}, datetime: datetime.now(UTC)}
    needed = [column for column in table.columns if not column.nullable and column.server_default is None]
    return {column.name: some[column.type.python_type] for column in needed} | told
