"""One Dataset: its versions, its name, and its end."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import Conflict, InvalidInput, PixmillError
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import versions
from pixmill_server.datasets.errors import DatasetNotFound
from pixmill_server.datasets.overview import overview
from pixmill_server.datasets.queries import find_dataset
from pixmill_server.web.dataset_list import href_of
from pixmill_server.web.page import Services, Visitor, page_router, render

router = page_router()


@router.get("/datasets/{dataset}")
def dataset_page(request: Request, services: Services, visitor: Visitor, dataset: str) -> Response:
    """Every version of it, the one that was changed last first."""
    return _page(request, services, visitor, dataset)


@router.post("/datasets/{dataset}/rename")
def rename(
    request: Request, services: Services, visitor: Visitor, dataset: str, name: Annotated[str, Form()]
) -> Response:
    """Another name, and so another address for each of its versions."""
    wanted = name.strip()
    try:
        versions.rename_dataset(services.datasets, visitor, _id_of(services, visitor, dataset), wanted)
    except (InvalidInput, Conflict) as error:
        return _page(request, services, visitor, dataset, refusal=error)
    return RedirectResponse(f"/datasets/{quote(wanted, safe='')}", HTTPStatus.SEE_OTHER)


@router.post("/datasets/{dataset}/delete")
def delete(request: Request, services: Services, visitor: Visitor, dataset: str) -> Response:
    """Delete it with its versions; the page has said what that means."""
    try:
        versions.delete_dataset(services.datasets, visitor, _id_of(services, visitor, dataset))
    except Conflict as error:
        return _page(request, services, visitor, dataset, refusal=error)
    return RedirectResponse("/datasets", HTTPStatus.SEE_OTHER)


def _id_of(services: wiring.Services, visitor: Actor, name: str) -> str:
    with services.database.reading() as session:
        return find_dataset(session, visitor.organization_id, name).id


def _page(
    request: Request, services: wiring.Services, visitor: Actor, name: str, *, refusal: PixmillError | None = None
) -> Response:
    found = next((one for one in overview(services.datasets, visitor, contains=name) if one.name == name), None)
    if found is None:
        raise DatasetNotFound(name)
    return render(
        request,
        "dataset.html",
        status=HTTPStatus.OK if refusal is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        dataset=found,
        href=f"/datasets/{quote(name, safe='')}",
        versions=[(one, href_of(name, one.name)) for one in found.versions],
        is_locked=any(one.locked for one in found.versions),
        refusal=refusal,
    )
