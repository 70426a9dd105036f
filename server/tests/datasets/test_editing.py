from datetime import UTC, datetime, timedelta

import lance
import numpy as np
import pytest

from pixmill.annotations import BoundingBox, Polygon, Review, Ring
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import assets, labels, maintain, read, revert, versions
from pixmill_server.datasets.changes import Existing
from pixmill_server.datasets.edit import AddShape, DeleteShape, EditBatch, MoveShape, Relabel, SetReview, save
from pixmill_server.datasets.errors import LabelNotFound, NameTaken, RevisionNotFound
from pixmill_server.datasets.queries import list_revisions, pin
from pixmill_server.datasets.records import Counts
from pixmill_server.datasets.schemas import ANNOTATIONS
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tending import tending
from pixmill_server.datasets.to_lance import to_lance
from server.tests.datasets.building import SetClock, annotated_paths, boxes, id_of, run_commit, street

A, B = id_of("a.jpg"), id_of("b.jpg")


def rows(datasets: Datasets, version_id: str) -> list[dict[str, object]]:
    return [row for _, lot in read.annotations_scan(datasets, pin(datasets, version_id)) for row in lot.to_pylist()]


def annotated(datasets: Datasets, actor: Actor) -> tuple[str, str, str]:
    """A version with one box on a.jpg and one on b.jpg, both by a Run, and the ids of the two."""
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg", "b.jpg"]))
    first, second = (str(row["id"]) for row in rows(datasets, version_id))
    return version_id, first, second


def test_a_moved_shape_keeps_its_id_label_score_and_origin(datasets: Datasets, actor: Actor) -> None:
    version_id, box, _ = annotated(datasets, actor)
    before = rows(datasets, version_id)[0]
    done = save(datasets, actor, version_id, EditBatch([MoveShape(A, box, BoundingBox(5, 6, 7, 8))]))
    after = rows(datasets, version_id)[0]
    moved = {"bbox_x": 5, "bbox_y": 6, "bbox_width": 7, "bbox_height": 8, "review": "edited", "edited_by": "usr_1"}
    assert after == before | moved
    assert (done.outcome.step["changed_annotations"], done.counts) == (1, Counts(3, 2, 2))


def test_shapes_are_added_relabelled_and_deleted_in_one_revision(datasets: Datasets, actor: Actor) -> None:
    version_id, first, second = annotated(datasets, actor)
    triangle = Polygon((Ring(((0, 0), (9, 0), (0, 9))),))
    edits = EditBatch([AddShape(B, "person", triangle), Relabel(A, first, "person"), DeleteShape(B, second)])
    done = save(datasets, actor, version_id, edits)
    changed, added = rows(datasets, version_id)
    person = pin(datasets, version_id).label_named("person").id
    assert (changed["id"], changed["label_id"], changed["review"]) == (first, person, "edited")
    assert (added["kind"], added["source"], added["coordinates"]) == ("polygon", "human", [0, 0, 9, 0, 0, 9])
    assert done.counts == Counts(3, 2, 2)
    with datasets.database.reading() as session:
        newest = list_revisions(session, version_id).items[0]
    assert (newest.summary, newest.author_id) == ("1 added, 1 relabelled, 1 deleted", "usr_1")


def test_what_a_human_edited_or_accepted_is_never_replaced_by_a_run(datasets: Datasets, actor: Actor) -> None:
    version_id, first, second = annotated(datasets, actor)
    edits = EditBatch([SetReview(A, first, Review.ACCEPTED), MoveShape(B, second, BoundingBox(5, 6, 7, 8))])
    save(datasets, actor, version_id, edits)
    run_commit(datasets, version_id, boxes(["a.jpg", "b.jpg"], x=9), existing=Existing.REPLACE)
    assert annotated_paths(datasets, version_id) == [("a.jpg", 1), ("a.jpg", 9), ("b.jpg", 5), ("b.jpg", 9)]


def test_an_edit_of_a_shape_that_is_gone_is_reported(datasets: Datasets, actor: Actor) -> None:
    version_id, first, second = annotated(datasets, actor)
    save(datasets, actor, version_id, EditBatch([DeleteShape(A, first)]))
    assets.remove(datasets, actor, version_id, [B])
    done = save(datasets, actor, version_id, EditBatch([SetReview(A, first, Review.REJECTED), DeleteShape(B, second)]))
    assert [skipped.reason for skipped in done.outcome.skipped] == [
        "it was deleted meanwhile",
        "its asset is not in the version any more",
    ]
    assert not done.changed
    assert pin(datasets, version_id).counts == Counts(2, 0, 0)


def test_a_shape_of_an_unknown_label_is_refused(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    with pytest.raises(LabelNotFound, match=r"'tree'.*car, person"):
        save(datasets, actor, version_id, EditBatch([AddShape(A, "tree", BoundingBox(1, 2, 3, 4))]))


def test_revert_brings_back_everything_as_a_new_revision(datasets: Datasets, actor: Actor) -> None:
    version_id, first, _ = annotated(datasets, actor)
    save(datasets, actor, version_id, EditBatch([DeleteShape(A, first)]))
    car = pin(datasets, version_id).label_named("car").id
    labels.rename_label(datasets, actor, version_id, car, "auto")
    assert revert.revert(datasets, actor, version_id, 4).number == 7
    assert [label.name for label in pin(datasets, version_id).labels] == ["car", "person"]
    assert annotated_paths(datasets, version_id) == [("a.jpg", 1), ("b.jpg", 1)]
    run_commit(datasets, version_id, boxes(["c.jpg"], x=2))
    assert annotated_paths(datasets, version_id) == [("a.jpg", 1), ("b.jpg", 1), ("c.jpg", 2)]
    with pytest.raises(RevisionNotFound, match="newest revision is 8"):
        revert.revert(datasets, actor, version_id, 99)


def test_a_renamed_label_takes_its_annotations_with_it(datasets: Datasets, actor: Actor) -> None:
    version_id, _, _ = annotated(datasets, actor)
    pinned = pin(datasets, version_id)
    labels.rename_label(datasets, actor, version_id, pinned.label_named("car").id, "auto")
    now = pin(datasets, version_id)
    assert now.annotations == pinned.annotations
    assert [(label.name, count) for label, count in read.label_histogram(datasets, now)] == [("auto", 2), ("person", 0)]
    with pytest.raises(NameTaken, match="label 'person'"):
        labels.rename_label(datasets, actor, version_id, now.label_named("auto").id, "person")


def test_a_label_in_use_goes_only_with_its_annotations(datasets: Datasets, actor: Actor) -> None:
    version_id, _, _ = annotated(datasets, actor)
    with pytest.raises(labels.LabelInUse, match="2 annotations have the label car"):
        labels.set_labels(datasets, actor, version_id, ["person", "tree"])
    done = labels.set_labels(datasets, actor, version_id, ["person", "tree"], delete_annotations=True)
    assert done.counts == Counts(3, 0, 0)
    assert [label.name for label in pin(datasets, version_id).labels] == ["person", "tree"]


def test_tags_and_metadata_are_set_and_taken_away(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    assets.tag(datasets, actor, version_id, [A, B], ["night", "rain"])
    assets.untag(datasets, actor, version_id, [A], ["rain"])
    assets.set_metadata(datasets, actor, version_id, {A: {"camera": 1}})
    assets.set_metadata(datasets, actor, version_id, {A: {"lens": "wide"}})
    record = read.asset_by_id(datasets, pin(datasets, version_id), A)
    assert (record.tags, record.metadata) == (("night",), {"camera": 1, "lens": "wide"})


def test_upkeep_changes_files_and_nothing_else(datasets: Datasets, actor: Actor) -> None:
    version_id, _, _ = annotated(datasets, actor)
    versions.lock(datasets, actor, version_id)
    before, seen = pin(datasets, version_id), rows(datasets, version_id)
    assert maintain.compact(datasets, version_id)
    after = pin(datasets, version_id)
    assert (after.number, after.counts) == (before.number, before.counts)
    assert after.annotations != before.annotations
    assert datasets.tables.shape(after.annotations).is_best
    assert rows(datasets, version_id) == seen


def test_a_deleted_version_goes_when_its_fork_is_gone(datasets: Datasets, actor: Actor, clock: SetClock) -> None:
    version_id, _, _ = annotated(datasets, actor)
    forked = versions.fork(datasets, actor, pin(datasets, version_id), "v2").id
    versions.delete(datasets, actor, version_id)
    clock.forward(timedelta(days=2))
    maintain.tend(datasets)
    assert annotated_paths(datasets, forked) == [("a.jpg", 1), ("b.jpg", 1)]
    assert not maintain.purge(datasets, version_id)
    versions.delete(datasets, actor, forked)
    assert maintain.purge(datasets, forked)
    assert maintain.purge(datasets, version_id)
    assert maintain.purge(datasets, version_id)
    with pytest.raises(ValueError, match="Not found"):
        datasets.tables.newest(pin(datasets, forked).assets.name, forked)


def test_a_branch_of_a_fork_that_died_is_swept_away(datasets: Datasets, actor: Actor, clock: SetClock) -> None:
    version_id = street(datasets, actor)
    pinned = pin(datasets, version_id)
    datasets.tables.fork(pinned.assets, "ver_of_nobody")
    clock.at = datetime.now(UTC) + timedelta(days=2)
    maintain.tend(datasets)
    assert set(datasets.tables.branches(pinned.assets.name)) == {version_id}
    assert annotated_paths(datasets, version_id) == []


def test_many_small_saves_are_compacted_and_their_leftovers_cleaned(
    datasets: Datasets, actor: Actor, clock: SetClock
) -> None:
    version_id = street(datasets, actor)
    for number in range(maintain.MANY_FILES + 2):
        run_commit(datasets, version_id, boxes(["a.jpg"], x=number))
    killed = pin(datasets, version_id)
    datasets.tables.write(killed.annotations, {}).append([], ANNOTATIONS).delete(np.array([0], dtype=np.uint64)).commit(
        reindex_above=10
    )
    clock.at = datetime.now(UTC) + timedelta(days=2)
    with tending(datasets, every_seconds=0.01, before=lambda: None):
        while pin(datasets, version_id).annotations == killed.annotations:
            datasets.database.signals.wait("nothing", 0.01)
    assert datasets.tables.shape(pin(datasets, version_id).annotations).is_best
    clock.forward(timedelta(days=2))
    assert maintain.clean(datasets, version_id) > 0
    for number in range(1, pin(datasets, version_id).number + 1):
        assert len(annotated_paths(datasets, version_id, number)) == max(number - 3, 0)


def test_a_revision_opens_with_lance_alone(datasets: Datasets, actor: Actor) -> None:
    version_id, _, _ = annotated(datasets, actor)
    address = to_lance(datasets, pin(datasets, version_id)).annotations
    opened = lance.dataset(address.uri).checkout_version((address.branch, address.version))
    assert opened.to_table(columns=["bbox_x"])["bbox_x"].to_pylist() == [1, 1]
