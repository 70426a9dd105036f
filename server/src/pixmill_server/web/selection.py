"""Selecting in the grid: what was picked becomes a selection with an address of its own."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Depends, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.queries import find_version, pin
from pixmill_server.datasets.read import select_all_but, select_between
from pixmill_server.datasets.selections import keep_selection
from pixmill_server.web.grid_query import grid_query
from pixmill_server.web.page import Services, Visitor, page_router

router = page_router()


async def picked_assets(request: Request) -> tuple[list[str], dict[str, str]]:
    """The ids of the ticked boxes and of the list that a script sent, and the form's other fields."""
    form = await request.form()
    ids = [value for value in form.getlist("asset") if isinstance(value, str)]
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return [*ids, *fields.get("ids", "").split()], fields


@router.get("/datasets/{dataset}/{version}/ids")
def ids_between(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    *,
    start: int = 0,
    limit: int = 1,
    revision: int | None = None,
) -> Response:
    """Ids of the grid's assets from a rank on, one a line: what a selection over several windows is made of."""
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, VersionAddress(dataset, version, None))
    pinned, query = pin(services.datasets, row.id, revision), grid_query(request.query_params.multi_items())
    ids = select_between(services.datasets, pinned, query.where, query.order, start=max(start, 0), limit=max(limit, 0))
    return PlainTextResponse("\n".join(ids), headers={"Cache-Control": "no-store"})


@router.post("/datasets/{dataset}/{version}/selection")
def select(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    picked: Annotated[tuple[list[str], dict[str, str]], Depends(picked_assets)],
) -> Response:
    """Keep what was picked (`mode=but`: everything of the filter but that), and go on with it."""
    ids, fields = picked
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, VersionAddress(dataset, version, None))
    where = grid_query(request.query_params.multi_items()).where
    if fields.get("mode") == "but":
        name = select_all_but(services.datasets, pin(services.datasets, row.id), where, ids)
    else:
        name = keep_selection(services.objects, ids)
    here = f"/datasets/{quote(dataset, safe='')}/{quote(version, safe='')}"
    if fields.get("then") == "show":
        return RedirectResponse(f"{here}?{urlencode({'selection': name})}", HTTPStatus.SEE_OTHER)
    meant = urlencode({"where": urlencode({"selection": name})})
    return RedirectResponse(f"{here}/process?{meant}", HTTPStatus.SEE_OTHER)
