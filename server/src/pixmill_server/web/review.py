"""Accept or reject all predictions of a filter: says how many they are, and asks once."""

from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.annotations import Review
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.filter_text import in_words
from pixmill_server.datasets.queries import find_version, pinned
from pixmill_server.datasets.review import count_predictions, review_predictions
from pixmill_server.web.grid_query import grid_query
from pixmill_server.web.page import Services, Visitor, page_router, render

router = page_router()


@router.get("/datasets/{dataset}/{version}/review")
def review_page(request: Request, services: Services, visitor: Visitor, dataset: str, version: str) -> Response:
    """The query is the grid's own."""
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, VersionAddress(dataset, version, None))
        head, locked = pinned(session, row.id), row.locked
    grid, here = grid_query(request.query_params.multi_items()), _version_href(dataset, version)
    return render(
        request,
        "review.html",
        address=f"{dataset}/{version}",
        grid_href=grid.after(here),
        review_href=grid.after(f"{here}/review"),
        words=in_words(grid.where),
        found=count_predictions(services.datasets, head, grid.where),
        locked=locked,
    )


@router.post("/datasets/{dataset}/{version}/review")
def review_filter(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    review: Annotated[Literal["accepted", "rejected"], Form()],
) -> Response:
    """Do it, and show the history, where it can be undone."""
    with services.database.reading() as session:
        version_id = find_version(session, visitor.organization_id, VersionAddress(dataset, version, None)).id
    where = grid_query(request.query_params.multi_items()).where
    review_predictions(services.datasets, visitor, version_id, where, Review(review))
    return RedirectResponse(f"{_version_href(dataset, version)}/history", HTTPStatus.SEE_OTHER)


def _version_href(dataset: str, version: str) -> str:
    return f"/datasets/{quote(dataset, safe='')}/{quote(version, safe='')}"
