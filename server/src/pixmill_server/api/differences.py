"""What changed from one Revision to another."""

from typing import Annotated

from fastapi import APIRouter, Query

from pixmill.wire import differences as wire
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.datasets import queries
from pixmill_server.datasets.differences import Change, compare
from pixmill_server.datasets.records import Pinned

router = APIRouter(prefix="/versions/{version_id}", tags=["datasets"])
Number = Annotated[int | None, Query(ge=1, lt=2**31, description="A Revision; none: the newest.")]


@router.get("/difference")
def show_difference(
    services: Services,
    actor: CurrentActor,
    version_id: str,
    *,
    number: Number = None,
    before: Annotated[str | None, Query(description="Id of the version to compare with; none: this one.")] = None,
    before_number: Annotated[
        int | None,
        Query(ge=1, lt=2**31, description="Its Revision; none: the newest, or of this very version the one before."),
    ] = None,
) -> wire.Difference:
    """What came, went and changed up to this Revision, by Label; both must be of the same Dataset."""
    new_address, new = _pinned(services, actor, version_id, number)
    if before_number is None and before in (None, version_id):
        before_number = max(new.number - 1, 1)
    old_address, old = _pinned(services, actor, before or version_id, before_number)
    found = compare(services.datasets, old, new)
    return wire.Difference(
        before=f"{old_address}@{old.number}",
        after=f"{new_address}@{new.number}",
        assets=_told(found.assets),
        annotations=_told(found.annotations),
        labels=[
            wire.LabelDifference(
                name=label.name,
                color=label.color,
                old_name=label.old_name or None,
                is_gone=label.is_gone,
                annotations=_told(label.annotations),
            )
            for label in found.labels
        ],
        added_paths=list(found.added_paths),
        removed_paths=list(found.removed_paths),
        changed_paths=list(found.changed_paths),
    )


def _pinned(services: wiring.Services, actor: Actor, version_id: str, number: int | None) -> tuple[str, Pinned]:
    with services.database.reading() as session:
        row = queries.version_by_id(session, actor.organization_id, version_id)
        return str(queries.address_of(session, row.id)), queries.pinned(session, row.id, number)


def _told(change: Change) -> wire.Change:
    return wire.Change(added=change.added, removed=change.removed, changed=change.changed)
