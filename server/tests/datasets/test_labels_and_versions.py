"""Labels are merged and removed with their annotations; versions and Datasets are renamed, locked and deleted."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from pixmill.errors import InvalidInput
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.datasets import labels, maintain, merge_labels, read, versions
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.edit import EditBatch, Relabel, save
from pixmill_server.datasets.errors import (
    DatasetNotFound,
    LabelNotFound,
    NameTaken,
    RevisionNotFound,
    VersionLocked,
    VersionNotFound,
)
from pixmill_server.datasets.overview import Order, overview
from pixmill_server.datasets.queries import address_of, assets_of_version, find_dataset, list_versions, pin
from pixmill_server.datasets.revert import revert
from pixmill_server.datasets.stores import Datasets
from server.tests.datasets.building import SetClock, annotated_paths, asset_rows, boxes, id_of, run_commit, street


def label_ids(datasets: Datasets, version_id: str) -> dict[str, str]:
    return {label.name: label.id for label in pin(datasets, version_id).labels}


def histogram(datasets: Datasets, version_id: str, number: int | None = None) -> dict[str, int]:
    return {label.name: count for label, count in read.label_histogram(datasets, pin(datasets, version_id, number))}


def dataset_of(datasets: Datasets, name: str) -> str:
    with datasets.database.reading() as session:
        return find_dataset(session, "org_1", name).id


def test_merged_labels_give_their_annotations_to_the_other_one(
    datasets: Datasets, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_labels, "ROWS_AT_ONCE", 1)
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg", "b.jpg"]), boxes(["a.jpg"], label="person", x=9))
    before, shapes = pin(datasets, version_id), annotated_paths(datasets, version_id)
    ids = label_ids(datasets, version_id)
    done = merge_labels.merge_labels(datasets, actor, version_id, [ids["car"]], into=ids["person"])
    assert histogram(datasets, version_id) == {"person": 3}
    assert (annotated_paths(datasets, version_id), done.counts) == (shapes, before.counts)
    assert done.outcome.step == {"changed_annotations": 2}
    revert(datasets, actor, version_id, before.number)
    assert histogram(datasets, version_id) == {"car": 2, "person": 1}


def test_a_label_without_annotations_is_merged_too(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    ids = label_ids(datasets, version_id)
    merge_labels.merge_labels(datasets, actor, version_id, [ids["car"]], into=ids["person"])
    assert histogram(datasets, version_id) == {"person": 0}


def test_what_is_merged_must_be_there_and_be_another_label(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    ids = label_ids(datasets, version_id)
    with pytest.raises(InvalidInput, match="Nothing is merged into the label car"):
        merge_labels.merge_labels(datasets, actor, version_id, [ids["car"]], into=ids["car"])
    with pytest.raises(LabelNotFound):
        merge_labels.merge_labels(datasets, actor, version_id, ["nothing"], into=ids["car"])
    with pytest.raises(LabelNotFound):
        merge_labels.merge_labels(datasets, actor, version_id, [ids["car"]], into="nothing")


def test_a_label_in_use_goes_only_with_its_annotations(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg"]), boxes(["a.jpg", "b.jpg"], label="person"))
    ids = label_ids(datasets, version_id)
    with pytest.raises(labels.LabelInUse, match="2 annotations have the label person"):
        labels.remove_label(datasets, actor, version_id, ids["person"])
    done = labels.remove_label(datasets, actor, version_id, ids["person"], delete_annotations=True)
    assert histogram(datasets, version_id) == {"car": 1}
    assert (done.counts.annotations, done.counts.annotated_assets) == (1, 1)


def test_a_locked_version_refuses_every_change_and_says_why(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg"]))
    ids = label_ids(datasets, version_id)
    versions.lock(datasets, actor, version_id)
    head = pin(datasets, version_id)
    relabel = EditBatch([Relabel(id_of("a.jpg"), "x", "person")])
    changes: list[Callable[[], object]] = [
        lambda: labels.set_labels(datasets, actor, version_id, ["bus"]),
        lambda: labels.add_labels(datasets, actor, version_id, ["bus"]),
        lambda: labels.rename_label(datasets, actor, version_id, ids["car"], "bus"),
        lambda: labels.recolor_label(datasets, actor, version_id, ids["car"], "#000000"),
        lambda: labels.remove_label(datasets, actor, version_id, ids["person"]),
        lambda: merge_labels.merge_labels(datasets, actor, version_id, [ids["car"]], into=ids["person"]),
        lambda: run_commit(datasets, version_id, boxes(["b.jpg"])),
        lambda: save(datasets, actor, version_id, relabel),
        lambda: revert(datasets, actor, version_id, 1),
        lambda: versions.rename_version(datasets, actor, version_id, "v9"),
        lambda: versions.delete(datasets, actor, version_id),
        lambda: versions.delete_dataset(datasets, actor, dataset_of(datasets, "street")),
    ]
    for change in changes:
        with pytest.raises(VersionLocked, match="is locked"):
            change()
    assert pin(datasets, version_id) == head
    versions.fork(datasets, actor, head, "v2")
    versions.unlock(datasets, actor, version_id)
    labels.add_labels(datasets, actor, version_id, ["bus"])


def test_a_renamed_version_and_dataset_are_found_under_the_new_names_only(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    versions.create_version(datasets, actor, "street/v2")
    versions.rename_version(datasets, actor, version_id, "first")
    versions.rename_dataset(datasets, actor, dataset_of(datasets, "street"), "road")
    with datasets.database.reading() as session:
        assert str(address_of(session, version_id)) == "road/first"
        assert [one.address for one in list_versions(session, "org_1")] == ["road/first", "road/v2"]
    with pytest.raises(NameTaken):
        versions.rename_version(datasets, actor, version_id, "v2")
    versions.create_dataset(datasets, actor, "park")
    with pytest.raises(NameTaken):
        versions.rename_dataset(datasets, actor, dataset_of(datasets, "road"), "park")


def test_a_deleted_version_is_hidden_and_its_data_stays_until_its_forks_are_gone(
    datasets: Datasets, actor: Actor, clock: SetClock
) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg"]))
    fork_id = versions.fork(datasets, actor, pin(datasets, version_id), "v2").id
    versions.delete(datasets, actor, version_id)
    with pytest.raises(VersionNotFound):
        labels.add_labels(datasets, actor, version_id, ["bus"])
    clock.forward(maintain.GRACE + timedelta(hours=1))
    assert maintain.purge(datasets, version_id) is False
    assert annotated_paths(datasets, fork_id) == [("a.jpg", 1.0)]
    versions.delete(datasets, actor, fork_id)
    assert maintain.purge(datasets, fork_id) is True
    assert maintain.purge(datasets, version_id) is True


def test_a_deleted_dataset_is_gone_with_its_versions_and_its_name_is_free(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    versions.create_version(datasets, actor, "street/v2")
    assert versions.delete_dataset(datasets, actor, dataset_of(datasets, "street")) == 2
    assert overview(datasets, actor) == []
    with pytest.raises(DatasetNotFound):
        dataset_of(datasets, "street")
    with pytest.raises(VersionNotFound):
        versions.rename_version(datasets, actor, version_id, "v9")
    again = street(datasets, actor)
    assert again != version_id
    assert [version.name for dataset in overview(datasets, actor) for version in dataset.versions] == ["v1"]
    versions.create_dataset(datasets, actor, "park")
    versions.delete_dataset(datasets, actor, dataset_of(datasets, "street"))
    versions.rename_dataset(datasets, actor, dataset_of(datasets, "park"), "street")
    assert [dataset.name for dataset in overview(datasets, actor)] == ["street"]


def test_a_dataset_of_another_organization_can_be_neither_renamed_nor_deleted(datasets: Datasets, actor: Actor) -> None:
    street(datasets, actor)
    dataset_id, stranger = dataset_of(datasets, "street"), Actor("usr_2", "org_2", Role.OWNER)
    with pytest.raises(DatasetNotFound):
        versions.rename_dataset(datasets, stranger, dataset_id, "mine")
    with pytest.raises(DatasetNotFound):
        versions.delete_dataset(datasets, stranger, dataset_id)
    assert overview(datasets, stranger) == []


def test_the_overview_is_searched_and_sorted(datasets: Datasets, actor: Actor, clock: SetClock) -> None:
    small = versions.create_version(datasets, actor, "Harbour/v1").id
    clock.forward(timedelta(minutes=1))
    street(datasets, actor)
    clock.forward(timedelta(minutes=1))
    run_commit(datasets, small, ChangePart(assets=asset_rows(datasets, ["x.jpg"])))
    versions.create_dataset(datasets, actor, "airfield")

    def names(**asked: object) -> list[str]:
        return [one.name for one in overview(datasets, actor, **asked)]  # type: ignore[arg-type]  # by keyword

    assert names(order=Order.NAME) == ["airfield", "Harbour", "street"]
    assert names(order=Order.SIZE) == ["street", "Harbour", "airfield"]
    assert names() == ["airfield", "Harbour", "street"]
    assert (names(contains="HARB"), names(contains="street/v1"), names(contains="nothing")) == (
        ["Harbour"],
        ["street"],
        [],
    )


def test_the_assets_of_a_revision_are_found_alone_as_with_everything_else(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, ChangePart(assets=asset_rows(datasets, ["new.jpg"])))
    head = pin(datasets, version_id).number
    with datasets.database.reading() as session:
        for number in (None, head, 1):
            alone = assets_of_version(session, "org_1", version_id, number)
            assert alone == pin(datasets, version_id, number).assets
        with pytest.raises(RevisionNotFound):
            assets_of_version(session, "org_1", version_id, head + 1)
        with pytest.raises(VersionNotFound):
            assets_of_version(session, "org_2", version_id)
