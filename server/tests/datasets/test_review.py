from dataclasses import replace

import pytest

from pixmill.annotations import BoundingBox, Review
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import read, revert, versions
from pixmill_server.datasets.changes import Existing
from pixmill_server.datasets.edit import AddShape, DeleteShape, Edit, EditBatch, MoveShape, SetReview, save
from pixmill_server.datasets.errors import AssetChanged, VersionLocked
from pixmill_server.datasets.filters import ALL, AssetFilter
from pixmill_server.datasets.queries import list_revisions, pin
from pixmill_server.datasets.review import count_predictions, review_predictions
from pixmill_server.datasets.stores import Datasets
from server.tests.datasets.building import IMPORT, RUN, annotated_paths, boxes, id_of, run_commit, street

A, B, C = id_of("a.jpg"), id_of("b.jpg"), id_of("c.jpg")


def reviews(datasets: Datasets, version_id: str, number: int | None = None) -> dict[tuple[str, float], str]:
    """Review by path and left edge."""
    pinned = pin(datasets, version_id, number)
    return {
        (asset.path, row["bbox_x"]): row["review"]
        for assets, rows in read.annotations_scan(datasets, pinned)
        for asset in assets
        for row in rows.to_pylist()
        if row["asset_id"] == asset.id
    }


def predicted(datasets: Datasets, actor: Actor) -> str:
    """Cars by a Run on a, b and c, a person by a Run on a, a car of an import on c."""
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg", "b.jpg", "c.jpg"]), boxes(["a.jpg"], "person", x=2))
    run_commit(datasets, version_id, boxes(["c.jpg"], x=3), origin=IMPORT)
    return version_id


def test_all_predictions_are_accepted_in_one_revision_by_that_user(datasets: Datasets, actor: Actor) -> None:
    version_id = predicted(datasets, actor)
    before = pin(datasets, version_id)
    done = review_predictions(datasets, actor, version_id, ALL, Review.ACCEPTED)
    assert (done.number, done.counts) == (before.number + 1, before.counts)
    assert done.outcome.step == {"changed_annotations": 4}
    assert reviews(datasets, version_id) == {
        ("a.jpg", 1): "accepted",
        ("a.jpg", 2): "accepted",
        ("b.jpg", 1): "accepted",
        ("c.jpg", 1): "accepted",
        ("c.jpg", 3): "unreviewed",
    }
    with datasets.database.reading() as session:
        newest = list_revisions(session, version_id).items[0]
    assert (newest.summary, newest.author_id) == ("Accepted all predictions", "usr_1")
    assert not review_predictions(datasets, actor, version_id, ALL, Review.ACCEPTED).changed


def test_only_annotations_that_the_filter_means_are_rejected(datasets: Datasets, actor: Actor) -> None:
    version_id = predicted(datasets, actor)
    where = AssetFilter(labels=("car",), name_contains="a.")
    assert count_predictions(datasets, pin(datasets, version_id), where).annotations == 1
    review_predictions(datasets, actor, version_id, where, Review.REJECTED)
    assert [key for key, review in reviews(datasets, version_id).items() if review == "rejected"] == [("a.jpg", 1)]


def test_a_human_decision_changes_only_where_the_filter_asks_for_it(datasets: Datasets, actor: Actor) -> None:
    version_id = predicted(datasets, actor)
    review_predictions(datasets, actor, version_id, AssetFilter(labels=("person",)), Review.REJECTED)
    assert count_predictions(datasets, pin(datasets, version_id), ALL).assets == 3
    review_predictions(datasets, actor, version_id, ALL, Review.ACCEPTED)
    assert reviews(datasets, version_id)["a.jpg", 2] == "rejected"
    review_predictions(datasets, actor, version_id, AssetFilter(reviews=(Review.REJECTED,)), Review.ACCEPTED)
    assert reviews(datasets, version_id)["a.jpg", 2] == "accepted"


def test_a_replacing_run_keeps_what_was_accepted_in_bulk_and_replaces_the_rest(
    datasets: Datasets, actor: Actor
) -> None:
    version_id = predicted(datasets, actor)
    review_predictions(datasets, actor, version_id, AssetFilter(labels=("person",)), Review.ACCEPTED)
    run_commit(
        datasets,
        version_id,
        boxes(["a.jpg", "b.jpg", "c.jpg"], x=9),
        existing=Existing.REPLACE,
        origin=replace(RUN, run_id="run_2"),
    )
    assert annotated_paths(datasets, version_id) == [
        ("a.jpg", 2),
        ("a.jpg", 9),
        ("b.jpg", 9),
        ("c.jpg", 3),
        ("c.jpg", 9),
    ]


def test_going_back_undoes_a_review(datasets: Datasets, actor: Actor) -> None:
    version_id = predicted(datasets, actor)
    before = pin(datasets, version_id).number
    review_predictions(datasets, actor, version_id, ALL, Review.REJECTED)
    revert.revert(datasets, actor, version_id, before)
    assert set(reviews(datasets, version_id).values()) == {"unreviewed"}


def test_a_locked_version_is_not_reviewed(datasets: Datasets, actor: Actor) -> None:
    version_id = predicted(datasets, actor)
    versions.lock(datasets, actor, version_id)
    with pytest.raises(VersionLocked):
        review_predictions(datasets, actor, version_id, ALL, Review.ACCEPTED)


def test_a_save_on_an_older_revision_is_refused_where_the_same_image_changed(datasets: Datasets, actor: Actor) -> None:
    version_id = predicted(datasets, actor)
    looked_at = pin(datasets, version_id).number
    save(datasets, actor, version_id, EditBatch([AddShape(A, "car", BoundingBox(7, 7, 1, 1))]))
    mine = EditBatch([AddShape(A, "person", BoundingBox(5, 5, 1, 1))], base=looked_at)
    with pytest.raises(AssetChanged, match=r"this image .* meanwhile") as refused:
        save(datasets, actor, version_id, mine)
    head = pin(datasets, version_id).number
    assert f"Revision {head}" in refused.value.hint
    assert save(datasets, actor, version_id, replace(mine, base=head)).number == head + 1


def test_a_save_on_an_older_revision_goes_through_where_only_other_images_changed(
    datasets: Datasets, actor: Actor
) -> None:
    version_id = predicted(datasets, actor)
    looked_at = pin(datasets, version_id).number
    save(datasets, actor, version_id, EditBatch([AddShape(B, "car", BoundingBox(7, 7, 1, 1))]))
    done = save(datasets, actor, version_id, EditBatch([AddShape(A, "car", BoundingBox(5, 5, 1, 1))], base=looked_at))
    assert (done.changed, len(done.added)) == (True, 1)


@pytest.mark.parametrize("theirs", ["moved", "deleted", "reviewed"])
def test_any_change_of_the_same_image_is_a_conflict(datasets: Datasets, actor: Actor, theirs: str) -> None:
    version_id = predicted(datasets, actor)
    looked_at = pin(datasets, version_id)
    shape = str(read.annotations_of(datasets, looked_at, [C]).to_pylist()[0]["id"])
    changes: dict[str, Edit] = {
        "moved": MoveShape(C, shape, BoundingBox(8, 8, 1, 1)),
        "deleted": DeleteShape(C, shape),
        "reviewed": SetReview(C, shape, Review.ACCEPTED),
    }
    save(datasets, actor, version_id, EditBatch([changes[theirs]]))
    with pytest.raises(AssetChanged):
        save(datasets, actor, version_id, EditBatch([DeleteShape(C, shape)], base=looked_at.number))


def test_the_ids_of_added_shapes_are_told_in_the_order_of_their_edits(datasets: Datasets, actor: Actor) -> None:
    version_id = predicted(datasets, actor)
    edits = [AddShape(name, "car", BoundingBox(x, 1, 1, 1)) for name, x in ((B, 11), ("f" * 32, 12), (B, 13))]
    done = save(datasets, actor, version_id, EditBatch(edits))
    edges = {
        row["id"]: row["bbox_x"] for row in read.annotations_of(datasets, pin(datasets, version_id), [B]).to_pylist()
    }
    assert [edges.get(added) for added in done.added] == [11, None, 13]
