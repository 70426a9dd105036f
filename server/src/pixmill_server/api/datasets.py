"""Datasets and what is in them."""

from fastapi import APIRouter

from pixmill.wire.datasets import Dataset, DatasetPage
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut
from pixmill_server.api.version_records import version
from pixmill_server.datasets import queries

router = APIRouter(prefix="/datasets", tags=["datasets"])


@router.get("")
def list_datasets(
    services: Services, actor: CurrentActor, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> DatasetPage:
    """By name, each with its versions."""
    with services.database.reading() as session:
        found = queries.list_datasets(session, actor.organization_id)
        page, following = cut(found, key=lambda dataset: dataset.name, limit=limit, cursor=cursor)
        versions = {
            dataset.id: queries.list_versions(session, actor.organization_id, dataset_id=dataset.id) for dataset in page
        }
    items = [
        Dataset(
            id=dataset.id,
            name=dataset.name,
            created_at=dataset.created_at,
            versions=[version(services, actor, listed.version.id) for listed in versions[dataset.id]],
        )
        for dataset in page
    ]
    return DatasetPage(items=items, next_cursor=following)
