"""The experiment of the architecture's §10.1: whatever happens, every Revision goes on reading the same.

`PIXMILL_HISTORY_EXAMPLES` (histories for each pair of stores) and `PIXMILL_HISTORY_STEPS` make it longer.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pixmill_server.datasets import maintain, versions
from pixmill_server.datasets.changes import Existing
from pixmill_server.datasets.queries import list_versions, pin
from pixmill_server.datasets.schemas import ANNOTATIONS
from pixmill_server.datasets.stores import Datasets
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.storage.objects import open_objects
from pixmill_server.storage.tables import ForeignWrite, Tables
from server.tests.datasets import operations
from server.tests.datasets.building import SetClock
from server.tests.datasets.history_model import ACTOR, History, Interference, Killed, Operation, State
from tests.real_services import S3Bucket

EXAMPLES = int(os.environ.get("PIXMILL_HISTORY_EXAMPLES", "5"))
STEPS = int(os.environ.get("PIXMILL_HISTORY_STEPS", "12"))
AT = st.integers(1, 8)
"""A writer's step; it has at most eight."""
WHAT = st.integers(0, 8)
"""Which operation."""


class Histories(RuleBasedStateMachine):
    """Random histories of DatasetVersions, in which writers die and come too late."""

    stores: Callable[[SetClock], Datasets]
    version_ids: Bundle[str] = Bundle("version_ids")
    history: History

    @initialize(target=version_ids)
    def begin(self) -> str:
        clock = SetClock()
        self.history = History(type(self).stores(clock), clock)
        self.boxes = 0.0
        version_id = versions.create_version(self.history.datasets, ACTOR, f"street-{os.urandom(8).hex()}/v1").id
        self.history.versions[version_id] = {1: State()}
        for operation in (
            operations.add_label(version_id, "car"),
            operations.import_assets(version_id, ["a", "b", "c"]),
            operations.commit_a_run(version_id, {"a": self._x(), "b": self._x()}, Existing.ADD),
        ):
            self.history.do(version_id, operation)
        return version_id

    @rule(version_id=version_ids, what=WHAT)
    def something_is_done(self, version_id: str, what: int) -> None:
        self.history.do(version_id, self._some(version_id, what))

    @rule(target=version_ids, version_id=version_ids)
    def a_version_is_forked(self, version_id: str) -> str:
        source = pin(self.history.datasets, version_id)
        forked = versions.fork(self.history.datasets, ACTOR, source, os.urandom(8).hex()).id
        self.history.versions[forked] = {1: self.history.versions[version_id][source.number]}
        return forked

    @rule(version_id=version_ids)
    def a_version_is_cleaned(self, version_id: str) -> None:
        self._clean(version_id)

    @rule(version_id=version_ids, what=WHAT, at=AT)
    def a_writer_is_killed(self, version_id: str, what: int, at: int) -> None:
        self.history.do(version_id, self._some(version_id, what), Interference(at, _die))
        self.history.bury()

    @rule(version_id=version_ids, at=AT)
    def a_fork_is_killed(self, version_id: str, at: int) -> None:
        name, killed = os.urandom(8).hex(), Interference(min(at, 3), _die)
        with pytest.raises(Killed):
            versions.fork(
                replace(self.history.datasets, at_step=killed), ACTOR, pin(self.history.datasets, version_id), name
            )
        with self.history.datasets.database.reading() as session:
            assert name not in {listed.version.name for listed in list_versions(session, ACTOR.organization_id)}

    @rule(version_id=version_ids, late=WHAT, prompt=WHAT, at=AT)
    def a_writer_outlives_its_lease(self, version_id: str, late: int, prompt: int, at: int) -> None:
        def meanwhile() -> None:
            self.history.bury()
            self.history.do(version_id, self._some(version_id, prompt))

        self.history.do(version_id, self._some(version_id, late), Interference(at, meanwhile))

    @rule(version_id=version_ids, late=WHAT, dying=WHAT, at=AT, dies_at=AT)
    def a_writer_outlives_its_lease_and_the_next_one_dies(
        self, version_id: str, late: int, dying: int, at: int, dies_at: int
    ) -> None:
        def meanwhile() -> None:
            self.history.bury()
            self.history.do(version_id, self._some(version_id, dying), Interference(dies_at, _die))
            # Should the late one begin anew, it would wait for the dead one's lease: the clock stands still.
            self.history.bury()

        self.history.do(version_id, self._some(version_id, late), Interference(at, meanwhile))
        self.history.bury()

    @rule(version_id=version_ids, late=WHAT, dying=WHAT, at=AT, dies_at=AT)
    def what_a_writer_wrote_is_cleaned_before_it_points(
        self, version_id: str, late: int, dying: int, at: int, dies_at: int
    ) -> None:
        def meanwhile() -> None:
            self.history.bury()
            self.history.do(version_id, self._some(version_id, dying), Interference(dies_at, _die))
            self.history.bury()
            self._clean(version_id)

        # Lance says OSError where the version that the late one was built on is gone.
        late_one = self._some(version_id, late)
        self.history.do(version_id, late_one, Interference(at, meanwhile), gone=(OSError,))
        self.history.bury()

    @rule(version_id=version_ids, what=WHAT, at=AT)
    def a_writer_that_lost_its_lease_writes_into_a_commit(self, version_id: str, what: int, at: int) -> None:
        tables, head = self.history.datasets.tables, pin(self.history.datasets, version_id)
        lost = tables.write(head.annotations, {"fence": "0"})
        lost.append(tables.open(head.annotations).to_table().to_batches(), ANNOTATIONS)

        def meanwhile() -> None:
            with suppress(ForeignWrite):
                lost.commit(reindex_above=2)

        self.history.do(version_id, self._some(version_id, what), Interference(at, meanwhile))

    @rule(version_id=version_ids, late=WHAT, undone=st.booleans(), at=AT)
    def the_head_moves_during_a_commit(self, version_id: str, late: int, at: int, *, undone: bool) -> None:
        def meanwhile() -> None:
            self.history.do(version_id, self._some(version_id, 4 if undone else 5))

        self.history.do(version_id, self._some(version_id, late), Interference(at, meanwhile))

    @invariant()
    def every_revision_reads_as_it_always_did(self) -> None:
        if hasattr(self, "history"):
            self.history.check()

    def teardown(self) -> None:
        if hasattr(self, "history"):
            self.history.datasets.database.close()

    def _some(self, version_id: str, what: int) -> Operation:
        datasets, states = self.history.datasets, self.history.versions[version_id]
        head, x = self.history.head(version_id), self._x()
        path = "abcd"[int(x) % 4]
        match what:
            case 0:
                return operations.import_assets(version_id, [path, f"{path}{path}"])
            case 1:
                existing = tuple(Existing)[int(x) % 3]
                return operations.commit_a_run(version_id, {"a": x, path: self._x()}, existing)
            case 2:
                some = sorted(head.shapes)[int(x) % len(head.shapes)] if head.shapes else -1.0
                return operations.save(datasets, version_id, some, x, int(x) % 3)
            case 3:
                return operations.tag(version_id, path)
            case 4:
                # Revision 1 of the first version is the one without any label.
                number = max(max(states) - 1 - int(x) % 4, min(len(states), 2))
                return operations.undo(version_id, number, states[number])
            case 5:
                return operations.rename_last_label(datasets, version_id, head)
            case 6:
                return operations.remove(version_id, path)
            case 7:
                return operations.add_label(version_id, ("car", "bus", "dog")[int(x) % 3])
            case _:
                return operations.compact(version_id)

    def _clean(self, version_id: str) -> None:
        # Ahead of the real time that Lance notes: nothing is too young to go.
        ahead = replace(self.history.datasets, clock=SetClock(datetime.now(UTC) + timedelta(days=2)))
        maintain.clean(ahead, version_id, grace=timedelta(0))

    def _x(self) -> float:
        self.boxes += 1
        return self.boxes


def _die() -> None:
    raise Killed


def histories(stores: Callable[[SetClock], Datasets], *, examples: int, steps: int, seed: bool = False) -> None:
    """Run them; raises what the first wrong one raises."""
    machine = type("Histories", (Histories,), {"stores": staticmethod(stores)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=seed,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def migrated(database_url: str) -> str:
    database = open_database(database_url)
    schema.upgrade(database)
    database.close()
    return database_url


def on(url: str, root: Tables, objects: Path) -> Callable[[SetClock], Datasets]:
    # Two rows, not two hundred thousand: commits bring the indexes up to date in these histories too.
    return lambda clock: Datasets(open_database(url), root, open_objects(str(objects)), clock, reindex_above=2)


def test_every_revision_reads_as_it_always_did_on_a_folder(migrated: str, tmp_path: Path) -> None:
    stores = on(migrated, Tables(str(tmp_path / "tables")), tmp_path / "objects")
    histories(stores, examples=EXAMPLES, steps=STEPS)


def test_every_revision_reads_as_it_always_did_in_a_bucket(migrated: str, s3: S3Bucket, tmp_path: Path) -> None:
    stores = on(migrated, in_bucket(s3), tmp_path / "objects")
    histories(stores, examples=max(EXAMPLES // 4, 1), steps=STEPS)


def in_bucket(bucket: S3Bucket) -> Tables:
    return Tables(
        f"s3://{bucket.name}/tables",
        {
            "aws_endpoint": bucket.endpoint,
            "aws_region": bucket.region,
            "aws_access_key_id": bucket.access_key_id,
            "aws_secret_access_key": bucket.secret_access_key,
            "allow_http": "true",
        },
    )


def test_a_label_renamed_twice_at_once_has_the_later_name(migrated: str, tmp_path: Path) -> None:
    stores = on(migrated, Tables(str(tmp_path / "tables")), tmp_path / "objects")
    history = type("Histories", (Histories,), {"stores": staticmethod(stores)})()
    version_id = history.begin()

    history.the_head_moves_during_a_commit(version_id, late=5, at=1, undone=False)

    history.every_revision_reads_as_it_always_did()
    history.teardown()
