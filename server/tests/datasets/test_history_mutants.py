"""Each safeguard of the commit has a history that only it saves: without it a Revision reads wrong."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pixmill_server.datasets import revise
from pixmill_server.datasets.changes import Existing
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.storage import tables
from pixmill_server.storage.tables import Tables
from server.tests.datasets import operations
from server.tests.datasets.history_model import Operation
from server.tests.datasets.test_history import Histories, on

A_RUN = 1
"""The number of the operation."""
WRITES, POINTS = 4, 5
"""A Run's steps are lease, restore, stage, write, point, release."""


class Directed(Histories):
    """A history whose steps are chosen, and whose Runs always add a box."""

    def _some(self, version_id: str, what: int) -> Operation:
        if what == A_RUN:
            return operations.commit_a_run(version_id, {"a": self._x()}, Existing.ADD)
        return super()._some(version_id, what)


def a_writer_dies_before_it_points(history: Directed, version_id: str) -> None:
    history.a_writer_is_killed(version_id, what=A_RUN, at=POINTS)
    history.something_is_done(version_id, what=A_RUN)


def what_was_written_is_cleaned(history: Directed, version_id: str) -> None:
    history.what_a_writer_wrote_is_cleaned_before_it_points(
        version_id, late=A_RUN, dying=A_RUN, at=POINTS, dies_at=POINTS
    )


def a_label_is_renamed_meanwhile(history: Directed, version_id: str) -> None:
    history.the_head_moves_during_a_commit(version_id, late=A_RUN, at=POINTS, undone=False)


def another_writes_between(history: Directed, version_id: str) -> None:
    history.a_writer_that_lost_its_lease_writes_into_a_commit(version_id, what=A_RUN, at=WRITES)


Steps = Callable[[Directed, str], None]
SAFEGUARDS = [
    pytest.param(
        a_writer_dies_before_it_points,
        (tables, "_restored", lambda newest, _ref, _properties: newest),
        AssertionError,
        id="restore the pinned version",
    ),
    pytest.param(
        what_was_written_is_cleaned, (revise, "require_fence", lambda _row, _lease: None), OSError, id="check the fence"
    ),
    pytest.param(
        a_label_is_renamed_meanwhile,
        (revise, "require_head", lambda _row, _base: None),
        AssertionError,
        id="compare the head",
    ),
    pytest.param(
        another_writes_between,
        (tables, "require_own", lambda written, _base_version: written),
        AssertionError,
        id="check that the write is our own",
    ),
]


@pytest.mark.parametrize(("steps", "safeguard", "wrong"), SAFEGUARDS)
def test_a_history_goes_wrong_only_without(
    steps: Steps,
    safeguard: tuple[object, str, Callable[..., object]],
    wrong: type[Exception],
    migrated: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play(steps, migrated, tmp_path / "with it")
    module, name, without = safeguard
    monkeypatch.setattr(module, name, without)
    with pytest.raises(wrong):
        play(steps, migrated, tmp_path / "without it")


@pytest.fixture
def migrated(database_url: str) -> str:
    with closing(open_database(database_url)) as database:
        schema.upgrade(database)
    return database_url


def play(steps: Steps, url: str, folder: Path) -> None:
    stores = on(url, Tables(str(folder / "tables")), folder / "objects")
    history = type("History", (Directed,), {"stores": staticmethod(stores)})()
    try:
        version_id = history.begin()
        steps(history, version_id)
        history.every_revision_reads_as_it_always_did()
    finally:
        history.teardown()
