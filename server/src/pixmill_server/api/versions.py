"""DatasetVersions: create, fork, lock, revert, and their history."""

from typing import Annotated

from fastapi import APIRouter, Query

from pixmill.errors import InvalidInput
from pixmill.wire.datasets import (
    ChangeVersion,
    CreateVersion,
    ForkVersion,
    Label,
    LanceTable,
    LanceTables,
    RevertVersion,
    RevisionPage,
    Version,
    VersionPage,
)
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut, number_cursor
from pixmill_server.api.version_records import revisions, version, version_at
from pixmill_server.datasets import queries, versions
from pixmill_server.datasets.revert import revert
from pixmill_server.datasets.to_lance import LanceAddress, to_lance

router = APIRouter(prefix="/versions", tags=["datasets"])
Address = Annotated[str | None, Query(description="`street/v1`, or `street/v1@17` for an older Revision.")]


@router.get("")
def list_versions(
    services: Services,
    actor: CurrentActor,
    address: Address = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> VersionPage:
    """By address; the one with this address where it is given, or a problem where there is none."""
    if address is not None:
        return VersionPage(items=[version_at(services, actor, address)])
    with services.database.reading() as session:
        found = sorted(queries.list_versions(session, actor.organization_id), key=lambda listed: listed.address)
    page, following = cut(found, key=lambda listed: listed.address, limit=limit, cursor=cursor)
    return VersionPage(items=[version(services, actor, one.version.id) for one in page], next_cursor=following)


@router.post("", status_code=201)
def create_version(services: Services, actor: CurrentActor, request: CreateVersion) -> Version:
    """An empty one; its Dataset is made where there is none."""
    return version(services, actor, versions.create_version(services.datasets, actor, request.address).id)


@router.get("/{version_id}")
def show_version(
    services: Services,
    actor: CurrentActor,
    version_id: str,
    number: Annotated[int | None, Query(ge=1, lt=2**31, description="An older Revision.")] = None,
) -> Version:
    """By id."""
    return version(services, actor, version_id, number=number)


@router.patch("/{version_id}")
def change_version(services: Services, actor: CurrentActor, version_id: str, request: ChangeVersion) -> Version:
    """Another name; lock it, so that it never changes, or unlock it."""
    if request.name is None and request.locked is None:
        raise InvalidInput("Neither a name nor a lock is given.", hint="Give one of them.", field="name")
    if request.locked is False:
        versions.unlock(services.datasets, actor, version_id)
    if request.name is not None:
        versions.rename_version(services.datasets, actor, version_id, request.name)
    if request.locked:
        versions.lock(services.datasets, actor, version_id)
    return version(services, actor, version_id)


@router.delete("/{version_id}", status_code=204)
def delete_version(services: Services, actor: CurrentActor, version_id: str) -> None:
    """Hide it and give its name free; a locked one stays. Its data goes when no fork needs it any more."""
    versions.delete(services.datasets, actor, version_id)


@router.post("/{version_id}/fork", status_code=201)
def fork_version(services: Services, actor: CurrentActor, version_id: str, request: ForkVersion) -> Version:
    """A new version of the same Dataset that begins as this one is; costs the same however large it is."""
    with services.database.reading() as session:
        source = queries.version_by_id(session, actor.organization_id, version_id)
        pinned = queries.pinned(session, source.id, request.number)
    return version(services, actor, versions.fork(services.datasets, actor, pinned, request.name).id)


@router.get("/{version_id}/revisions")
def list_revisions(
    services: Services, actor: CurrentActor, version_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> RevisionPage:
    """Newest first."""
    with services.database.reading() as session:
        queries.version_by_id(session, actor.organization_id, version_id)
    found = revisions(services, version_id, before=number_cursor(cursor), limit=limit)
    page, following = cut(found, key=lambda one: str(one.number), limit=limit, cursor=None)
    return RevisionPage(items=page, next_cursor=following)


@router.post("/{version_id}/revert", status_code=201)
def revert_version(services: Services, actor: CurrentActor, version_id: str, request: RevertVersion) -> Version:
    """A new Revision with the content of an old one; nothing is lost."""
    revert(services.datasets, actor, version_id, request.number)
    return version(services, actor, version_id)


@router.get("/{version_id}/lance")
def locate_tables(
    services: Services,
    actor: CurrentActor,
    version_id: str,
    number: Annotated[int | None, Query(ge=1, lt=2**31, description="An older Revision.")] = None,
) -> LanceTables:
    """Where a Revision lies, for programs that can reach the tables themselves."""
    with services.database.reading() as session:
        queries.version_by_id(session, actor.organization_id, version_id)
    found = to_lance(services.datasets, queries.pin(services.datasets, version_id, number))
    return LanceTables(
        revision=found.number,
        assets=_table(found.assets),
        annotations=_table(found.annotations),
        labels=[Label(id=label.id, name=label.name, color=label.color) for label in found.labels],
    )


def _table(address: LanceAddress) -> LanceTable:
    return LanceTable(uri=address.uri, branch=address.branch, version=address.version)
