"""Upkeep: fewer and larger files, indexes up to date, and versions gone that no Revision reaches.

None of it changes what a Revision holds. Compaction writes new Lance versions of equal content and the head's physical
pair is replaced under the lease; older Revisions keep theirs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pixmill.errors import PixmillError
from pixmill_server.datasets.errors import HeadMoved, LeaseLost
from pixmill_server.datasets.lease import Lease, free, locked_row, release_lease, require_fence, take_lease
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.records import Pinned
from pixmill_server.datasets.revise import require_head
from pixmill_server.datasets.schemas import annotations_table, assets_table
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.datasets.tables import RevisionRow, VersionRow
from pixmill_server.storage.tables import ForeignWrite, TableRef, compact_table

GRACE: Final = timedelta(days=1)
"""Readers that hold a pair which compaction has replaced get this long to finish."""
_GOES_WRONG: Final = (PixmillError, OSError, ValueError, SQLAlchemyError)
"""Lance says most of what goes wrong in its files with the middle two."""
MANY_FILES: Final = 16
MANY_UNINDEXED_ROWS: Final = 20_000


def tend(
    datasets: Datasets, *, grace: timedelta = GRACE, stop: Callable[[], bool] = lambda: False
) -> dict[str, Exception]:
    """One round over all versions: purge what was deleted, compact what gains from it, clean what nothing reaches.

    It loses nothing when it is killed. Returns what could not be done this time, by the version's or Dataset's id;
    `stop` ends the round early.
    """
    with datasets.database.reading() as session:
        rows = list(session.scalars(select(VersionRow).where(VersionRow.purged_at.is_(None))))
    put_off: dict[str, Exception] = {}
    for row in rows:
        if stop():
            break
        try:
            _tend(datasets, row, grace)
        except _GOES_WRONG as error:
            put_off[row.id] = error
    for dataset_id in dict.fromkeys(row.dataset_id for row in rows):
        if stop():
            break
        try:
            sweep(datasets, dataset_id, grace=grace)
        except _GOES_WRONG as error:
            put_off[dataset_id] = error
    return put_off


@dataclass(frozen=True, slots=True)
class Upkeep:
    """How far a version's head is from its best shape."""

    surplus_files: int
    unindexed_rows: int

    @property
    def is_due(self) -> bool:
        """Reads would gain from compaction."""
        return self.surplus_files > MANY_FILES or self.unindexed_rows > MANY_UNINDEXED_ROWS


def upkeep(datasets: Datasets, version_id: str) -> Upkeep:
    """Look at both tables of the head; reads only their headers."""
    head = pin(datasets, version_id)
    states = [datasets.tables.shape(ref) for ref in (head.assets, head.annotations)]
    return Upkeep(max(state.surplus_files for state in states), max(state.unindexed_rows for state in states))


def compact(datasets: Datasets, version_id: str) -> bool:
    """Compact and reindex the head; False where somebody else changed the version meanwhile and nothing was done."""
    lease = take_lease(datasets, version_id, also_locked=True)
    try:
        head = pin(datasets, version_id)
        datasets.at_step(Step.RESTORE_ASSETS)
        assets = _compacted(datasets, head.assets, lease)
        datasets.at_step(Step.RESTORE_ANNOTATIONS)
        annotations = _compacted(datasets, head.annotations, lease)
        datasets.at_step(Step.POINT)
        _replace_pair(datasets, lease, head, (assets, annotations))
    except (ForeignWrite, HeadMoved, LeaseLost):
        return False
    finally:
        release_lease(datasets, lease)
    return True


def clean(datasets: Datasets, version_id: str, *, grace: timedelta = GRACE) -> int:
    """Drop versions of the tables that no Revision and no fork reaches and that are older than `grace`; how many.

    Nothing is dropped within `grace` of a compaction: a reader may hold the pair that it replaced.
    """
    lease = take_lease(datasets, version_id, also_locked=True)
    try:
        older_than = datasets.clock.now() - grace
        with datasets.database.reading() as session:
            row = session.get_one(VersionRow, version_id)
            if row.compacted_at is not None and row.compacted_at > older_than:
                return 0
            reached = _reached(session, row)
        dropped = 0
        for name, keep in reached.items():
            datasets.at_step(Step.CLEAN)
            forks = datasets.tables.forked_at(name).get(row.branch, set())
            dropped += datasets.tables.clean(name, row.branch, keep=frozenset(keep | forks), older_than=older_than)
        with datasets.database.transaction() as session:
            locked_row(session, version_id).compacted_at = None
        return dropped
    finally:
        release_lease(datasets, lease)


def purge(datasets: Datasets, version_id: str) -> bool:
    """Drop a deleted version's data; False while a fork still reads it. Nothing happens the second time."""
    with datasets.database.reading() as session:
        row = session.get_one(VersionRow, version_id)
        forks = select(VersionRow.id).where(
            VersionRow.forked_from_version_id == version_id, VersionRow.purged_at.is_(None)
        )
        if row.deleted_at is None or session.scalars(forks).first() is not None:
            return False
    if row.purged_at is None:
        for name in (assets_table(row.dataset_id), annotations_table(row.dataset_id)):
            datasets.tables.drop_branch(name, row.branch)
        with datasets.database.transaction() as session:
            locked_row(session, version_id).purged_at = datasets.clock.now()
    return True


def sweep(datasets: Datasets, dataset_id: str, *, grace: timedelta = GRACE) -> int:
    """Drop branches that no version was made of, because who forked them died before; how many."""
    older_than, dropped = datasets.clock.now() - grace, 0
    for name in (assets_table(dataset_id), annotations_table(dataset_id)):
        made = datasets.tables.branches(name)
        # After the branches: a version that is made meanwhile has its row by then, or a branch that is too young.
        with datasets.database.reading() as session:
            known = set(session.scalars(select(VersionRow.branch).where(VersionRow.dataset_id == dataset_id)))
        for branch in [branch for branch, at in made.items() if branch not in known and at < older_than]:
            datasets.tables.drop_branch(name, branch)
            dropped += 1
    return dropped


def _tend(datasets: Datasets, row: VersionRow, grace: timedelta) -> None:
    if row.deleted_at is not None:
        if row.deleted_at <= datasets.clock.now() - grace:
            purge(datasets, row.id)
    elif upkeep(datasets, row.id).is_due:
        compact(datasets, row.id)
    elif row.compacted_at is not None and row.compacted_at <= datasets.clock.now() - grace:
        clean(datasets, row.id, grace=grace)


def _compacted(datasets: Datasets, ref: TableRef, lease: Lease) -> TableRef:
    if datasets.tables.shape(ref).is_best:
        return ref
    return compact_table(datasets.tables.write(ref, {"fence": str(lease.fence), "owner": lease.owner}))


def _replace_pair(datasets: Datasets, lease: Lease, head: Pinned, pair: tuple[TableRef, TableRef]) -> None:
    with datasets.database.transaction() as session:
        row = locked_row(session, head.version_id)
        require_fence(row, lease)
        require_head(row, head)
        revision = session.get_one(RevisionRow, (head.version_id, head.number))
        assets, annotations = pair
        revision.assets_branch, revision.assets_version = assets.branch, assets.version
        revision.annotations_branch, revision.annotations_version = annotations.branch, annotations.version
        if pair != (head.assets, head.annotations):
            row.compacted_at = datasets.clock.now()
        free(session, row)


def _reached(session: Session, row: VersionRow) -> dict[str, set[int]]:
    """For each table, the versions of the row's branch that some Revision reads."""
    reached: dict[str, set[int]] = {assets_table(row.dataset_id): set(), annotations_table(row.dataset_id): set()}
    query = (
        select(RevisionRow)
        .join(VersionRow, VersionRow.id == RevisionRow.version_id)
        .where(VersionRow.dataset_id == row.dataset_id)
    )
    for revision in session.scalars(query):
        if revision.assets_branch == row.branch:
            reached[assets_table(row.dataset_id)].add(revision.assets_version)
        if revision.annotations_branch == row.branch:
            reached[annotations_table(row.dataset_id)].add(revision.annotations_version)
    return reached
