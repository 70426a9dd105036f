"""What a failed or cancelled Run had done: looked at, committed on purpose, dropped, or gone on with."""

from http import HTTPStatus

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from pixmill.annotations import rows_of
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import assets_by_id
from pixmill_server.jobs.partial import StagedAsset, commit_partial, drop_partial, partial_assets, partial_results
from pixmill_server.jobs.queries import find_job, find_run, show_job
from pixmill_server.jobs.resume import resume
from pixmill_server.web.jobs import job_line
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.tiles import Tile, tile

SHOWN = 60

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
    more = f"/jobs/{job.id}/partial?run={number}&after={shown[-1][0]}" if len(found) > SHOWN else ""
    return render(
        request,
        "partial.html",
        job=job_line(record),
        results=partial_results(services.jobs, visitor, job.id, number),
        tiles=_tiles(services, job.version_id, record.runs[-number].row.input_number, shown),
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


@router.post("/jobs/{job_id}/resume")
def resume_job(services: Services, visitor: Visitor, job_id: str) -> Response:
    """Go on where the newest Run stopped, and show the Job."""
    resume(services.jobs, visitor, job_id)
    return RedirectResponse(f"/jobs/{job_id}", HTTPStatus.SEE_OTHER)


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
