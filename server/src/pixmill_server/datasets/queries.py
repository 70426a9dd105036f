"""Reads of Datasets, DatasetVersions and Revisions."""

from dataclasses import dataclass

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from pixmill.annotations import LabelId
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.errors import DatasetNotFound, RevisionNotFound, VersionNotFound
from pixmill_server.datasets.records import Counts, Label, Page, Pinned
from pixmill_server.datasets.schemas import annotations_table, assets_table
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import DatasetRow, LabelSetRow, RevisionRow, VersionRow
from pixmill_server.storage.tables import TableRef


@dataclass(frozen=True, slots=True)
class VersionListed:
    """A DatasetVersion as lists show it: with its Dataset's name and its head."""

    dataset: DatasetRow
    version: VersionRow
    head: RevisionRow

    @property
    def address(self) -> str:
        """`street/v1`."""
        return f"{self.dataset.name}/{self.version.name}"

    @property
    def counts(self) -> Counts:
        """Of the head."""
        return counts_of(self.head)


def find_dataset(session: Session, organization_id: str, name: str) -> DatasetRow:
    """Raises `DatasetNotFound`."""
    found = session.scalar(
        select(DatasetRow).where(
            DatasetRow.organization_id == organization_id, DatasetRow.name == name, DatasetRow.deleted_at.is_(None)
        )
    )
    if found is None:
        raise DatasetNotFound(name)
    return found


def dataset_by_id(session: Session, organization_id: str, dataset_id: str) -> DatasetRow:
    """Raises `DatasetNotFound` where there is none of the organization, or where it is deleted."""
    found = session.get(DatasetRow, dataset_id)
    if found is None or found.organization_id != organization_id or found.deleted_at is not None:
        raise DatasetNotFound(dataset_id)
    return found


def find_version(session: Session, organization_id: str, address: VersionAddress) -> VersionRow:
    """Raises `VersionNotFound` where there is none, or where it is deleted."""
    found = session.scalar(
        select(VersionRow)
        .join(DatasetRow, DatasetRow.id == VersionRow.dataset_id)
        .where(
            DatasetRow.organization_id == organization_id,
            DatasetRow.name == address.dataset,
            VersionRow.name == address.version,
            VersionRow.deleted_at.is_(None),
        )
    )
    if found is None:
        raise VersionNotFound(str(address))
    return found


def listed_version(session: Session, organization_id: str, address: VersionAddress) -> VersionListed:
    """With its Dataset and head; raises `VersionNotFound`."""
    version = find_version(session, organization_id, address)
    dataset = session.get_one(DatasetRow, version.dataset_id)
    return VersionListed(dataset, version, find_revision(session, version.id, version.head_number))


def version_by_id(session: Session, organization_id: str, version_id: str) -> VersionRow:
    """Raises `VersionNotFound` where there is none of the organization, or where it is deleted."""
    found = session.scalar(
        select(VersionRow)
        .join(DatasetRow, DatasetRow.id == VersionRow.dataset_id)
        .where(
            DatasetRow.organization_id == organization_id,
            VersionRow.id == version_id,
            VersionRow.deleted_at.is_(None),
        )
    )
    if found is None:
        raise VersionNotFound(version_id)
    return found


def address_of(session: Session, version_id: str) -> VersionAddress:
    """The names of a version, also of a deleted one; raises `VersionNotFound`."""
    row = session.get(VersionRow, version_id)
    if row is None:
        raise VersionNotFound(version_id)
    return VersionAddress(session.get_one(DatasetRow, row.dataset_id).name, row.name, None)


def list_datasets(session: Session, organization_id: str) -> list[DatasetRow]:
    """By name."""
    query = (
        select(DatasetRow)
        .where(DatasetRow.organization_id == organization_id, DatasetRow.deleted_at.is_(None))
        .order_by(DatasetRow.name)
    )
    return list(session.scalars(query))


def list_versions(session: Session, organization_id: str, *, dataset_id: str | None = None) -> list[VersionListed]:
    """Those that are not deleted, by Dataset's name and time of creation; `dataset_id` None means of all Datasets."""
    query = (
        select(DatasetRow, VersionRow, RevisionRow)
        .join(VersionRow, VersionRow.dataset_id == DatasetRow.id)
        .join(RevisionRow, (RevisionRow.version_id == VersionRow.id) & (RevisionRow.number == VersionRow.head_number))
        .where(DatasetRow.organization_id == organization_id, VersionRow.deleted_at.is_(None))
        .order_by(DatasetRow.name, VersionRow.created_at, VersionRow.id)
    )
    if dataset_id is not None:
        query = query.where(DatasetRow.id == dataset_id)
    return [VersionListed(dataset, version, head) for dataset, version, head in session.execute(query)]


def list_revisions(
    session: Session, version_id: str, *, before: int | None = None, limit: int = 100
) -> Page[RevisionRow]:
    """Newest first; `before` (None: the newest on) is the cursor: a number."""
    query = select(RevisionRow).where(RevisionRow.version_id == version_id).order_by(RevisionRow.number.desc())
    if before is not None:
        query = query.where(RevisionRow.number < before)
    found = list(session.scalars(query.limit(limit + 1)))
    return Page(found[:limit], str(found[limit - 1].number) if len(found) > limit else None)


def find_revision(session: Session, version_id: str, number: int) -> RevisionRow:
    """The row of a Revision that is known to be there."""
    return session.get_one(RevisionRow, (version_id, number))


def pin(datasets: Datasets, version_id: str, number: int | None = None) -> Pinned:
    """Resolve a Revision (None: the head) once; raises `VersionNotFound`, `RevisionNotFound`."""
    with datasets.database.reading() as session:
        return pinned(session, version_id, number)


def pinned(session: Session, version_id: str, number: int | None = None) -> Pinned:
    """As `pin`, inside a session."""
    version = session.get(VersionRow, version_id)
    if version is None:
        raise VersionNotFound(version_id)
    wanted = version.head_number if number is None else number
    revision = session.get(RevisionRow, (version_id, wanted))
    if revision is None:
        raise RevisionNotFound(str(address_of(session, version_id)), wanted, version.head_number)
    return pinned_revision(session, version, revision)


def assets_of_version(session: Session, organization_id: str, version_id: str, number: int | None = None) -> TableRef:
    """The assets of a Revision (None: the head) alone, in one statement; raises as `version_by_id` and `pinned` do."""
    wanted = VersionRow.head_number if number is None else literal(number)
    found = session.execute(
        select(VersionRow.dataset_id, RevisionRow.assets_branch, RevisionRow.assets_version)
        .join(DatasetRow, DatasetRow.id == VersionRow.dataset_id)
        .join(RevisionRow, (RevisionRow.version_id == VersionRow.id) & (RevisionRow.number == wanted))
        .where(
            DatasetRow.organization_id == organization_id,
            VersionRow.id == version_id,
            VersionRow.deleted_at.is_(None),
        )
    ).first()
    if found is None:
        return pinned(session, version_by_id(session, organization_id, version_id).id, number).assets
    return TableRef(assets_table(found.dataset_id), found.assets_branch, found.assets_version)


def pinned_revision(session: Session, version: VersionRow, revision: RevisionRow) -> Pinned:
    """The values of a Revision that was read already."""
    return Pinned(
        version_id=version.id,
        number=revision.number,
        assets=TableRef(assets_table(version.dataset_id), revision.assets_branch, revision.assets_version),
        annotations=TableRef(
            annotations_table(version.dataset_id), revision.annotations_branch, revision.annotations_version
        ),
        labels=labels_of(session.get_one(LabelSetRow, revision.label_set_id)),
        counts=counts_of(revision),
    )


def labels_of(row: LabelSetRow) -> tuple[Label, ...]:
    """The Labels of a set, in their order."""
    return tuple(Label(LabelId(entry["id"]), entry["name"], entry["color"]) for entry in row.labels)


def counts_of(revision: RevisionRow) -> Counts:
    """What the Revision holds."""
    counts = revision.counts
    return Counts(counts["assets"], counts["annotations"], counts["annotated_assets"])
