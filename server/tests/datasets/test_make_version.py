"""A version that a Run makes: whole, or not there, wherever its writer dies."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.changes import ChangePart, ChangeSource, Existing
from pixmill_server.datasets.errors import DatasetNotFound, NameTaken
from pixmill_server.datasets.maintain import GRACE, purge, sweep
from pixmill_server.datasets.make_version import NewVersion, make_version
from pixmill_server.datasets.queries import list_versions, pin
from pixmill_server.datasets.read import assets_page
from pixmill_server.datasets.revise import Author, Committed
from pixmill_server.datasets.schemas import annotations_table, assets_table
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.datasets.tables import RevisionRow, VersionRow
from pixmill_server.datasets.versions import delete, delete_dataset, fork
from server.tests.datasets.building import RUN, SetClock, annotated_paths, asset_rows, boxes, id_of, run_commit, street

PATHS = ("new/a.png", "new/b.png")
STEPS = (Step.BRANCH, Step.STAGE, Step.WRITE_ASSETS, Step.WRITE_ANNOTATIONS, Step.POINT)


class DiedError(Exception):
    """The writer is gone."""


def made(datasets: Datasets, base_id: str, *, name: str = "v2", is_fork: bool = True, number: int = 1) -> Committed:
    """A version with two assets more, each with a box."""
    shapes = boxes([id_of(path) for path in PATHS]).annotations
    change = ChangeSource(lambda: [ChangePart(assets=asset_rows(datasets, PATHS), annotations=shapes)], RUN)
    base = pin(datasets, base_id)
    new = NewVersion(f"ver_new{number}", base_id, base.number, name, is_fork)
    author = Author("usr_1", "run_1")
    return make_version(datasets, new, change, author=author, summary="Run", existing=Existing.KEEP)


def names(datasets: Datasets) -> list[str]:
    with datasets.database.reading() as session:
        return [version.address for version in list_versions(session, "org_1")]


def paths(datasets: Datasets, version_id: str) -> list[str]:
    return [asset.path for asset in assets_page(datasets, pin(datasets, version_id), after=None, limit=100).items]


def branches(datasets: Datasets) -> set[str]:
    with datasets.database.reading() as session:
        dataset_id = session.scalar(select(VersionRow.dataset_id))
    tables = (assets_table(str(dataset_id)), annotations_table(str(dataset_id)))
    return {branch for table in tables for branch in datasets.tables.branches(table)}


def test_a_fork_has_what_its_base_has_and_what_is_added(datasets: Datasets, actor: Actor) -> None:
    base = street(datasets, actor)
    run_commit(datasets, base, boxes(["a.jpg"], x=7))
    committed = made(datasets, base)
    assert paths(datasets, "ver_new1") == ["a.jpg", "b.jpg", "c.jpg", *PATHS]
    assert annotated_paths(datasets, "ver_new1") == [("a.jpg", 7.0), *((path, 1.0) for path in PATHS)]
    assert (committed.number, committed.counts) == (1, pin(datasets, "ver_new1").counts)
    assert paths(datasets, base) == ["a.jpg", "b.jpg", "c.jpg"]


def test_one_that_begins_empty_has_what_is_added_alone(datasets: Datasets, actor: Actor) -> None:
    made(datasets, street(datasets, actor), is_fork=False)
    assert paths(datasets, "ver_new1") == list(PATHS)
    assert annotated_paths(datasets, "ver_new1") == [(path, 1.0) for path in PATHS]


@pytest.mark.parametrize("step", STEPS)
def test_a_writer_that_dies_leaves_no_version_and_its_branches_are_swept(
    datasets: Datasets, actor: Actor, clock: SetClock, step: Step
) -> None:
    base = street(datasets, actor)
    before = branches(datasets)

    def die(at: Step) -> None:
        if at is step:
            raise DiedError

    with pytest.raises(DiedError):
        made(replace(datasets, at_step=die), base)
    assert names(datasets) == ["street/v1"]
    with datasets.database.reading() as session:
        dataset_id = session.get_one(VersionRow, base).dataset_id
    clock.forward(timedelta(days=365) + GRACE)
    sweep(datasets, dataset_id)
    assert branches(datasets) == before
    made(datasets, base, number=2)
    assert names(datasets) == ["street/v1", "street/v2"]


def test_what_goes_wrong_beside_it_in_the_transaction_leaves_no_version(datasets: Datasets, actor: Actor) -> None:
    base = street(datasets, actor)

    def refuse(_session: Session, _committed: Committed) -> None:
        raise DiedError

    new = NewVersion("ver_new", base, pin(datasets, base).number, "v2", is_fork=True)
    change = ChangeSource(list, RUN)
    with pytest.raises(DiedError):
        make_version(datasets, new, change, author=Author(), summary="", existing=Existing.ADD, in_transaction=refuse)
    with datasets.database.reading() as session:
        assert session.get(VersionRow, "ver_new") is None
        assert session.get(RevisionRow, ("ver_new", 1)) is None


def test_a_name_that_is_taken_at_the_last_moment_is_refused_and_leaves_no_branch(
    datasets: Datasets, actor: Actor
) -> None:
    base = street(datasets, actor)

    def be_faster(at: Step) -> None:
        if at is Step.POINT:
            fork(datasets, actor, pin(datasets, base), "v2")

    with pytest.raises(NameTaken):
        made(replace(datasets, at_step=be_faster), base)
    assert names(datasets) == ["street/v1", "street/v2"]
    assert "ver_new1" not in branches(datasets)


def test_a_dataset_that_is_deleted_meanwhile_does_not_come_back(datasets: Datasets, actor: Actor) -> None:
    base = street(datasets, actor)
    with datasets.database.reading() as session:
        dataset_id = session.get_one(VersionRow, base).dataset_id

    def be_faster(at: Step) -> None:
        if at is Step.POINT:
            delete_dataset(datasets, actor, dataset_id)

    with pytest.raises(DatasetNotFound):
        made(replace(datasets, at_step=be_faster), base)
    assert names(datasets) == []


def test_its_base_is_kept_until_it_is_gone(datasets: Datasets, actor: Actor) -> None:
    base = street(datasets, actor)
    made(datasets, base)
    delete(datasets, actor, base)
    assert not purge(datasets, base)
    assert paths(datasets, "ver_new1") == ["a.jpg", "b.jpg", "c.jpg", *PATHS]
    delete(datasets, actor, "ver_new1")
    assert purge(datasets, "ver_new1")
    assert purge(datasets, base)
