"""Partial results of failed and cancelled Runs."""

from typing import Any, cast

import msgspec
import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from pydantic import JsonValue

from pixmill.annotations import KINDS, AnnotationColumns
from pixmill.wire import jobs as wire_jobs
from pixmill.wire import partial as wire
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.jobs import show
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, encode_cursor, number_cursor
from pixmill_server.jobs.partial import (
    StagedAsset,
    StagedNewAsset,
    commit_partial,
    drop_partial,
    partial_assets,
    partial_results,
)

router = APIRouter(prefix="/jobs/{job_id}/runs/{number}/partial", tags=["jobs"])


@router.get("")
def show_partial(services: Services, actor: CurrentActor, job_id: str, number: int) -> wire.PartialResults:
    """What the Run had done before it ended, in numbers."""
    found = partial_results(services.jobs, actor, job_id, number)
    ledger = found.ledger
    return wire.PartialResults(
        state=found.state.value if found.state else None,
        revision=found.run.result_number if found.state else None,
        done=ledger.done,
        failed=ledger.failed,
        skipped=ledger.skipped,
        not_reached=ledger.open,
        shapes=found.shapes,
        by_label=dict(found.by_label),
        assets_added=found.added,
    )


@router.get("/assets")
def list_partial_assets(
    services: Services,
    actor: CurrentActor,
    job_id: str,
    number: int,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> wire.StagedAssetPage:
    """The assets that were done, each with what was found on it."""
    after = number_cursor(cursor)
    after = -1 if after is None else after
    found = partial_assets(services.jobs, actor, job_id, number, after=after, limit=limit + 1)
    page = found[:limit]
    following = encode_cursor(str(page[-1][0])) if len(found) > limit else None
    return wire.StagedAssetPage(items=[_asset(asset) for _, asset in page], next_cursor=following)


@router.post("/commit")
def commit_partial_results(services: Services, actor: CurrentActor, job_id: str, number: int) -> wire_jobs.Job:
    """Make them visible as one Revision, by the Job's existing-annotations policy; the Run stays failed."""
    commit_partial(services.jobs, actor, job_id, number)
    return show(services, actor, job_id)


@router.delete("")
def drop_partial_results(services: Services, actor: CurrentActor, job_id: str, number: int) -> wire_jobs.Job:
    """Forget them: the Run cannot be resumed any more."""
    drop_partial(services.jobs, actor, job_id, number)
    return show(services, actor, job_id)


def _asset(asset: StagedAsset) -> wire.StagedAsset:
    return wire.StagedAsset(
        asset_id=asset.asset_id,
        path=asset.path,
        shapes=_shapes(asset.columns),
        tags=list(asset.tags),
        metadata=dict(asset.metadata),
        added=[_new_asset(each) for each in asset.added],
    )


def _new_asset(new: StagedNewAsset) -> wire.StagedNewAsset:
    asset = new.asset
    return wire.StagedNewAsset(
        path=asset.path,
        width=asset.width,
        height=asset.height,
        shapes=_shapes(new.columns),
        tags=list(asset.tags),
        metadata=cast("dict[str, JsonValue]", dict(asset.metadata)),
    )


def _shapes(columns: AnnotationColumns | None) -> list[wire.StagedShape]:
    return [_shape(columns, row) for row in range(len(columns))] if columns is not None else []


def _shape(columns: AnnotationColumns, row: int) -> wire.StagedShape:
    bbox, score = columns.bbox[row], float(columns.score[row])
    attributes = _flat(columns.attributes, columns.attribute_offsets, row).tobytes()
    return wire.StagedShape(
        kind=KINDS[columns.kind[row]].value,
        label=columns.labels[columns.label[row]],
        bbox=None if np.isnan(bbox).any() else bbox.tolist(),
        score=None if np.isnan(score) else score,
        coordinates=_flat(columns.coordinates, columns.coordinate_offsets, row).tolist(),
        rings=_flat(columns.rings, columns.ring_offsets, row).tolist(),
        mask=_flat(columns.masks, columns.mask_offsets, row).tobytes().decode("ascii"),
        attributes=msgspec.json.decode(attributes) if attributes else {},
    )


def _flat(flat: NDArray[Any], offsets: NDArray[np.int64], row: int) -> NDArray[Any]:
    return flat[offsets[row] : offsets[row + 1]]
