"""The grid of a DatasetVersion, with its shapes drawn on the thumbnails."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import Response
from markupsafe import Markup

from pixmill.annotations import AnnotationRow, ShapeKind, kind_of, rows_of
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.filters import AssetFilter
from pixmill_server.datasets.queries import VersionListed, find_version, list_versions, pin
from pixmill_server.datasets.read import annotations_of, assets_page, label_histogram
from pixmill_server.datasets.records import AssetRecord, Pinned
from pixmill_server.datasets.rows import columns_from_rows
from pixmill_server.web.drawing import drawn
from pixmill_server.web.page import Services, Visitor, page_router, render

TILES = 60
MOST_SHAPES_DRAWN = 200
"""On one thumbnail; more would hide the image."""

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
class LabelChip:
    """A Label with the number of its shapes."""

    name: str
    color: str
    count: int
    href: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Tile:
    """One asset of the grid."""

    path: str
    width: int
    height: int
    thumbnail_href: str
    image_href: str
    shapes: Sequence[Markup]
    total: int
    sentence: str
    """What is on it, for who does not see it."""


@router.get("/datasets/{dataset}/{version}")
def version_page(
    request: Request, services: Services, visitor: Visitor, dataset: str, version: str, label: str = "", after: str = ""
) -> Response:
    """The grid, in path order; `label` shows only assets that carry it, `after` goes on behind a path."""
    address = VersionAddress(dataset, version, None)
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, address)
        listed = list_versions(session, visitor.organization_id, dataset_id=row.dataset_id)
    item = next(item for item in listed if item.version.id == row.id)
    pinned = pin(services.datasets, row.id, item.head.number)
    where = AssetFilter(labels=(label,) if label else ())
    page = assets_page(services.datasets, pinned, after=after or None, limit=TILES, where=where)
    line = _line(item, len(pinned.labels))
    next_href = page.next_cursor and f"{line.href}?{urlencode(_without_empty(label=label, after=page.next_cursor))}"
    return render(
        request,
        "version.html",
        version=line,
        labels=_chips(services, pinned, line, label),
        assets=_tiles(services, pinned, page.items),
        next_href=next_href,
        chosen_label=label,
    )


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


def _chips(services: Services, pinned: Pinned, line: VersionLine, chosen: str) -> list[LabelChip]:
    return [
        LabelChip(
            name=label.name,
            color=label.color,
            count=count,
            href=line.href if label.name == chosen else f"{line.href}?{urlencode({'label': label.name})}",
            is_chosen=label.name == chosen,
        )
        for label, count in label_histogram(services.datasets, pinned)
    ]


def _tiles(services: Services, pinned: Pinned, assets: Sequence[AssetRecord]) -> list[Tile]:
    rows = annotations_of(services.datasets, pinned, [asset.id for asset in assets])
    colors = {label.name: label.color for label in pinned.labels}
    of_asset: dict[str, list[AnnotationRow]] = {asset.id: [] for asset in assets}
    for row in rows_of(columns_from_rows(rows, pinned.labels)):
        of_asset[row.asset].append(row)
    return [_tile(pinned, asset, of_asset[asset.id], colors) for asset in assets]


def _tile(pinned: Pinned, asset: AssetRecord, rows: list[AnnotationRow], colors: dict[str, str]) -> Tile:
    # Small shapes last, so that a large one does not hide them.
    by_size = sorted(rows, key=lambda row: row.bbox.width * row.bbox.height if row.bbox else 0, reverse=True)
    side = max(asset.width, asset.height)
    shapes = [
        drawn(row.shape, color=colors[row.label], title=_title(row), longer_side=side)
        for row in by_size[:MOST_SHAPES_DRAWN]
    ]
    source = f"/api/v1/versions/{pinned.version_id}/assets/{asset.id}"
    return Tile(
        path=asset.path,
        width=asset.width,
        height=asset.height,
        thumbnail_href=f"{source}/thumbnail",
        image_href=f"{source}/image",
        shapes=shapes,
        total=len(rows),
        sentence=_sentence(rows),
    )


def _title(row: AnnotationRow) -> str:
    score = "" if row.score is None else f" {row.score:.2f}"
    kind = kind_of(row.shape)
    return f"{row.label}{score}" + ("" if kind is ShapeKind.BOX else f" ({kind})")


def _sentence(rows: list[AnnotationRow]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.label] = counts.get(row.label, 0) + 1
    return ", ".join(f"{count} {label}" for label, count in counts.items()) or "no annotation"


def _without_empty(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
