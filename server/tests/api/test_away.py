"""What a caller is told while the database, or the room on the disk, is missing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from pixmill_server.api.problems import answer_with_problems
from pixmill_server.db.engine import open_database


def answer_to(work: Callable[[], None]) -> tuple[int, str]:
    """Status and code of the problem that a request gets whose work this is."""
    app = FastAPI()
    answer_with_problems(app)
    app.get("/")(work)
    answer = TestClient(app, raise_server_exceptions=False).get("/")
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_a_database_that_cannot_be_opened_is_away(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/not-mounted/pixmill.db")

    def write() -> None:
        with database.transaction() as session:
            session.execute(text("SELECT 1"))

    assert answer_to(write) == (503, "database-away")


def test_a_wrong_statement_is_a_mistake_and_does_not_pass(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/pixmill.db")

    def read() -> None:
        with database.reading() as session:
            session.execute(text("SELECT * FROM nowhere"))

    assert answer_to(read) == (500, "internal")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_from_other_errors_of_the_disk(tmp_path: Path) -> None:
    def write() -> None:
        Path("/dev/full").write_text("more than nothing")

    def read() -> None:
        (tmp_path / "missing").read_text()

    assert answer_to(write) == (507, "no-room")
    assert answer_to(read) == (500, "internal")
