"""One window of the Assets grid: thumbnails with their shapes drawn to scale in the colours of their Labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pixmill.annotations import AnnotationRow, ShapeKind, kind_of, rows_of
from pixmill_server.datasets.read import annotations_of, remember
from pixmill_server.datasets.records import AssetRecord, Pinned
from pixmill_server.datasets.rows import columns_from_rows
from pixmill_server.datasets.stores import Datasets
from pixmill_server.web.drawing import drawn

MOST_SHAPES_DRAWN = 200
"""On one thumbnail; more would hide the image."""


_NO_COLOR = "#808080"


@dataclass(frozen=True, slots=True)
class Tile:
    """One asset of the grid."""

    id: str
    place: int
    """Among all of the filter, from 1 on."""
    path: str
    name: str
    """The last part of the path."""
    width: int
    height: int
    thumbnail_href: str
    shapes: Markup
    """SVG, the largest first."""
    total: int
    tags: str
    sentence: str
    """What is on it, for who does not see it."""


def tiles(datasets: Datasets, pinned: Pinned, assets: Sequence[AssetRecord], *, first: int) -> list[Tile]:
    """For assets that follow each other, from the place `first` (1 for the first) on."""
    remember(datasets, pinned, assets)
    rows = annotations_of(datasets, pinned, [asset.id for asset in assets])
    of_asset: dict[str, list[AnnotationRow]] = {asset.id: [] for asset in assets}
    for row in rows_of(columns_from_rows(rows, pinned.labels)):
        of_asset[row.asset].append(row)
    return [tile(pinned, asset, of_asset[asset.id], place=place) for place, asset in enumerate(assets, start=first)]


def tile(pinned: Pinned, asset: AssetRecord, rows: Sequence[AnnotationRow], *, place: int) -> Tile:
    """One asset with these shapes on it; one whose Label is gone is drawn in grey."""
    colors = {label.name: label.color for label in pinned.labels}
    # Small shapes last, so that a large one does not hide them.
    by_size = sorted(rows, key=lambda row: row.bbox.width * row.bbox.height if row.bbox else 0, reverse=True)
    side = max(asset.width, asset.height)
    shapes = "".join(
        drawn(row.shape, color=colors.get(row.label, _NO_COLOR), title=_title(row), longer_side=side)
        for row in by_size[:MOST_SHAPES_DRAWN]
    )
    digest = f"?digest={asset.digest}" if asset.digest else ""
    return Tile(
        id=asset.id,
        place=place,
        path=asset.path,
        name=asset.path.rpartition("/")[2],
        width=asset.width,
        height=asset.height,
        thumbnail_href=f"/api/v1/versions/{pinned.version_id}/assets/{asset.id}/thumbnail{digest}",
        shapes=Markup(shapes),  # noqa: S704 - each of them is markup
        total=len(rows),
        tags=", ".join(asset.tags),
        sentence=_sentence(rows),
    )


def _title(row: AnnotationRow) -> str:
    score = "" if row.score is None else f" {row.score:.2f}"
    kind = kind_of(row.shape)
    return f"{row.label}{score}" + ("" if kind is ShapeKind.BOX else f" ({kind})")


def _sentence(rows: Sequence[AnnotationRow]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.label] = counts.get(row.label, 0) + 1
    return ", ".join(f"{count} {label}" for label, count in counts.items()) or "no annotation"
