"""What every Revision must read as, kept in plain dicts beside the real stores."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NamedTuple

from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.datasets.errors import HeadMoved, LabelNotFound, LeaseLost
from pixmill_server.datasets.queries import counts_of, list_revisions, pin
from pixmill_server.datasets.records import Counts
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.storage.tables import ForeignWrite, Tables
from server.tests.datasets.building import SetClock

ACTOR = Actor("usr_1", "org_1", Role.OWNER)


@dataclass(frozen=True)
class LabelNow:
    """A Label and its name in one state; it stays the same Label under another name."""

    name: str
    which: int = field(compare=False, default=0)
    """What tells it from all others, as its id does; no two share it."""


class Box(NamedTuple):
    x: float
    path: str
    label: str
    source: str
    review: str


@dataclass(frozen=True)
class State:
    """All that one Revision holds."""

    assets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Path to tags."""
    shapes: dict[float, Box] = field(default_factory=dict)
    """The x at which a box was made, which no two share and which stays in its attributes, to what it is now."""
    labels: tuple[LabelNow, ...] = ()

    @property
    def label_names(self) -> list[str]:
        return [label.name for label in self.labels]

    @property
    def counts(self) -> Counts:
        return Counts(len(self.assets), len(self.shapes), len({box.path for box in self.shapes.values()}))


class Killed(BaseException):
    """The process is gone: nothing after the step runs, no handler and no `finally` has an effect."""


REFUSED: tuple[type[BaseException], ...] = (LeaseLost, HeadMoved, ForeignWrite, LabelNotFound, Killed)
"""What an operation may end with that was disturbed."""


@dataclass
class Interference:
    """Calls `what` when the writer reaches its `at`-th step; a killed writer reaches no other one."""

    at: int
    what: Callable[[], None]
    reached: int = 0
    dead: bool = False
    before: Callable[[], None] = lambda: None

    def __call__(self, _step: Step) -> None:
        if self.dead:
            raise Killed
        self.reached += 1
        if self.reached == self.at:
            self.before()
            try:
                self.what()
            except Killed:
                self.dead = True
                raise


@dataclass(frozen=True)
class Operation:
    """Something a user or a Run does to one version."""

    do: Callable[[Datasets], object]
    effect: Callable[[State], State]
    """What the head is after it, from what it was when the operation's commit came through."""


@dataclass
class History:
    """The real stores and the model; a Revision's state never changes once it is there."""

    datasets: Datasets
    clock: SetClock
    versions: dict[str, dict[int, State]] = field(default_factory=dict)
    """By version id, by number."""

    def head(self, version_id: str) -> State:
        return self.versions[version_id][max(self.versions[version_id])]

    def do(
        self,
        version_id: str,
        operation: Operation,
        interference: Interference | None = None,
        *,
        gone: tuple[type[Exception], ...] = (),
    ) -> None:
        """Do it, with what happens meanwhile, and write down what the version must be from now on.

        `gone` is what it may raise beside, because what it builds on may have been cleaned away.
        """
        stores = self.datasets if interference is None else replace(self.datasets, at_step=interference)
        noted: list[int] = []

        def note() -> None:
            """Once it is visible: at the end, or before something else happens after its commit."""
            real, known = pin(self.datasets, version_id).number, max(self.versions[version_id])
            assert real in (known, known + 1), "a commit is one revision or none"
            if real == known + 1:
                assert not noted, "a commit is one revision or none"
                self.versions[version_id][real] = operation.effect(self.head(version_id))
                noted.append(real)

        if interference is not None:
            interference.before = note
        try:
            operation.do(stores)
        except (*REFUSED, *gone):
            assert interference is not None, "nobody was there to disturb"
            note()
        else:
            note()
            expected = self.head(version_id) if noted else operation.effect(self.head(version_id))
            assert expected == self.head(version_id), "what was committed is not there"

    def bury(self) -> None:
        """Time passes until a dead writer's lease is over."""
        self.clock.forward(self.datasets.lease_duration + timedelta(seconds=1))

    def check(self) -> None:
        """Every reachable Revision reads as it always did, through tables that were opened just now."""
        fresh = replace(self.datasets, tables=Tables(self.datasets.tables.root, self.datasets.tables.storage_options))
        for version_id, states in self.versions.items():
            with self.datasets.database.reading() as session:
                revisions = {row.number: row for row in list_revisions(session, version_id, limit=1000).items}
            assert set(revisions) == set(states), "revisions came or went"
            for number, state in states.items():
                assert read_state(fresh, version_id, number) == state, f"revision {number} of {version_id} changed"
                assert counts_of(revisions[number]) == state.counts, f"revision {number} counts wrongly"


def read_state(datasets: Datasets, version_id: str, number: int) -> State:
    """By scan, and the annotations of each asset by index as well."""
    pinned = pin(datasets, version_id, number)
    assets = datasets.tables.open(pinned.assets).to_table(columns=["id", "path", "tags"]).to_pylist()
    columns = ["asset_id", "bbox_x", "label_id", "source", "review", "attributes"]
    annotations = datasets.tables.open(pinned.annotations)
    shapes = annotations.to_table(columns=columns).to_pylist()
    names = {label.id: label.name for label in pinned.labels}
    paths = {asset["id"]: asset["path"] for asset in assets}
    if assets:
        listed = ",".join(f"'{asset_id}'" for asset_id in paths)
        by_index = annotations.to_table(columns=columns, filter=f"asset_id IN ({listed})").to_pylist()
        assert sorted(map(str, by_index)) == sorted(map(str, shapes)), "the index misses rows"
    assert len(paths) == len(assets), "an asset is there twice"
    made = [json.loads(shape["attributes"])["first_x"] for shape in shapes]
    assert len(set(made)) == len(shapes), "an annotation is there twice"
    return State(
        {asset["path"]: tuple(asset["tags"]) for asset in assets},
        {
            x: Box(row["bbox_x"], paths[row["asset_id"]], names[row["label_id"]], row["source"], row["review"])
            for x, row in zip(made, shapes, strict=True)
        },
        tuple(LabelNow(label.name) for label in pinned.labels),
    )
