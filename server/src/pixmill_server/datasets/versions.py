"""Datasets and DatasetVersions: create, fork, rename, lock, delete."""

from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.addresses import parse_address, require_name
from pixmill_server.datasets.errors import AddressInvalid, DatasetNotFound, NameTaken
from pixmill_server.datasets.lease import locked_row, require_open
from pixmill_server.datasets.queries import dataset_by_id, find_dataset, version_by_id
from pixmill_server.datasets.records import Counts, Label, Pinned
from pixmill_server.datasets.revise import Author, Outcome, write_label_set
from pixmill_server.datasets.schemas import (
    ANNOTATION_INDEXES,
    ANNOTATIONS,
    ASSET_INDEXES,
    ASSETS,
    annotations_table,
    assets_table,
)
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.datasets.tables import DatasetRow, RevisionRow, VersionRow
from pixmill_server.kernel.ids import new_id
from pixmill_server.storage.tables import TableRef

MAIN = "main"
"""The branch that every version's goes off from; it holds nothing."""


@dataclass(frozen=True, slots=True)
class VersionCreated:
    """A DatasetVersion that has just come into being; its head is Revision 1."""

    id: str
    dataset_id: str


def create_dataset(datasets: Datasets, actor: Actor, name: str) -> DatasetRow:
    """A Dataset without versions; raises `NameInvalid`, `NameTaken`."""
    again = _made_again(datasets, actor, require_name("dataset", name))
    if again is not None:
        return again
    row = DatasetRow(
        id=new_id("ds"),
        organization_id=actor.organization_id,
        name=name,
        created_at=datasets.clock.now(),
    )
    with datasets.database.reading() as session:
        if _has_dataset(session, actor, name):
            raise NameTaken("dataset", name)
    datasets.tables.create(assets_table(row.id), ASSETS, ASSET_INDEXES)
    datasets.tables.create(annotations_table(row.id), ANNOTATIONS, ANNOTATION_INDEXES)
    try:
        with datasets.database.transaction() as session:
            session.add(row)
    except IntegrityError as error:
        raise NameTaken("dataset", name) from error
    return row


def create_version(datasets: Datasets, actor: Actor, address: str) -> VersionCreated:
    """An empty DatasetVersion at `street/v1`; its Dataset is made where there is none. Raises `NameTaken`."""
    parsed = parse_address(address)
    if parsed.number is not None:
        raise AddressInvalid(address)
    dataset = _ensure_dataset(datasets, actor, parsed.dataset)
    require_free(datasets, dataset.id, parsed.version)
    names = assets_table(dataset.id), annotations_table(dataset.id)
    empty = [datasets.tables.newest(name, MAIN) for name in names]
    return _branch_off(
        datasets, actor, dataset.id, parsed.version, (empty[0], empty[1]), labels=(), counts=Counts(), forked_from=None
    )


def fork(datasets: Datasets, actor: Actor, source: Pinned, name: str) -> VersionCreated:
    """A new DatasetVersion in the same Dataset that begins as `source`; costs the same however large it is.

    `name` is the version's own, such as `v2`. Raises `NameInvalid`, `NameTaken`.
    """
    with datasets.database.reading() as session:
        version = version_by_id(session, actor.organization_id, source.version_id)
    require_free(datasets, version.dataset_id, name)
    return _branch_off(
        datasets,
        actor,
        version.dataset_id,
        require_name("version", name),
        (source.assets, source.annotations),
        labels=source.labels,
        counts=source.counts,
        forked_from=source,
    )


def lock(datasets: Datasets, actor: Actor, version_id: str) -> None:
    """From now on the version never changes; nothing happens the second time."""
    _set_locked(datasets, actor, version_id, locked=True)


def unlock(datasets: Datasets, actor: Actor, version_id: str) -> None:
    """Let the version be changed again."""
    _set_locked(datasets, actor, version_id, locked=False)


def delete(datasets: Datasets, actor: Actor, version_id: str) -> None:
    """Hide the version and give its name free; its data goes when no fork needs it (`maintain.purge`).

    Raises `VersionLocked` for a locked one.
    """
    with datasets.database.transaction() as session:
        version_by_id(session, actor.organization_id, version_id)
        row = locked_row(session, version_id)
        require_open(row)
        row.deleted_at = datasets.clock.now()


def delete_dataset(datasets: Datasets, actor: Actor, dataset_id: str) -> int:
    """Delete the Dataset with all its versions, and give its name free; how many versions it had.

    Raises `VersionLocked`, and deletes nothing, where one of them is locked.
    """
    now = datasets.clock.now()
    with datasets.database.transaction() as session:
        dataset = dataset_by_id(session, actor.organization_id, dataset_id)
        ids = session.scalars(
            select(VersionRow.id).where(VersionRow.dataset_id == dataset_id, VersionRow.deleted_at.is_(None))
        ).all()
        for row in [locked_row(session, version_id) for version_id in sorted(ids)]:
            require_open(row)
            row.deleted_at = now
        dataset.deleted_at = now
    return len(ids)


def rename_version(datasets: Datasets, actor: Actor, version_id: str, name: str) -> None:
    """Another name in the same Dataset; raises `NameInvalid`, `NameTaken`, `VersionLocked`."""
    require_name("version", name)
    try:
        with datasets.database.transaction() as session:
            version_by_id(session, actor.organization_id, version_id)
            row = locked_row(session, version_id)
            require_open(row)
            row.name = name
    except IntegrityError as error:
        raise NameTaken("version", name) from error


def rename_dataset(datasets: Datasets, actor: Actor, dataset_id: str, name: str) -> None:
    """Another name, and so another address for each of its versions; raises `NameInvalid`, `NameTaken`."""
    require_name("dataset", name)
    try:
        with datasets.database.transaction() as session:
            row = dataset_by_id(session, actor.organization_id, dataset_id)
            gone = _deleted_named(session, actor, name)
            if gone is not None:
                # Only Jobs of its versions still show it.
                gone.name = f"{gone.name}~{gone.id}"
                session.flush()
            row.name = name
    except IntegrityError as error:
        raise NameTaken("dataset", name) from error


def _branch_off(
    datasets: Datasets,
    actor: Actor,
    dataset_id: str,
    name: str,
    sources: tuple[TableRef, TableRef],
    *,
    labels: tuple[Label, ...],
    counts: Counts,
    forked_from: Pinned | None,
) -> VersionCreated:
    # The branch is opaque, so that a version can be renamed, and its name given to another.
    version_id, now = new_id("ver"), datasets.clock.now()
    tables = make_branches(datasets, sources, version_id)
    datasets.at_step(Step.POINT)
    version = VersionRow(
        id=version_id,
        dataset_id=dataset_id,
        name=name,
        branch=version_id,
        head_number=1,
        forked_from_version_id=forked_from.version_id if forked_from else None,
        forked_from_number=forked_from.number if forked_from else None,
        created_at=now,
        created_by=actor.user_id,
    )
    try:
        with datasets.database.transaction() as session:
            # Whoever deleted the Dataset meanwhile deleted the versions that it had then.
            session.get_one(DatasetRow, dataset_id).deleted_at = None
            summary = "Created" if forked_from is None else f"Forked from revision {forked_from.number}"
            author = Author(user_id=actor.user_id)
            add_version(session, version, tables, labels, Outcome(counts), author=author, summary=summary)
    except IntegrityError as error:
        raise NameTaken("version", name) from error
    return VersionCreated(version_id, dataset_id)


def make_branches(datasets: Datasets, sources: tuple[TableRef, TableRef], name: str) -> tuple[TableRef, TableRef]:
    """Branches of both tables that begin as the sources; nobody knows them yet."""
    branches = []
    for source in sources:
        datasets.at_step(Step.BRANCH)
        branches.append(datasets.tables.fork(source, name))
    assets, annotations = branches
    return assets, annotations


def add_version(
    session: Session,
    version: VersionRow,
    tables: tuple[TableRef, TableRef],
    labels: tuple[Label, ...],
    outcome: Outcome,
    *,
    author: Author,
    summary: str,
) -> None:
    """Add the version with its first Revision; raises `IntegrityError` where its name is taken."""
    session.add(version)
    session.flush()
    assets, annotations = tables
    first = RevisionRow(
        version_id=version.id,
        number=1,
        label_set_id=write_label_set(session, labels),
        assets_branch=assets.branch,
        assets_version=assets.version,
        annotations_branch=annotations.branch,
        annotations_version=annotations.version,
        parent_number=None,
        author_id=author.user_id,
        run_id=author.run_id,
        summary=summary,
        counts={**asdict(outcome.counts), **{name: count for name, count in outcome.step.items() if count}},
        fence=0,
        created_at=version.created_at,
    )
    session.add(first)


def _ensure_dataset(datasets: Datasets, actor: Actor, name: str) -> DatasetRow:
    with datasets.database.reading() as session:
        if _has_dataset(session, actor, name):
            return find_dataset(session, actor.organization_id, name)
    return create_dataset(datasets, actor, name)


def _made_again(datasets: Datasets, actor: Actor, name: str) -> DatasetRow | None:
    """The deleted Dataset of this name, as if it were new; None where there is none."""
    with datasets.database.transaction() as session:
        row = _deleted_named(session, actor, name)
        if row is not None:
            row.deleted_at, row.created_at = None, datasets.clock.now()
        return row


def _deleted_named(session: Session, actor: Actor, name: str) -> DatasetRow | None:
    return session.scalar(
        select(DatasetRow)
        .where(
            DatasetRow.organization_id == actor.organization_id,
            DatasetRow.name == name,
            DatasetRow.deleted_at.is_not(None),
        )
        .with_for_update()
    )


def _has_dataset(session: Session, actor: Actor, name: str) -> bool:
    try:
        find_dataset(session, actor.organization_id, name)
    except DatasetNotFound:
        return False
    return True


def require_free(datasets: Datasets, dataset_id: str, name: str) -> None:
    """Raises `NameTaken`; somebody may still be faster."""
    taken = select(VersionRow.id).where(
        VersionRow.dataset_id == dataset_id, VersionRow.name == name, VersionRow.deleted_at.is_(None)
    )
    with datasets.database.reading() as session:
        if session.scalar(taken) is not None:
            raise NameTaken("version", name)


def _set_locked(datasets: Datasets, actor: Actor, version_id: str, *, locked: bool) -> None:
    with datasets.database.transaction() as session:
        version_by_id(session, actor.organization_id, version_id)
        locked_row(session, version_id).locked = locked
