"""What the commit of a Run did to each Label."""

from pixmill.annotations import Origin, Source
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.revise import Author
from pixmill_server.datasets.run_effects import effect_of_run
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.versions import delete
from server.tests.datasets.building import IMPORT, boxes, run_commit, street


def committed(datasets: Datasets, version_id: str, run_id: str, *parts: ChangePart, existing: Existing) -> int:
    origin = Origin(Source.RUN, run_id=run_id, processing="yolo", model="m@1")
    source = ChangeSource(lambda: parts, origin, assets_by=AssetKey.PATH)
    return commit(datasets, version_id, source, author=Author(run_id=run_id), summary="Run", existing=existing).number


def test_shapes_before_replaced_added_and_after_are_told_by_label(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg"], label="person"), origin=IMPORT)
    one = committed(datasets, version_id, "run_a", boxes(["a.jpg", "b.jpg", "c.jpg"]), existing=Existing.ADD)
    found = [boxes(["b.jpg", "c.jpg"], x=9.0), boxes(["b.jpg"], label="person", x=9.0)]
    two = committed(
        datasets, version_id, "run_b", *found, ChangePart(done=("b.jpg", "c.jpg")), existing=Existing.REPLACE
    )
    first = effect_of_run(datasets, version_id, one, "run_a")
    second = effect_of_run(datasets, version_id, two, "run_b")
    assert first is not None
    assert second is not None
    told = [
        [(each.label.name, each.before, each.replaced, each.added, each.after) for each in effect.labels]
        for effect in (first, second)
    ]
    assert told == [
        [("car", 0, 0, 3, 3), ("person", 1, 0, 0, 1)],
        [("car", 3, 2, 2, 3), ("person", 1, 0, 1, 2)],
    ]
    assert (sum(second.scores), second.scores[10], second.without_score) == (3, 3, 0)


def test_another_ones_revision_and_a_deleted_version_tell_nothing(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    number = committed(datasets, version_id, "run_a", boxes(["a.jpg"]), existing=Existing.ADD)
    assert effect_of_run(datasets, version_id, number, "run_b") is None
    assert effect_of_run(datasets, version_id, number + 1, "run_a") is None
    delete(datasets, actor, version_id)
    assert effect_of_run(datasets, version_id, number, "run_a") is None
