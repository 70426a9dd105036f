"""Datasets and what is in them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from pixmill.wire.datasets import CreateDataset, Dataset, DatasetPage, RenameDataset
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut
from pixmill_server.api.version_records import version
from pixmill_server.datasets import queries
from pixmill_server.datasets import versions as feature
from pixmill_server.datasets.tables import DatasetRow

router = APIRouter(prefix="/datasets", tags=["datasets"])
Name = Annotated[str | None, Query(description="Its whole name.")]


@router.get("")
def list_datasets(
    services: Services, actor: CurrentActor, name: Name = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> DatasetPage:
    """By name, each with its versions; the one of this name where it is given, or a problem where there is none."""
    with services.database.reading() as session:
        if name is None:
            found = queries.list_datasets(session, actor.organization_id)
        else:
            found = [queries.find_dataset(session, actor.organization_id, name)]
        page, following = cut(found, key=lambda dataset: dataset.name, limit=limit, cursor=cursor)
        versions = {
            dataset.id: queries.list_versions(session, actor.organization_id, dataset_id=dataset.id) for dataset in page
        }
    items = [_told(services, actor, dataset, versions[dataset.id]) for dataset in page]
    return DatasetPage(items=items, next_cursor=following)


@router.post("", status_code=201)
def create_dataset(services: Services, actor: CurrentActor, request: CreateDataset) -> Dataset:
    """One without versions; a version that is created or imported makes its Dataset by itself."""
    return _told(services, actor, feature.create_dataset(services.datasets, actor, request.name), [])


@router.patch("/{dataset_id}")
def rename_dataset(services: Services, actor: CurrentActor, dataset_id: str, request: RenameDataset) -> Dataset:
    """Another name, and so another address for each of its versions."""
    feature.rename_dataset(services.datasets, actor, dataset_id, request.name)
    with services.database.reading() as session:
        row = queries.dataset_by_id(session, actor.organization_id, dataset_id)
        versions = queries.list_versions(session, actor.organization_id, dataset_id=dataset_id)
    return _told(services, actor, row, versions)


@router.delete("/{dataset_id}", status_code=204)
def delete_dataset(services: Services, actor: CurrentActor, dataset_id: str) -> None:
    """Delete it with all its versions, and give its name free; where one of them is locked, all stay."""
    feature.delete_dataset(services.datasets, actor, dataset_id)


def _told(
    services: wiring.Services, actor: Actor, dataset: DatasetRow, versions: Sequence[queries.VersionListed]
) -> Dataset:
    return Dataset(
        id=dataset.id,
        name=dataset.name,
        created_at=dataset.created_at,
        versions=[version(services, actor, listed.version.id) for listed in versions],
    )
