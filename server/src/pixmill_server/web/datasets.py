"""The Assets grid of a DatasetVersion: its first window with everything around it, and every other window alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import Response

from pixmill.errors import PixmillError
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.counting import choosable, facets
from pixmill_server.datasets.filter_text import text_of
from pixmill_server.datasets.filters import ALL
from pixmill_server.datasets.queries import VersionListed, listed_version, pinned
from pixmill_server.datasets.read import assets_from, count_assets
from pixmill_server.datasets.records import Pinned
from pixmill_server.web.filter_panel import panel
from pixmill_server.web.grid_query import PAGE_TILES, GridQuery, grid_query
from pixmill_server.web.page import Services, Visitor, page_router, part, render
from pixmill_server.web.tiles import Tile, tiles

MOST_TILES = 120
"""In one window."""
TILES_AT_ONCE = 24
"""Their thumbnails are asked for with the page, which shows them on a usual screen; the others when they come near."""
PAGES_AROUND = 2

router = page_router()


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A DatasetVersion at the head of its own page."""

    address: str
    href: str
    assets: int
    annotated: int
    shapes: int
    labels: int
    revision: int
    locked: bool
    changed_at: datetime
    summary: str


@dataclass(frozen=True, slots=True)
class PageLink:
    """One of the pages of the grid where no script runs."""

    text: str
    href: str
    is_current: bool


@router.get("/datasets/{dataset}/{version}")
def version_page(request: Request, services: Services, visitor: Visitor, dataset: str, version: str) -> Response:
    """The grid; its address says which assets, how sorted, and from which page on."""
    line, pinned = _found(services, visitor, dataset, version, None)
    query, refusal = _asked(services, pinned, request)
    total = 0 if refusal else count_assets(services.datasets, pinned, query.where)
    last_page = max(1, -(-total // PAGE_TILES))
    query = GridQuery(query.where, query.order, min(query.page, last_page))
    shown = [] if refusal else _window(services, pinned, query, query.start, PAGE_TILES)
    suffix = f"?{query.text}" if query.text else ""
    return render(
        request,
        "version.html",
        version=line,
        query=query,
        total=total,
        refusal=refusal,
        panel=_panel(services, pinned, query, line.href, is_refused=refusal is not None),
        tiles=part("tiles.html", tiles=shown, at_once=TILES_AT_ONCE, version=line, suffix=suffix),
        suffix=suffix,
        process_href=_process_href(line.href, query),
        pages=_pages(query, line.href, last_page),
    )


@router.get("/datasets/{dataset}/{version}/window")
def window(
    request: Request,
    services: Services,
    visitor: Visitor,
    dataset: str,
    version: str,
    *,
    start: int = 0,
    limit: int = PAGE_TILES,
    revision: int | None = None,
) -> Response:
    """The tiles from a rank on (0 is the first), as they stand in the grid: any window costs the same."""
    line, pinned = _found(services, visitor, dataset, version, revision)
    query = grid_query(request.query_params.multi_items())
    shown = _window(services, pinned, query, max(start, 0), max(1, min(limit, MOST_TILES)))
    suffix = f"?{query.text}" if query.text else ""
    return render(request, "tiles.html", tiles=shown, at_once=0, version=line, suffix=suffix)


def _found(
    services: Services, visitor: Visitor, dataset: str, version: str, revision: int | None
) -> tuple[VersionLine, Pinned]:
    with services.database.reading() as session:
        found = listed_version(session, visitor.organization_id, VersionAddress(dataset, version, None))
        meant = pinned(session, found.version.id, revision)
    return _line(found, len(meant.labels)), meant


def _line(item: VersionListed, labels: int) -> VersionLine:
    return VersionLine(
        address=item.address,
        href=f"/datasets/{quote(item.dataset.name, safe='')}/{quote(item.version.name, safe='')}",
        assets=item.counts.assets,
        annotated=item.counts.annotated_assets,
        shapes=item.counts.annotations,
        labels=labels,
        revision=item.head.number,
        locked=item.version.locked,
        changed_at=item.head.created_at,
        summary=item.head.summary,
    )


def _asked(services: Services, pinned: Pinned, request: Request) -> tuple[GridQuery, PixmillError | None]:
    """The grid's state, and why it cannot be shown: an address may name what is gone, such as a Label."""
    try:
        query = grid_query(request.query_params.multi_items())
    except PixmillError as error:
        return grid_query([]), error
    try:
        count_assets(services.datasets, pinned, query.where)
    except PixmillError as error:
        return query, error
    return query, None


def _window(services: Services, pinned: Pinned, query: GridQuery, start: int, limit: int) -> list[Tile]:
    page = assets_from(services.datasets, pinned, start=start, limit=limit, where=query.where, order=query.order)
    return tiles(services.datasets, pinned, page.items, first=start + 1)


def _panel(services: Services, pinned: Pinned, query: GridQuery, here: str, *, is_refused: bool) -> Any:
    whole = facets(services.datasets, pinned)
    found = choosable(services.datasets, pinned, ALL if is_refused else query.where)
    return panel(whole, found, query, labels=pinned.labels, here=here)


def _process_href(here: str, query: GridQuery) -> str:
    text = text_of(query.where)
    return f"{here}/process?{urlencode({'where': text})}" if text else f"{here}/process"


def _pages(query: GridQuery, here: str, last: int) -> Sequence[PageLink]:
    if last == 1:
        return []
    around = range(max(1, query.page - PAGES_AROUND), min(last, query.page + PAGES_AROUND) + 1)
    links = [
        PageLink(str(page), query.after(here, page=page), page == query.page) for page in sorted({1, *around, last})
    ]
    before = [PageLink("Previous page", query.after(here, page=query.page - 1), False)] if query.page > 1 else []  # noqa: FBT003 - a field
    after = [PageLink("Next page", query.after(here, page=query.page + 1), False)] if query.page < last else []  # noqa: FBT003 - a field
    return [*before, *links, *after]
