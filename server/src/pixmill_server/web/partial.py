"""What a failed or cancelled Run had done: looked at, committed on purpose, or dropped."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from pixmill.annotations import rows_of
from pixmill_server.datasets.pictures import thumbnail_of
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import assets_by_id
from pixmill_server.datasets.thumbnails import MEDIA_TYPE
from pixmill_server.jobs.partial import (
    StagedAsset,
    StagedNewAsset,
    commit_partial,
    drop_partial,
    find_new_asset,
    partial_assets,
    partial_results,
)
from pixmill_server.jobs.queries import find_job, find_run, show_job
from pixmill_server.web.jobs import job_line
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.tiles import Tile, tile

SHOWN = 60
NEW_SHOWN = 120
"""Of the images that were made of these."""

router = page_router()


@router.get("/jobs/{job_id}/partial")
def partial_page(
    request: Request, services: Services, visitor: Visitor, job_id: str, run: int | None = None, after: int = -1
) -> Response:
    """The assets that a Run had done, with what it found; `after` is the place of the last one that was shown."""
    with services.database.reading() as session:
        job = find_job(session, visitor.organization_id, job_id)
        number = find_run(session, job.id, run).number
        record = show_job(session, job, now=services.clock.now())
    found = partial_assets(services.jobs, visitor, job.id, number, after=after, limit=SHOWN + 1)
    shown = found[:SHOWN]
    chosen = next(one for one in record.runs if one.row.number == number)
    new = [(job.id, number, each) for _, asset in shown for each in asset.added]
    more = f"/jobs/{job.id}/partial?run={number}&after={shown[-1][0]}" if len(found) > SHOWN else ""
    return render(
        request,
        "partial.html",
        job=job_line(record),
        results=partial_results(services.jobs, visitor, job.id, number),
        tiles=_tiles(services, job.version_id, chosen.row.input_number, shown),
        new_version=chosen.new_version,
        new_tiles=_new_tiles(services, job.version_id, chosen.row.input_number, new[:NEW_SHOWN]),
        more_new=max(0, len(new) - NEW_SHOWN),
        more_href=more,
    )


@router.post("/jobs/{job_id}/runs/{number}/partial/commit")
def commit_partial_results(services: Services, visitor: Visitor, job_id: str, number: int) -> Response:
    """Make them visible as one Revision, and show the Job."""
    commit_partial(services.jobs, visitor, job_id, number)
    return RedirectResponse(f"/jobs/{job_id}?run={number}", HTTPStatus.SEE_OTHER)


@router.post("/jobs/{job_id}/runs/{number}/partial/drop")
def drop_partial_results(services: Services, visitor: Visitor, job_id: str, number: int) -> Response:
    """Forget them, and show the Job."""
    drop_partial(services.jobs, visitor, job_id, number)
    return RedirectResponse(f"/jobs/{job_id}?run={number}", HTTPStatus.SEE_OTHER)


@router.get("/jobs/{job_id}/runs/{number}/partial/{chunk}/{asset_id}/thumbnail")
def new_asset_thumbnail(
    services: Services, visitor: Visitor, job_id: str, number: int, chunk: int, asset_id: str
) -> Response:
    """Of an image that is in no version yet; its address is never given to another one."""
    new = find_new_asset(services.jobs, visitor, job_id, number, chunk=chunk, asset_id=asset_id)
    content = thumbnail_of(services.ingest, new.asset)
    return Response(content, media_type=MEDIA_TYPE, headers={"Cache-Control": "private, max-age=3600"})


def _tiles(services: Services, version_id: str, input_number: int, staged: list[tuple[int, StagedAsset]]) -> list[Tile]:
    pinned = pin(services.datasets, version_id, input_number)
    records = {
        str(asset.id): asset for asset in assets_by_id(services.datasets, pinned, [one.asset_id for _, one in staged])
    }
    return [
        tile(
            pinned,
            records[one.asset_id],
            list(rows_of(one.columns)) if one.columns is not None else [],
            place=place + 1,
        )
        for place, one in staged
        if one.asset_id in records
    ]


def _new_tiles(
    services: Services, version_id: str, input_number: int, made: Sequence[tuple[str, int, StagedNewAsset]]
) -> list[Tile]:
    """Of new assets, each with the Job and the Run that made it."""
    pinned = pin(services.datasets, version_id, input_number)
    return [
        replace(
            tile(pinned, new.asset, list(rows_of(new.columns)) if new.columns is not None else [], place=place),
            thumbnail_href=f"/jobs/{job_id}/runs/{number}/partial/{new.chunk}/{new.asset.id}/thumbnail",
        )
        for place, (job_id, number, new) in enumerate(made, 1)
    ]
