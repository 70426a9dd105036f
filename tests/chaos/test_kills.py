"""The short version of `make chaos`: a quarter of the named points, and kills at any moment, on each database."""

import random
from collections import deque
from pathlib import Path

from tests.chaos.holds import POINTS
from tests.chaos.rounds import rounds
from tests.chaos.table import ANY_MOMENT, Table
from tests.chaos.world import world


def test_whatever_is_killed_every_promise_is_kept(database_url: str, tmp_path: Path) -> None:
    table, chance = Table(), random.Random(1)
    # Points come in pairs, asked and done: each database has some of both.
    points = POINTS[::4] if database_url.startswith("sqlite") else POINTS[3::4]
    queue = deque(chance.sample([*points, *[ANY_MOMENT] * 2], len(points) + 2))
    with world(tmp_path, database_url=database_url) as made:
        rounds(made, queue, chance, table)
    print("\n".join(table.lines()))  # noqa: T201 - shown where the test fails
    assert table.kills.total() >= len(points)
    assert table.fallen == []
