"""Labels of a DatasetVersion; changing them is a new Revision."""

from typing import Annotated

from fastapi import APIRouter, Query

from pixmill.errors import InvalidInput
from pixmill.wire.datasets import AddLabels, ChangeLabel, LabelPage, MergeLabels, SetLabels
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, encode_cursor, number_cursor
from pixmill_server.api.version_records import labels
from pixmill_server.datasets import labels as feature
from pixmill_server.datasets.merge_labels import merge_labels

router = APIRouter(prefix="/versions/{version_id}/labels", tags=["datasets"])
DeleteAnnotations = Annotated[bool, Query(description="Whether the annotations that have it go too.")]


@router.get("")
def list_labels(
    services: Services,
    actor: CurrentActor,
    version_id: str,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    number: Annotated[int | None, Query(ge=1, lt=2**31, description="An older Revision.")] = None,
) -> LabelPage:
    """In their order, with the annotations that have each."""
    found = labels(services, actor, version_id, number=number)
    start = number_cursor(cursor) or 0
    following = encode_cursor(str(start + limit)) if start + limit < len(found) else None
    return LabelPage(items=found[start : start + limit], next_cursor=following)


@router.put("")
def set_labels(services: Services, actor: CurrentActor, version_id: str, request: SetLabels) -> LabelPage:
    """Exactly these, in this order; those that stay keep id and colour. One in use stays, unless told otherwise."""
    feature.set_labels(
        services.datasets, actor, version_id, request.names, delete_annotations=request.delete_annotations
    )
    return _all(services, actor, version_id)


@router.post("", status_code=201)
def add_labels(services: Services, actor: CurrentActor, version_id: str, request: AddLabels) -> LabelPage:
    """These beside those there are; nothing happens the second time."""
    feature.add_labels(services.datasets, actor, version_id, request.names)
    return _all(services, actor, version_id)


@router.post("/merge", status_code=201)
def merge(services: Services, actor: CurrentActor, version_id: str, request: MergeLabels) -> LabelPage:
    """Give the annotations of some Labels to another one, and remove those; one Revision."""
    merge_labels(services.datasets, actor, version_id, request.labels, into=request.into)
    return _all(services, actor, version_id)


@router.patch("/{label_id}")
def change_label(
    services: Services, actor: CurrentActor, version_id: str, label_id: str, request: ChangeLabel
) -> LabelPage:
    """Another name or colour; its annotations keep it."""
    if request.name is None and request.color is None:
        raise InvalidInput("Neither a name nor a color is given.", hint="Give one of them.", field="name")
    if request.name is not None:
        feature.rename_label(services.datasets, actor, version_id, label_id, request.name)
    if request.color is not None:
        feature.recolor_label(services.datasets, actor, version_id, label_id, request.color)
    return _all(services, actor, version_id)


@router.delete("/{label_id}")
def remove_label(
    services: Services,
    actor: CurrentActor,
    version_id: str,
    label_id: str,
    *,
    delete_annotations: DeleteAnnotations = False,
) -> LabelPage:
    """One less; one in use stays, unless its annotations may go too."""
    feature.remove_label(services.datasets, actor, version_id, label_id, delete_annotations=delete_annotations)
    return _all(services, actor, version_id)


def _all(services: wiring.Services, actor: Actor, version_id: str) -> LabelPage:
    return LabelPage(items=labels(services, actor, version_id))
