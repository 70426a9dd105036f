from dataclasses import replace
from datetime import timedelta

import pytest

from pixmill.annotations import Source
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import labels, read, versions
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource, Existing, OtherDigest
from pixmill_server.datasets.commit import ANNOTATED, OTHER_IMAGE, VANISHED, commit
from pixmill_server.datasets.errors import LeaseLost, NameTaken, VersionBusy, VersionLocked, VersionNotFound
from pixmill_server.datasets.filters import UNANNOTATED, AssetFilter
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.records import Counts
from pixmill_server.datasets.revise import Author, Skipped
from pixmill_server.datasets.stores import Datasets, Step
from server.tests.datasets.building import IMPORT, RUN, SetClock, annotated_paths, asset_rows, boxes, run_commit, street


def test_assets_and_annotations_of_one_commit_are_one_revision(datasets: Datasets, actor: Actor) -> None:
    version_id = versions.create_version(datasets, actor, "street/v1").id
    source = ChangeSource(
        lambda: [ChangePart(assets=asset_rows(datasets, ["b.jpg", "a.jpg"])), boxes(["a.jpg", "a.jpg"])],
        IMPORT,
        assets_by=AssetKey.PATH,
        new_labels=["car"],
    )
    done = commit(datasets, version_id, source, author=Author("usr_1"), summary="Import", existing=Existing.ADD)
    assert (done.number, done.counts) == (2, Counts(assets=2, annotations=2, annotated_assets=1))
    assert annotated_paths(datasets, version_id) == [("a.jpg", 1.0), ("a.jpg", 1.0)]
    assert annotated_paths(datasets, version_id, 1) == []
    assert done.outcome.per_asset.to_pydict()["added"] == [2]


def test_a_page_goes_on_after_any_path(datasets: Datasets, actor: Actor) -> None:
    paths = [f"{number:04}.jpg" for number in range(700)]
    version_id = street(datasets, actor, paths[::-1])
    pinned = pin(datasets, version_id)
    page = read.assets_page(datasets, pinned, after="0298.jpg-or-so", limit=3)
    assert [asset.path for asset in page.items] == ["0299.jpg", "0300.jpg", "0301.jpg"]
    assert page.next_cursor == "0301.jpg"
    assert [a.path for a in read.assets_from(datasets, pinned, start=698, limit=3).items] == paths[698:]
    seen, cursor = [], None
    while True:
        page = read.assets_page(datasets, pinned, after=cursor, limit=300)
        seen += [asset.path for asset in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == paths


def test_the_same_image_again_is_skipped_and_another_one_is_refused(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor, ["a.jpg", "b.jpg"])
    again, other = asset_rows(datasets, ["a.jpg"]), asset_rows(datasets, ["b.jpg"], digest="d1")
    done = run_commit(
        datasets, version_id, ChangePart(assets=again), ChangePart(assets=other), boxes(["a.jpg", "b.jpg"])
    )
    assert done.outcome.skipped == (Skipped("b.jpg", OTHER_IMAGE),)
    assert done.counts == Counts(assets=2, annotations=1, annotated_assets=1)


def test_another_image_of_the_same_path_takes_its_place_where_asked_for(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor, ["a.jpg"])
    before = read.asset_by_path(datasets, pin(datasets, version_id), "a.jpg")
    parts = [ChangePart(assets=asset_rows(datasets, ["a.jpg"], digest="d1"))]
    source = ChangeSource(lambda: parts, IMPORT, other_digest=OtherDigest.REPLACE)
    done = commit(datasets, version_id, source, author=Author("usr_1"), summary="Import", existing=Existing.ADD)
    after = read.asset_by_path(datasets, pin(datasets, version_id), "a.jpg")
    assert (after.id, after.digest, done.outcome.step["replaced_images"]) == (before.id, "d1", 1)
    assert read.asset_by_path(datasets, pin(datasets, version_id, done.number - 1), "a.jpg").digest == "d0"


def test_keep_skips_assets_that_have_annotations(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg"], x=1))
    done = run_commit(datasets, version_id, boxes(["a.jpg", "b.jpg"], x=2), existing=Existing.KEEP)
    assert done.outcome.skipped == (Skipped("a.jpg", ANNOTATED),)
    assert annotated_paths(datasets, version_id) == [("a.jpg", 1.0), ("b.jpg", 2.0)]


def test_replace_removes_what_the_same_processing_and_model_wrote(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg", "b.jpg", "c.jpg"], x=1))
    run_commit(datasets, version_id, boxes(["a.jpg"], x=2), origin=replace(RUN, model="other@1"))
    looked_at = ChangePart(done=["b.jpg"])
    done = run_commit(datasets, version_id, boxes(["a.jpg"], x=3), looked_at, existing=Existing.REPLACE)
    assert annotated_paths(datasets, version_id) == [("a.jpg", 2.0), ("a.jpg", 3.0), ("c.jpg", 1.0)]
    assert done.counts == Counts(assets=3, annotations=3, annotated_assets=2)
    assert done.outcome.step["removed_annotations"] == 2


def test_an_asset_that_has_vanished_is_skipped_with_that_reason(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    done = run_commit(datasets, version_id, boxes(["gone.jpg", "a.jpg"]))
    assert done.outcome.skipped == (Skipped("gone.jpg", VANISHED),)
    assert done.counts.annotations == 1


def test_annotations_of_a_label_that_is_gone_are_reported(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    done = run_commit(datasets, version_id, boxes(["a.jpg"], "car"), boxes(["a.jpg", "b.jpg"], "tree"))
    assert (done.outcome.dropped, done.counts.annotations) == ({"tree": 2}, 1)


def test_a_change_without_effect_makes_no_revision(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    done = run_commit(datasets, version_id)
    assert (done.number, done.changed) == (3, False)


def test_a_locked_version_refuses_and_so_does_a_deleted_one(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    versions.lock(datasets, actor, version_id)
    with pytest.raises(VersionLocked, match="'v1' is locked"):
        run_commit(datasets, version_id, boxes(["a.jpg"]))
    versions.unlock(datasets, actor, version_id)
    versions.delete(datasets, actor, version_id)
    with pytest.raises(VersionNotFound):
        run_commit(datasets, version_id, boxes(["a.jpg"]))
    assert street(datasets, actor) != version_id


def test_a_version_that_is_locked_while_a_commit_runs_does_not_change(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)

    def lock_late(step: Step) -> None:
        if step is Step.POINT:
            versions.lock(datasets, actor, version_id)

    with pytest.raises(VersionLocked):
        run_commit(replace(datasets, at_step=lock_late), version_id, boxes(["a.jpg"]))
    assert pin(datasets, version_id).number == 3


def test_what_is_written_in_the_transaction_is_true_together_with_the_commit(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)

    def refuse(_session: object, _committed: object) -> None:
        raise KeyboardInterrupt

    source = ChangeSource(lambda: [boxes(["a.jpg"])], RUN, assets_by=AssetKey.PATH)
    with pytest.raises(KeyboardInterrupt):
        commit(datasets, version_id, source, author=Author(), summary="", existing=Existing.ADD, in_transaction=refuse)
    assert annotated_paths(datasets, version_id) == []
    run_commit(datasets, version_id, boxes(["b.jpg"]))
    assert annotated_paths(datasets, version_id) == [("b.jpg", 1.0)]


def test_a_second_writer_waits_no_longer_than_its_patience(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    impatient = replace(datasets, lease_patience=timedelta(0))

    def meet(step: Step) -> None:
        if step is Step.WRITE_ANNOTATIONS:
            with pytest.raises(VersionBusy):
                run_commit(impatient, version_id, boxes(["b.jpg"]))

    run_commit(replace(datasets, at_step=meet), version_id, boxes(["a.jpg"]))
    assert annotated_paths(datasets, version_id) == [("a.jpg", 1.0)]


def test_a_writer_whose_lease_another_took_changes_nothing(datasets: Datasets, actor: Actor, clock: SetClock) -> None:
    version_id = street(datasets, actor)

    def oversleep(step: Step) -> None:
        if step is Step.POINT:
            clock.forward(timedelta(minutes=5))
            run_commit(datasets, version_id, boxes(["b.jpg"]))

    with pytest.raises(LeaseLost):
        run_commit(replace(datasets, at_step=oversleep), version_id, boxes(["a.jpg"]))
    assert annotated_paths(datasets, version_id) == [("b.jpg", 1.0)]


def test_labels_that_change_during_a_commit_are_not_lost(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    renamed: list[str] = []

    def rename(step: Step) -> None:
        if step is Step.POINT and not renamed:
            renamed.append(pin(datasets, version_id).label_named("car").id)
            labels.rename_label(datasets, actor, version_id, renamed[0], "auto")

    done = run_commit(replace(datasets, at_step=rename), version_id, boxes(["a.jpg"], "person"))
    assert [label.name for label in pin(datasets, version_id).labels] == ["auto", "person"]
    assert done.number == 5


def test_a_fork_goes_its_own_way(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg"]))
    forked = versions.fork(datasets, actor, pin(datasets, version_id), "v2").id
    run_commit(datasets, forked, boxes(["b.jpg"]))
    run_commit(datasets, version_id, boxes(["c.jpg"]))
    assert annotated_paths(datasets, forked) == [("a.jpg", 1.0), ("b.jpg", 1.0)]
    assert annotated_paths(datasets, version_id) == [("a.jpg", 1.0), ("c.jpg", 1.0)]
    with pytest.raises(NameTaken, match="version 'v2'"):
        versions.fork(datasets, actor, pin(datasets, version_id), "v2")


def test_assets_are_found_by_what_they_carry(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    ids = {a.path: a.id for a in read.assets_page(datasets, pin(datasets, version_id), after=None, limit=9).items}
    run_commit(datasets, version_id, boxes(["a.jpg"], "car"), boxes(["b.jpg"], "person"))
    run_commit(datasets, version_id, ChangePart(tags={ids["c.jpg"]: ["night", "rain"], ids["a.jpg"]: ["night"]}))
    pinned = pin(datasets, version_id)

    def paths(where: AssetFilter) -> list[str]:
        return [asset.path for asset in read.assets_page(datasets, pinned, after=None, limit=9, where=where).items]

    assert paths(UNANNOTATED) == ["c.jpg"]
    assert paths(AssetFilter(labels=("car",))) == ["a.jpg"]
    assert paths(AssetFilter(annotated=True)) == ["a.jpg", "b.jpg"]
    assert paths(AssetFilter(tags=("night",))) == ["a.jpg", "c.jpg"]
    assert paths(AssetFilter(tags=("night", "rain"))) == ["c.jpg"]
    assert paths(AssetFilter(name_contains="B.J")) == ["b.jpg"]
    assert paths(AssetFilter(paths=("c.jpg", "a.jpg", "x"))) == ["a.jpg", "c.jpg"]
    assert paths(AssetFilter(ids=(ids["b.jpg"],))) == ["b.jpg"]
    assert paths(AssetFilter(sources=(Source.RUN,), min_score=0.6)) == []
    assert paths(AssetFilter(sources=(Source.RUN,), min_score=0.4, max_score=0.5)) == ["a.jpg", "b.jpg"]
    assert read.tags_in_use(datasets, pinned) == [("night", 2), ("rain", 1)]
    assert [(label.name, count) for label, count in read.label_histogram(datasets, pinned)] == [
        ("car", 1),
        ("person", 1),
    ]
    assert read.median_score(datasets, pinned) == 0.5
