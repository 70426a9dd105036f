"""The short version of `make chaos`: a quarter of the named points, and kills at any moment, on each database."""

from pathlib import Path

from tests.chaos.holds import POINTS
from tests.chaos.rounds import ANY_MOMENT, Table, rounds
from tests.chaos.world import world


def test_whatever_is_killed_every_promise_is_kept(database_url: str, tmp_path: Path) -> None:
    table = Table()
    points = POINTS[::4] if database_url.startswith("sqlite") else POINTS[2::4]
    with world(tmp_path, database_url=database_url) as made:
        rounds(made, [*points, *[ANY_MOMENT] * 2], seed=1, table=table)
    print("\n".join(table.lines()))  # noqa: T201 - shown where the test fails
    assert sum(table.kills.values()) > len(points) / 2
