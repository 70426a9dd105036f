"""A human's save, and a human's word on all predictions of a filter."""

from fastapi import APIRouter

from pixmill.wire import edits as wire
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.version_records import counts
from pixmill_server.datasets import edit as feature
from pixmill_server.datasets.filter_text import filter_of_text
from pixmill_server.datasets.review import review_predictions

router = APIRouter(prefix="/versions/{version_id}/annotations", tags=["assets"])


@router.post("", status_code=201)
def save_edits(services: Services, actor: CurrentActor, version_id: str, request: wire.SaveEdits) -> wire.SavedEdits:
    """Add, move, relabel, review and delete shapes, all in one new Revision."""
    batch = feature.EditBatch([_edit(edit) for edit in request.edits], request.summary, request.base)
    done = feature.save(services.datasets, actor, version_id, batch)
    return wire.SavedEdits(
        revision=done.number,
        changed=done.changed,
        counts=counts(done.counts),
        skipped=[wire.SkippedEdit(id=skipped.asset, reason=skipped.reason) for skipped in done.outcome.skipped],
        added=list(done.added),
    )


@router.post("/review", status_code=201)
def review_all(
    services: Services, actor: CurrentActor, version_id: str, request: wire.ReviewPredictions
) -> wire.ReviewedPredictions:
    """Accept or reject all annotations of Runs that the filter means, in one new Revision."""
    where = filter_of_text(request.filter)
    done = review_predictions(services.datasets, actor, version_id, where, request.review)
    return wire.ReviewedPredictions(revision=done.number, changed=done.outcome.step.get("changed_annotations", 0))


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
