"""The viewer of one asset: its image with all shapes, what is known of each, and its neighbours under the filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
from fastapi import Request
from fastapi.responses import Response
from markupsafe import Markup

from pixmill.annotations import Source, is_json_object
from pixmill_server.accounts.users import user_names
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.filters import AssetFilter, ranking
from pixmill_server.datasets.orders import Order
from pixmill_server.datasets.queries import find_version, pinned
from pixmill_server.datasets.read import annotations_of, asset_by_id, rank_of
from pixmill_server.datasets.records import AssetRecord, Pinned
from pixmill_server.jobs.queries import places_of_runs
from pixmill_server.web.grid_query import grid_query
from pixmill_server.web.page import Services, Visitor, page_router, render

SHOWN_BY_BROWSERS: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/bmp"})
_DIGEST_DIGITS: Final = 16
_REMOTE: Final = frozenset({"http", "https"})
# In a page's script element, no text may end it; in JSON these letters can be written as numbers everywhere.
_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}

router = page_router()


@dataclass(frozen=True, slots=True)
class VersionState:
    """Where the asset is, as it is shown."""

    id: str
    address: str
    revision: int
    locked: bool


@dataclass(frozen=True, slots=True)
class AssetState:
    """The image; width and height are display pixels."""

    id: str
    path: str
    width: int
    height: int
    image: str
    """Empty where a browser may not load it."""
    thumbnail: str
    download: str
    unseen: str
    """Why the image is not shown as it is; empty where it is."""


@dataclass(frozen=True, slots=True)
class LabelState:
    """One Label of the version, in their order."""

    name: str
    color: str


@dataclass(frozen=True, slots=True)
class RunState:
    """What made a shape; `href` is empty where its Job is gone."""

    name: str
    href: str


@dataclass(frozen=True, slots=True)
class ShapeState:
    """One annotation; its coordinates are laid out as in `pixmill.annotations.columns`."""

    key: str
    kind: str
    label: str
    bbox: Sequence[float] | None
    coordinates: Sequence[float]
    rings: Sequence[int]
    mask: str
    score: float | None
    source: str
    review: str
    run: RunState | None
    attributes: msgspec.Raw
    """A JSON object."""
    edited_by: str
    """The name of who reviewed or edited it last; empty for nobody."""


@dataclass(frozen=True, slots=True)
class ViewerState:
    """All that the page's modules are told."""

    href: str
    version: VersionState
    asset: AssetState
    labels: Sequence[LabelState]
    shapes: Sequence[ShapeState]
    facts: str
    place: int | None
    """Among the assets of the filter, from 0; None: the filter does not mean this one (any more)."""
    total: int
    previous: str | None
    next: str | None


@router.get("/datasets/{dataset}/{version}/assets/{asset_id}")
def viewer_page(
    request: Request, services: Services, visitor: Visitor, dataset: str, version: str, asset_id: str
) -> Response:
    """The query is the grid's own: previous and next are what it shows before and after."""
    with services.database.reading() as session:
        row = find_version(session, visitor.organization_id, VersionAddress(dataset, version, None))
        head = pinned(session, row.id)
        locked = row.locked
    asset = asset_by_id(services.datasets, head, asset_id)
    grid = grid_query(request.query_params.multi_items())
    around = _around(services, head, asset, grid.where, grid.order)
    here = f"/datasets/{quote(dataset, safe='')}/{quote(version, safe='')}"
    before, after = (grid.after(f"{here}/assets/{name}") if name else None for name in (around.before, around.after))
    state = ViewerState(
        href=grid.after(f"{here}/assets/{asset.id}"),
        version=VersionState(head.version_id, f"{dataset}/{version}", head.number, locked),
        asset=_asset(head, asset),
        labels=[LabelState(item.name, item.color) for item in head.labels],
        shapes=_shapes(services, head, asset),
        facts=_facts(asset),
        place=around.place,
        total=around.total,
        previous=before,
        next=after,
    )
    return render(
        request,
        "viewer.html",
        state=state,
        json=_in_page(state),
        grid_href=grid.after(here),
        review_href=grid.after(f"{here}/review"),
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """Where an asset is among those of a filter; ids are empty where there is none."""

    place: int | None
    total: int
    before: str
    after: str


def _around(services: Services, head: Pinned, asset: AssetRecord, where: AssetFilter, order: Order) -> _Around:
    table = services.datasets.tables.open(head.assets)
    chosen = ranking(services.datasets, head, where, order)
    place = rank_of(services.datasets, head, asset, where=where, order=order)
    behind = -1 if place is None else place
    if place is None and order is Order.PATH:
        # An asset that the filter does not mean lies between those that it means.
        behind = chosen.rank_after(table, asset.path) - 1
    wanted = (behind if place is None else behind - 1, behind + 1)
    before, after = (
        chosen.take(table, rank, 1, ["id"])["id"][0].as_py() if 0 <= rank < len(chosen) else "" for rank in wanted
    )
    return _Around(place, len(chosen), before, after)


def _asset(head: Pinned, asset: AssetRecord) -> AssetState:
    source = f"/api/v1/versions/{head.version_id}/assets/{quote(asset.id)}"
    # Part of the digest in the address, so that an image that is replaced is not found in the browser's cache.
    image = f"{source}/image" + (f"?digest={asset.digest[:_DIGEST_DIGITS]}" if asset.digest else "")
    shown, thumbnail, unseen = image, f"{source}/thumbnail", ""
    if not asset.digest and urlsplit(asset.source_uri).scheme in _REMOTE:
        shown, thumbnail, unseen = "", "", f"The image lies at {asset.source_uri}, which Pixmill's pages do not load."
    elif asset.media_type and asset.media_type not in SHOWN_BY_BROWSERS:
        shown, unseen = "", f"Browsers do not show {asset.media_type}: this is the small picture of it."
    return AssetState(asset.id, asset.path, asset.width, asset.height, shown, thumbnail, image, unseen)


def _shapes(services: Services, head: Pinned, asset: AssetRecord) -> list[ShapeState]:
    rows = annotations_of(services.datasets, head, [asset.id]).to_pylist()
    with services.database.reading() as session:
        places = places_of_runs(session, list({row["run_id"] for row in rows if row["run_id"]}))
    names = user_names(services.accounts, {row["edited_by"] for row in rows if row["edited_by"]})
    labels = {label.id: label.name for label in head.labels}
    return [_shape(row, labels[row["label_id"]], places, names) for row in rows]


def _shape(
    row: Mapping[str, Any], label: str, places: Mapping[str, tuple[str, int]], names: Mapping[str, str]
) -> ShapeState:
    box = [row[f"bbox_{side}"] for side in ("x", "y", "width", "height")]
    run_id = row["run_id"]
    run = None
    if row["source"] == str(Source.RUN):
        job, number = places.get(run_id, ("", 0))
        made_by = ", ".join(row[name] for name in ("processing", "model") if row[name])
        run = RunState(made_by or "a Run", f"/jobs/{job}?run={number}" if job else "")
    told = {name: row[name] for name in ("kind", "coordinates", "rings", "score", "source", "review")}
    return ShapeState(
        key=row["id"],
        label=label,
        bbox=None if None in box else box,
        mask=row["mask"].decode("ascii"),
        run=run,
        attributes=_attributes(row["attributes"]),
        edited_by=names.get(row["edited_by"], ""),
        **told,
    )


def _attributes(text: str | None) -> msgspec.Raw:
    # Stored by whatever version: what is not exactly one object must not become part of the page's own state.
    packed = (text or "{}").encode()
    return msgspec.Raw(packed if is_json_object(packed) else b"{}")


def _facts(asset: AssetRecord) -> str:
    parts = [f"{asset.width} \u00d7 {asset.height}"]
    if asset.size_bytes:
        parts.append(f"{asset.size_bytes / 1000:.0f} kB")
    parts += [asset.media_type.removeprefix("image/"), *(f"#{tag}" for tag in asset.tags)]
    return " \u00b7 ".join(part for part in parts if part)


def _in_page(state: ViewerState) -> Markup:
    text = msgspec.json.encode(state).decode()
    for letter, written in _ESCAPES.items():
        text = text.replace(letter, written)
    return Markup(text)  # noqa: S704 - JSON in which nothing can end the element around it
