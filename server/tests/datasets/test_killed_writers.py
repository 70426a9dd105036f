"""Writers that are killed for real, with SIGKILL, at any moment: what they said was committed is there, and whole."""

import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from pixmill_server.datasets import labels, versions
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.lease import free_abandoned, take_lease
from pixmill_server.datasets.queries import list_revisions, pin
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import VersionRow
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.kernel.clock import SystemClock
from pixmill_server.storage.objects import open_objects
from pixmill_server.storage.tables import Tables
from server.tests.datasets.building import IMPORT, asset_rows, boxes, run_commit
from server.tests.datasets.history_model import ACTOR, read_state

KILLS = 4
MOST_COMMITS_BEFORE_A_KILL = 6
ROOT = Path(__file__).parents[3]
CHILD = "import sys; from server.tests.datasets.test_killed_writers import write_forever; write_forever(*sys.argv[1:])"


TAKER = "import sys; from server.tests.datasets.test_killed_writers import take_and_wait; take_and_wait(*sys.argv[1:])"


def stores(url: str, folder: Path) -> Datasets:
    """With no patience: a dead writer's lease is nobody's."""
    return Datasets(
        open_database(url),
        Tables(str(folder / "tables")),
        open_objects(str(folder / "objects")),
        SystemClock(),
        lease_patience=timedelta(0),
    )


def write_forever(url: str, folder: str, version_id: str, first: str) -> None:
    """In the child: one box a commit on each of two assets, its x counting up; say each that is committed."""
    datasets, x = stores(url, Path(folder)), float(first)
    while True:
        done = run_commit(datasets, version_id, boxes(["a"], x=x), boxes(["b"], x=x + 0.25), boxes(["a"], x=x + 0.5))
        sys.stdout.write(f"{done.number}\n")
        sys.stdout.flush()
        x += 1


def take_and_wait(url: str, folder: str, version_id: str) -> None:
    """In the child: take the version's lease, say so, and hold it until killed."""
    take_lease(stores(url, Path(folder)), version_id)
    sys.stdout.write("taken\n")
    sys.stdout.flush()
    sys.stdin.read()


def test_a_lease_of_a_writer_that_was_killed_is_given_back_and_no_other(database_url: str, tmp_path: Path) -> None:
    datasets = stores(database_url, tmp_path)
    schema.upgrade(datasets.database)
    dead, ours = (versions.create_version(datasets, ACTOR, f"street/{name}").id for name in ("dead", "ours"))
    taker = subprocess.Popen(
        [sys.executable, "-c", TAKER, database_url, str(tmp_path), dead],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert taker.stdout is not None
    assert taker.stdout.readline()
    assert free_abandoned(datasets) == 0
    taker.kill()
    taker.communicate()
    take_lease(datasets, ours)
    assert free_abandoned(datasets) == 1
    with datasets.database.reading() as session:
        assert session.get_one(VersionRow, dead).lease_owner is None
        assert session.get_one(VersionRow, ours).lease_owner is not None


def test_a_writer_that_is_killed_leaves_whole_revisions(database_url: str, tmp_path: Path) -> None:
    datasets = stores(database_url, tmp_path)
    schema.upgrade(datasets.database)
    version_id = versions.create_version(datasets, ACTOR, "street/v1").id
    labels.add_labels(datasets, ACTOR, version_id, ["car"])
    said = run_commit(datasets, version_id, ChangePart(assets=asset_rows(datasets, ["a", "b"])), origin=IMPORT).number
    chance = random.Random(7)
    for round_number in range(KILLS):
        arguments = [database_url, str(tmp_path), version_id, str(1000 * (round_number + 1))]
        writer = subprocess.Popen(
            [sys.executable, "-c", CHILD, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(chance.randint(1, MOST_COMMITS_BEFORE_A_KILL)):
            said = int(writer.stdout.readline())
        # Somewhere in its next commit, which takes about this long.
        try:
            writer.wait(chance.uniform(0, 0.06))
        except subprocess.TimeoutExpired:
            writer.send_signal(signal.SIGKILL)
        said = max([said, *(int(line) for line in writer.stdout.read().split())])
        writer.wait()
        assert pin(datasets, version_id).number in (said, said + 1)
        said = pin(datasets, version_id).number
    _check(datasets, version_id, said)


def _check(datasets: Datasets, version_id: str, head: int) -> None:
    """Each Revision is the one before it, and three boxes more."""
    with datasets.database.reading() as session:
        assert [row.number for row in list_revisions(session, version_id, limit=1000).items] == [*range(head, 0, -1)]
    before: set[float] = set()
    for number in range(3, head + 1):
        boxes_there = set(read_state(datasets, version_id, number).shapes)
        assert before <= boxes_there
        assert len(boxes_there) == (number - 3) * 3
        before = boxes_there
