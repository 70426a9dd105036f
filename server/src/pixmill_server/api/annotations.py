"""A human's save."""

from fastapi import APIRouter

from pixmill.wire import edits as wire
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.version_records import counts
from pixmill_server.datasets import edit as feature

router = APIRouter(prefix="/versions/{version_id}/annotations", tags=["assets"])


@router.post("", status_code=201)
def save_edits(services: Services, actor: CurrentActor, version_id: str, request: wire.SaveEdits) -> wire.SavedEdits:
    """Add, move, relabel, review and delete shapes, all in one new Revision."""
    batch = feature.EditBatch([_edit(edit) for edit in request.edits], request.summary)
    done = feature.save(services.datasets, actor, version_id, batch)
    return wire.SavedEdits(
        revision=done.number,
        changed=done.changed,
        counts=counts(done.counts),
        skipped=[wire.SkippedEdit(id=skipped.asset, reason=skipped.reason) for skipped in done.outcome.skipped],
    )


def _edit(edit: wire.Edit) -> feature.Edit:
    match edit:
        case wire.AddShape():
            return feature.AddShape(edit.asset_id, edit.label, edit.shape.shape(), edit.attributes)
        case wire.MoveShape():
            return feature.MoveShape(edit.asset_id, edit.annotation_id, edit.shape.shape())
        case wire.Relabel():
            return feature.Relabel(edit.asset_id, edit.annotation_id, edit.label)
        case wire.SetReview():
            return feature.SetReview(edit.asset_id, edit.annotation_id, edit.review)
        case wire.DeleteShape():
            return feature.DeleteShape(edit.asset_id, edit.annotation_id)
