"""What there is, at a glance: Datasets with their versions, what the newest of these hold, and their covers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.queries import pinned_revision
from pixmill_server.datasets.records import Counts, Pinned
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import DatasetRow, RevisionRow, VersionRow


class Order(StrEnum):
    """How a list of Datasets is sorted."""

    CHANGED = "changed"
    NAME = "name"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class VersionOverview:
    """A DatasetVersion with its head."""

    name: str
    locked: bool
    pinned: Pinned
    changed_at: datetime
    summary: str
    """Of the head."""


@dataclass(frozen=True, slots=True)
class DatasetOverview:
    """A Dataset with its versions, the one that was changed last first."""

    id: str
    name: str
    created_at: datetime
    versions: Sequence[VersionOverview]

    @property
    def changed_at(self) -> datetime:
        """When any of its versions was changed last."""
        return self.versions[0].changed_at if self.versions else self.created_at

    @property
    def most_assets(self) -> int:
        """Of its largest version."""
        return max((version.pinned.counts.assets for version in self.versions), default=0)

    @property
    def counts(self) -> Counts:
        """Of the version that was changed last."""
        return self.versions[0].pinned.counts if self.versions else Counts()


def overview(
    datasets: Datasets, actor: Actor, *, contains: str = "", order: Order = Order.CHANGED
) -> list[DatasetOverview]:
    """Datasets whose name, or the address of one of whose versions, contains a text; case does not matter."""
    with datasets.database.reading() as session:
        rows = session.scalars(
            select(DatasetRow).where(
                DatasetRow.organization_id == actor.organization_id, DatasetRow.deleted_at.is_(None)
            )
        ).all()
        of_dataset: dict[str, list[VersionOverview]] = {row.id: [] for row in rows}
        for dataset_id, version in _versions(session, actor):
            if dataset_id in of_dataset:
                of_dataset[dataset_id].append(version)
    listed = [DatasetOverview(row.id, row.name, row.created_at, of_dataset[row.id]) for row in rows]
    return _sorted([one for one in listed if _is_meant(one, contains.strip().casefold())], order)


def cover_of(datasets: Datasets, dataset: DatasetOverview, *, count: int) -> list[tuple[str, str]]:
    """Version id and asset id of some images of the version that was changed last and has any."""
    for version in dataset.versions:
        assets = version.pinned.counts.assets
        if assets:
            # From all over it: the first images of a dataset look alike too often.
            places = sorted({index * assets // count for index in range(min(count, assets))})
            ids = datasets.tables.open(version.pinned.assets).take(places, columns=["id"])["id"].to_pylist()
            return [(version.pinned.version_id, asset_id) for asset_id in ids]
    return []


def _versions(session: Session, actor: Actor) -> Iterator[tuple[str, VersionOverview]]:
    """Each with its Dataset's id, the one that was changed last first."""
    heads = session.execute(
        select(VersionRow, RevisionRow)
        .join(DatasetRow, DatasetRow.id == VersionRow.dataset_id)
        .join(RevisionRow, (RevisionRow.version_id == VersionRow.id) & (RevisionRow.number == VersionRow.head_number))
        .where(DatasetRow.organization_id == actor.organization_id, VersionRow.deleted_at.is_(None))
        .order_by(RevisionRow.created_at.desc(), VersionRow.id.desc())
    )
    for version, head in heads:
        pinned = pinned_revision(session, version, head)
        yield (
            version.dataset_id,
            VersionOverview(version.name, version.locked, pinned, head.created_at, head.summary),
        )


def _is_meant(dataset: DatasetOverview, text: str) -> bool:
    addresses = [dataset.name, *(f"{dataset.name}/{version.name}" for version in dataset.versions)]
    return any(text in address.casefold() for address in addresses)


def _sorted(listed: list[DatasetOverview], order: Order) -> list[DatasetOverview]:
    by_name = sorted(listed, key=lambda one: one.name.casefold())
    match order:
        case Order.NAME:
            return by_name
        case Order.SIZE:
            return sorted(by_name, key=lambda one: one.most_assets, reverse=True)
        case Order.CHANGED:
            return sorted(by_name, key=lambda one: one.changed_at, reverse=True)
