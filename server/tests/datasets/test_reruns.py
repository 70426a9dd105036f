"""Runs of one Job, one after the other, with humans at work in between: nothing is ever there twice."""

from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pixmill.annotations import Origin, Review, Source
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.edit import DeleteShape, Edit, EditBatch, SetReview, save
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import annotations_scan
from pixmill_server.datasets.revise import Author
from pixmill_server.datasets.stores import Datasets
from pixmill_server.kernel.ids import new_id
from server.tests.datasets.building import boxes, street

PATHS = ("a.jpg", "b.jpg", "c.jpg")
OWNER = Actor(user_id="usr_1", organization_id="org_1", role=Role.OWNER)
FOUND = st.dictionaries(st.sampled_from(PATHS), st.sets(st.sampled_from([1.0, 5.0, 9.0])), min_size=1)
"""What a Run finds: for each asset it looks at, where the boxes begin."""
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""A history is short as it is: making a failing one shorter takes minutes."""
DEEDS = st.lists(st.tuples(st.sampled_from(["accept", "reject", "delete"]), st.integers(0, 9)), max_size=3)


def rows_of(datasets: Datasets, version_id: str) -> list[dict[str, object]]:
    scanned = annotations_scan(datasets, pin(datasets, version_id))
    return [row for _, rows in scanned for row in rows.to_pylist()]


def run(datasets: Datasets, version_id: str, number: int, existing: Existing, found: dict[str, set[float]]) -> None:
    parts = [boxes([path], x=x) for path, places in found.items() for x in sorted(places)]
    origin = Origin(Source.RUN, run_id=f"run_{number}", processing="yolo", model="m@1")
    earlier = tuple(f"run_{before}" for before in range(1, number))
    everything = [*parts, ChangePart(done=tuple(found))]
    source = ChangeSource(lambda: everything, origin, assets_by=AssetKey.PATH, other_runs=earlier)
    commit(datasets, version_id, source, author=Author(run_id=f"run_{number}"), summary="Run", existing=existing)


def act(datasets: Datasets, version_id: str, deed: str, pick: int) -> None:
    rows = rows_of(datasets, version_id)
    if not rows:
        return
    row = rows[pick % len(rows)]
    asset_id, annotation_id = str(row["asset_id"]), str(row["id"])
    edits: dict[str, Edit] = {
        "accept": SetReview(asset_id, annotation_id, Review.ACCEPTED),
        "reject": SetReview(asset_id, annotation_id, Review.REJECTED),
        "delete": DeleteShape(asset_id, annotation_id),
    }
    save(datasets, OWNER, version_id, EditBatch((edits[deed],)))


def check(
    datasets: Datasets, existing: Existing, runs: list[tuple[dict[str, set[float]], list[tuple[str, int]]]]
) -> None:
    version_id = street(datasets, OWNER, PATHS, name=f"street/{new_id('v')}")
    for number, (found, deeds) in enumerate(runs, start=1):
        accepted = {str(row["id"]) for row in rows_of(datasets, version_id) if row["review"] == Review.ACCEPTED}
        run(datasets, version_id, number, existing, found)
        rows = rows_of(datasets, version_id)
        assert accepted <= {str(row["id"]) for row in rows}
        places = Counter((row["asset_id"], row["bbox_x"]) for row in rows)
        assert max(places.values(), default=1) == 1, places
        for deed, pick in deeds:
            act(datasets, version_id, deed, pick)


def test_a_job_that_is_run_again_and_again_never_doubles_a_shape_and_keeps_what_was_accepted(
    datasets: Datasets,
) -> None:
    histories = st.lists(st.tuples(FOUND, DEEDS), min_size=2, max_size=3)

    @given(existing=st.sampled_from(list(Existing)), runs=histories)
    @settings(
        max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.reuse, Phase.generate]
    )
    def tried(existing: Existing, runs: list[tuple[dict[str, set[float]], list[tuple[str, int]]]]) -> None:
        check(datasets, existing, runs)

    tried()
