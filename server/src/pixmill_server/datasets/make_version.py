"""Commit a Run's results as a new DatasetVersion: its row, its first Revision and all it holds appear at once."""

from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pixmill_server.datasets.changes import ChangeSource, Existing
from pixmill_server.datasets.commit import rebase
from pixmill_server.datasets.errors import DatasetNotFound, NameTaken
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.records import Counts, Pinned
from pixmill_server.datasets.revise import Author, Committed, Draft, InTransaction, Outcome
from pixmill_server.datasets.schemas import annotations_table, assets_table
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.datasets.tables import DatasetRow, VersionRow
from pixmill_server.datasets.versions import MAIN, add_version, make_branches, require_free
from pixmill_server.storage.tables import TableRef


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be made."""

    id: str
    """Its id, and the name of its branches: another one for each try."""
    base_id: str
    """The version that it is made of, whose Dataset it is in."""
    base_number: int
    """The Revision of it."""
    name: str
    """Its own, such as `v2`."""
    is_fork: bool
    """Whether it begins as its base; else it has only what the change adds, and the Labels of its base."""


def make_version(
    datasets: Datasets,
    new: NewVersion,
    change: ChangeSource,
    *,
    author: Author,
    summary: str,
    existing: Existing,
    in_transaction: InTransaction | None = None,
) -> Committed:
    """Make it, whole; raises `NameTaken`, `DatasetNotFound`, and then nothing is there.

    The branches that the change is written to are known to nobody before the one transaction that adds the version;
    those of a writer that died are swept (`maintain.sweep`). `in_transaction` runs inside that transaction.
    """
    base = pin(datasets, new.base_id, new.base_number)
    with datasets.database.reading() as session:
        dataset_id = session.get_one(VersionRow, new.base_id).dataset_id
    require_free(datasets, dataset_id, new.name)
    draft = _draft(datasets, new, dataset_id, base)
    outcome = rebase(draft, change, existing)
    refs = draft.write()
    datasets.at_step(Step.POINT)
    try:
        with datasets.database.transaction() as session:
            committed = _add(session, new, draft, refs, outcome, author=author, summary=summary)
            if in_transaction is not None:
                in_transaction(session, committed)
            return committed
    except NameTaken:
        # Nobody points to them: what is left is swept a day later.
        for ref in refs:
            with suppress(OSError, ValueError):
                datasets.tables.drop_branch(ref.name, ref.branch)
        raise


def _draft(datasets: Datasets, new: NewVersion, dataset_id: str, base: Pinned) -> Draft:
    sources = base.assets, base.annotations
    if not new.is_fork:
        names = assets_table(dataset_id), annotations_table(dataset_id)
        sources = datasets.tables.newest(names[0], MAIN), datasets.tables.newest(names[1], MAIN)
    assets, annotations = make_branches(datasets, sources, new.id)
    counts = base.counts if new.is_fork else Counts()
    head = Pinned(new.id, 0, assets, annotations, base.labels, counts)
    return Draft(datasets, None, head, base.labels, datasets.clock.now())


def _add(
    session: Session,
    new: NewVersion,
    draft: Draft,
    refs: tuple[TableRef, TableRef],
    outcome: Outcome,
    *,
    author: Author,
    summary: str,
) -> Committed:
    dataset = session.get_one(DatasetRow, session.get_one(VersionRow, new.base_id).dataset_id, with_for_update=True)
    if dataset.deleted_at is not None:
        raise DatasetNotFound(dataset.name)
    version = VersionRow(
        id=new.id,
        dataset_id=dataset.id,
        name=new.name,
        branch=new.id,
        head_number=1,
        forked_from_version_id=new.base_id if new.is_fork else None,
        forked_from_number=new.base_number if new.is_fork else None,
        created_at=draft.now,
        created_by=author.user_id,
    )
    try:
        add_version(session, version, refs, draft.labels, outcome, author=author, summary=summary)
    except IntegrityError as error:
        raise NameTaken("version", new.name) from error
    return Committed(1, changed=True, outcome=outcome)
