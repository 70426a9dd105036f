"""The experiment would notice: without any one of the commit's safeguards, some history reads differently."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pixmill_server.datasets import revise
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.storage import tables
from pixmill_server.storage.tables import Tables
from server.tests.datasets.test_history import histories, on

EXAMPLES, STEPS = 300, 15
"""At most; each of these is found within the first few."""


@pytest.mark.parametrize(
    ("module", "safeguard", "without"),
    [
        (tables, "_restored", lambda newest, _ref, _properties: newest),
        (revise, "require_fence", lambda _row, _lease: None),
        (revise, "require_head", lambda _row, _base: None),
        (tables, "require_own", lambda written, _base_version: written),
    ],
    ids=["restore the pinned version", "check the fence", "compare the head", "check that the write is our own"],
)
def test_a_history_goes_wrong_without(
    module: object, safeguard: str, without: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'pixmill.db'}"
    database = open_database(url)
    schema.upgrade(database)
    database.close()
    monkeypatch.setattr(module, safeguard, without)
    with pytest.raises((AssertionError, LookupError, OSError)):
        histories(
            on(url, Tables(str(tmp_path / "tables")), tmp_path / "objects"), examples=EXAMPLES, steps=STEPS, seed=True
        )
