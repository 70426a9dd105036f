"""The short version of `make chaos`: each named point once, and some kills at any moment, on both databases."""

from pathlib import Path

from tests.chaos.holds import POINTS
from tests.chaos.rounds import ANY_MOMENT, Table, rounds
from tests.chaos.world import world


def test_whatever_is_killed_every_promise_is_kept(database_url: str, tmp_path: Path) -> None:
    table = Table()
    points = POINTS[::2] if database_url.startswith("sqlite") else POINTS[1::2]
    with world(tmp_path, database_url=database_url) as made:
        rounds(made, [*points, *[ANY_MOMENT] * 3], seed=1, table=table)
    print("\n".join(table.lines()))  # noqa: T201 - shown where the test fails
    assert sum(table.kills.values()) >= len(points)
