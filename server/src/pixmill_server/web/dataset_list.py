"""The list of Datasets, and making one with its first version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import Conflict, InvalidInput
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.addresses import VersionAddress, require_name
from pixmill_server.datasets.labels import add_labels
from pixmill_server.datasets.overview import DatasetOverview, Order, VersionOverview, cover_of, overview
from pixmill_server.datasets.queries import find_version
from pixmill_server.datasets.records import Counts, Label
from pixmill_server.datasets.versions import create_version
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.wiring import Services as Wired

DATASETS_SHOWN = 24
COVER_IMAGES = 4
LABELS_SHOWN = 6
VERSIONS_SHOWN = 4

router = page_router()


@dataclass(frozen=True, slots=True)
class VersionLink:
    """A version on the card of its Dataset."""

    name: str
    href: str
    locked: bool
    assets: int


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """A Dataset in the list; what is counted is in the version that was changed last."""

    name: str
    href: str
    newest_href: str
    cover: Sequence[str]
    """Addresses of thumbnails."""
    newest: str
    counts: Counts
    labels: Sequence[Label]
    more_labels: int
    versions: Sequence[VersionLink]
    more_versions: int
    changed_at: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class NewDataset:
    """What was filled in, and why it was refused."""

    dataset: str = ""
    version: str = "v1"
    labels: str = ""
    refused: str = ""
    is_open: bool = False


@router.get("/datasets")
def datasets_page(
    request: Request,
    services: Services,
    visitor: Visitor,
    q: str = "",
    sort: Order = Order.CHANGED,
    page: Annotated[int, Query(ge=1)] = 1,
) -> Response:
    """Cards; `q` searches names and addresses, `sort` says the order, `page` counts from 1."""
    return _page(request, services, visitor, q=q, sort=sort, page=page, new=NewDataset())


@router.post("/datasets")
def make_dataset(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: Annotated[str, Form()] = "",
    version: Annotated[str, Form()] = "",
    labels: Annotated[str, Form()] = "",
) -> Response:
    """A Dataset with an empty version, or another version of one there is; then its images are brought in."""
    try:
        require_name("dataset", dataset.strip())
        address = VersionAddress(dataset.strip(), require_name("version", version.strip()), None)
        made = create_version(services.datasets, visitor, str(address))
        names = [name for name in dict.fromkeys(map(str.strip, labels.split(","))) if name]
        if names:
            add_labels(services.datasets, visitor, made.id, names)
    except (InvalidInput, Conflict) as error:
        new = NewDataset(dataset, version, labels, refused=str(error), is_open=True)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return _page(request, services, visitor, q="", sort=Order.CHANGED, page=1, new=new, status=status)
    return RedirectResponse(f"{href_of(address.dataset, address.version)}/import", HTTPStatus.SEE_OTHER)


def href_of(dataset: str, version: str) -> str:
    """The page of a version."""
    return f"/datasets/{quote(dataset, safe='')}/{quote(version, safe='')}"


def version_id_of(services: Wired, visitor: Actor, dataset: str, version: str) -> str:
    """Raises `VersionNotFound`."""
    with services.database.reading() as session:
        return find_version(session, visitor.organization_id, VersionAddress(dataset, version, None)).id


def _page(
    request: Request,
    services: Wired,
    visitor: Actor,
    *,
    q: str,
    sort: Order,
    page: int,
    new: NewDataset,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    found = overview(services.datasets, visitor, contains=q, order=sort)
    start = (page - 1) * DATASETS_SHOWN
    shown = found[start : start + DATASETS_SHOWN]

    def href(number: int) -> str:
        asked = {"q": q, "sort": "" if sort is Order.CHANGED else str(sort), "page": "" if number == 1 else str(number)}
        return "/datasets?" + urlencode({name: value for name, value in asked.items() if value})

    return render(
        request,
        "datasets.html",
        status=status,
        cards=[_card(services, one) for one in shown],
        total=len(found),
        q=q,
        sort=str(sort),
        orders=[(str(Order.CHANGED), "Last change"), (str(Order.NAME), "Name"), (str(Order.SIZE), "Most assets")],
        previous_href=href(page - 1) if page > 1 else None,
        next_href=href(page + 1) if start + DATASETS_SHOWN < len(found) else None,
        new=new,
    )


def _card(services: Wired, found: DatasetOverview) -> DatasetCard:
    newest = found.versions[0] if found.versions else None
    labels = newest.pinned.labels if newest else ()
    cover = cover_of(services.datasets, found, count=COVER_IMAGES)
    return DatasetCard(
        name=found.name,
        href=f"/datasets/{quote(found.name, safe='')}",
        newest_href=href_of(found.name, newest.name) if newest else f"/datasets/{quote(found.name, safe='')}",
        cover=[f"/api/v1/versions/{version_id}/assets/{asset_id}/thumbnail" for version_id, asset_id in cover],
        newest=newest.name if newest else "",
        counts=found.counts,
        labels=labels[:LABELS_SHOWN],
        more_labels=len(labels[LABELS_SHOWN:]),
        versions=[_link(found, version) for version in found.versions[:VERSIONS_SHOWN]],
        more_versions=len(found.versions[VERSIONS_SHOWN:]),
        changed_at=found.changed_at,
        summary=newest.summary if newest else "Created, without a version",
    )


def _link(found: DatasetOverview, version: VersionOverview) -> VersionLink:
    return VersionLink(version.name, href_of(found.name, version.name), version.locked, version.pinned.counts.assets)
