"""Assets of a DatasetVersion: pages with annotations, bytes, thumbnails, and the stream of an export."""

import struct
from collections.abc import Iterator, Sequence
from typing import Annotated
from urllib.parse import quote

import msgspec
import pyarrow as pa
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse, StreamingResponse

from pixmill.annotations import Review, Source
from pixmill.errors import InvalidInput
from pixmill.wire.assets import (
    EXPORT_MEDIA_TYPE,
    Asset,
    AssetAnnotation,
    AssetPage,
    ExportEnd,
    ExportHeader,
    ExportImage,
    ExportLabel,
    ExportLot,
    NewSelection,
    Selection,
)
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.api.dependencies import AskedBy, CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from pixmill_server.api.ranges import range_of
from pixmill_server.datasets.exports import export_facts, export_lots
from pixmill_server.datasets.filter_text import filter_of_text
from pixmill_server.datasets.filters import AssetFilter
from pixmill_server.datasets.orders import Order
from pixmill_server.datasets.pictures import picture_of, thumbnail_of
from pixmill_server.datasets.queries import address_of, assets_of_version, pinned, version_by_id
from pixmill_server.datasets.read import annotations_of, asset_by_id, asset_in, assets_from, assets_page, count_assets
from pixmill_server.datasets.records import AssetRecord, Page, Pinned
from pixmill_server.datasets.selections import keep_selection
from pixmill_server.datasets.thumbnails import MEDIA_TYPE as THUMBNAIL_MEDIA_TYPE
from pixmill_server.storage.objects import Digest

router = APIRouter(prefix="/versions/{version_id}", tags=["assets"])

Revision = Annotated[int | None, Query(ge=1, lt=2**31, description="The number of a Revision; none: the newest.")]
# Bytes by digest never change; who may see them is asked each time they are not in the browser's own cache.
_FOREVER = "private, max-age=31536000, immutable"
_FOR_A_WHILE = "private, max-age=60"
_FRAME_LENGTH = struct.Struct(">I")


def filter_asked(  # noqa: PLR0913 - one for each condition
    *,
    label: Annotated[list[str], Query(description="Has an annotation of one of these Labels.")] = [],  # noqa: B006 - FastAPI copies it
    tag: Annotated[list[str], Query(description="Has all of these tags.")] = [],  # noqa: B006 - as above
    name: Annotated[str, Query(description="A part of the path.")] = "",
    annotated: Annotated[bool | None, Query(description="Has at least one annotation, or none.")] = None,
    source: Annotated[list[Source], Query(description="Of the annotation: human, import, run.")] = [],  # noqa: B006 - as above
    review: Annotated[list[Review], Query(description="Of the annotation.")] = [],  # noqa: B006 - as above
    processing: Annotated[list[str], Query(description="The annotation was made by one of these Processings.")] = [],  # noqa: B006 - as above
    run_id: Annotated[str, Query(description="The annotation was made by this Run.")] = "",
    min_score: Annotated[float | None, Query(ge=0, le=1)] = None,
    max_score: Annotated[float | None, Query(ge=0, le=1)] = None,
    selection: Annotated[str, Query(description="Is in this selection.")] = "",
    whole: Annotated[str, Query(alias="filter", description="All of it in one text, in place of the others.")] = "",
) -> AssetFilter:
    """What the query says of assets; what is said of annotations must hold for one and the same."""
    said = AssetFilter(
        tags=tuple(tag),
        name_contains=name,
        annotated=annotated,
        labels=tuple(label),
        sources=tuple(source),
        reviews=tuple(review),
        processings=tuple(processing),
        run_id=run_id,
        min_score=min_score,
        max_score=max_score,
        selection=selection,
    )
    if whole and not said.is_all:
        raise InvalidInput("The filter is said twice.", hint="Say all of it in 'filter', or none.", field="filter")
    return filter_of_text(whole) if whole else said


@router.get("/assets")
def list_assets(
    services: Services,
    actor: CurrentActor,
    version_id: str,
    where: Annotated[AssetFilter, Depends(filter_asked)],
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    revision: Revision = None,
    sort: Annotated[Order, Query(description="Equal ones by path.")] = Order.PATH,
) -> AssetPage:
    """Sorted, each with its annotations; a page costs the same at any position."""
    pinned = _pin(services, actor, version_id, revision)
    page = _page(services, pinned, where, sort, after=decode_cursor(cursor), limit=limit)
    return AssetPage(
        revision=pinned.number,
        total=count_assets(services.datasets, pinned, where),
        items=_assets(services, pinned, page.items),
        next_cursor=page.next_cursor and encode_cursor(page.next_cursor),
    )


@router.post("/selections", status_code=201)
def keep_assets_selected(services: Services, actor: CurrentActor, version_id: str, request: NewSelection) -> Selection:
    """Name some assets together, for `selection=` in a filter; the second time the answer is the same."""
    _pin(services, actor, version_id, None)
    return Selection(id=keep_selection(services.objects, request.assets))


@router.get("/assets/{asset_id}")
def show_asset(
    services: Services, actor: CurrentActor, version_id: str, asset_id: str, revision: Revision = None
) -> Asset:
    """One asset with its annotations."""
    pinned = _pin(services, actor, version_id, revision)
    return _assets(services, pinned, [asset_by_id(services.datasets, pinned, asset_id)])[0]


@router.get("/assets/{asset_id}/image", response_class=Response)
def read_image(
    services: Services,
    actor: CurrentActor,
    version_id: str,
    asset_id: str,
    request: Request,
    revision: Revision = None,
) -> Response:
    """The bytes as they were imported (EXIF orientation is not applied); ranges are answered. An address redirects."""
    pinned = _pin(services, actor, version_id, revision)
    asset = asset_by_id(services.datasets, pinned, asset_id)
    picture = picture_of(services.ingest, asset)
    # The media type was read from the bytes, or told from the name; a browser must not guess.
    media_type = asset.media_type or "application/octet-stream"
    headers = {"Cache-Control": _FOREVER if asset.digest else _FOR_A_WHILE}
    if asset.digest:
        headers["ETag"] = f'"{asset.digest}"'
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
    if picture.path is not None:
        return FileResponse(picture.path, media_type=media_type, headers=headers)
    if picture.digest is None:
        return RedirectResponse(picture.url)
    return _stream_object(services, picture.digest, request, media_type, headers)


@router.get("/assets/{asset_id}/thumbnail", response_class=Response)
def read_thumbnail(
    services: Services,
    asked_by: AskedBy,
    version_id: str,
    asset_id: str,
    revision: Revision = None,
    digest: Annotated[str, Query(description="Of the image: the answer for this one may be kept forever.")] = "",
) -> Response:
    """A small upright picture (WebP, its longer side at most 320 pixels); made when it is first asked for."""
    actor = asked_by()
    with services.database.reading() as session:
        assets = assets_of_version(session, actor.organization_id, version_id, revision)
    asset = asset_in(services.datasets, assets, asset_id)
    content = thumbnail_of(services.ingest, asset)
    kept = _FOREVER if asset.digest and digest == asset.digest else _FOR_A_WHILE
    return Response(content, media_type=THUMBNAIL_MEDIA_TYPE, headers={"Cache-Control": kept})


@router.get("/export", response_class=StreamingResponse)
def export(services: Services, actor: CurrentActor, version_id: str, revision: Revision = None) -> StreamingResponse:
    """Everything of one Revision in the order of paths, as a stream of MessagePack frames (`pixmill.wire.assets`)."""
    pinned = _pin(services, actor, version_id, revision)
    return StreamingResponse(_frames(services, pinned), media_type=EXPORT_MEDIA_TYPE)


def _page(
    services: wiring.Services, pinned: Pinned, where: AssetFilter, order: Order, *, after: str | None, limit: int
) -> Page[AssetRecord]:
    """By path the cursor is a path, which may vanish; in other orders it is a rank, as of a Revision."""
    if order is Order.PATH:
        return assets_page(services.datasets, pinned, after=after, limit=limit, where=where)
    if after is not None and not after.isdecimal():
        raise InvalidInput("The cursor is not of this order.", hint="Start without a cursor.", field="cursor")
    start = int(after or 0)
    page = assets_from(services.datasets, pinned, start=start, limit=limit, where=where, order=order)
    return Page(page.items, page.next_cursor and str(start + len(page.items)))


def _pin(services: wiring.Services, actor: Actor, version_id: str, revision: int | None) -> Pinned:
    with services.database.reading() as session:
        version = version_by_id(session, actor.organization_id, version_id)
        return pinned(session, version.id, revision)


def _assets(services: wiring.Services, pinned: Pinned, assets: Sequence[AssetRecord]) -> list[Asset]:
    names = {label.id: label.name for label in pinned.labels}
    annotations: dict[str, list[AssetAnnotation]] = {asset.id: [] for asset in assets}
    rows: pa.Table = annotations_of(services.datasets, pinned, list(annotations))
    for row in rows.to_pylist():
        annotations[row["asset_id"]].append(_annotation(row, names[row["label_id"]]))
    return [_asset(pinned, asset, annotations[asset.id]) for asset in assets]


def _asset(pinned: Pinned, asset: AssetRecord, annotations: list[AssetAnnotation]) -> Asset:
    here = f"/api/v1/versions/{pinned.version_id}/assets/{quote(asset.id)}"
    return Asset.model_construct(
        id=asset.id,
        path=asset.path,
        digest=asset.digest,
        size_bytes=asset.size_bytes,
        width=asset.width,
        height=asset.height,
        media_type=asset.media_type,
        source_uri=asset.source_uri,
        external_id=None if asset.external_id < 0 else asset.external_id,
        tags=list(asset.tags),
        metadata=dict(asset.metadata),
        created_at=asset.created_at,
        image=f"{here}/image",
        thumbnail=f"{here}/thumbnail",
        annotations=annotations,
    )


def _annotation(row: dict[str, object], label: str) -> AssetAnnotation:
    box = [row[f"bbox_{side}"] for side in ("x", "y", "width", "height")]
    packed, mask = row["attributes"], row["mask"]
    plain = ("id", "kind", "label_id", "score", "area", "coordinates", "rings", "external_id", "source", "run_id")
    told = ("processing", "model", "review", "created_at", "edited_by")
    return AssetAnnotation.model_construct(
        None,
        label=label,
        bbox=None if None in box else box,
        mask=mask.decode("ascii") if isinstance(mask, bytes) else "",
        attributes=msgspec.json.decode(packed) if isinstance(packed, str) and packed else {},
        **{name: row[name] for name in (*plain, *told)},
    )


def _stream_object(
    services: wiring.Services, digest: Digest, request: Request, media_type: str, headers: dict[str, str]
) -> Response:
    size = services.objects.size_of(digest)
    part = range_of(request.headers.get("Range"), size)
    headers |= {"Accept-Ranges": "bytes", "Content-Length": str(part.length)}
    if part.is_partial:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    pieces = services.objects.stream(digest, part.start, part.end)
    return StreamingResponse(pieces, 206 if part.is_partial else 200, headers, media_type)


def _frames(services: wiring.Services, pinned: Pinned) -> Iterator[bytes]:
    facts = export_facts(services.datasets, pinned)
    with services.database.reading() as session:
        address = f"{address_of(session, pinned.version_id)}@{pinned.number}"
    labels = [
        ExportLabel(label.name, label.external_id, label.supercategory, list(label.keypoints), list(label.skeleton))
        for label in facts.labels
    ]
    yield _frame(
        ExportHeader(
            address=address,
            assets=facts.assets,
            annotations=pinned.counts.annotations,
            labels=labels,
            highest_image_id=facts.highest_image_id,
            highest_annotation_id=facts.highest_annotation_id,
        )
    )
    for assets, columns in export_lots(services.datasets, pinned):
        yield _frame(ExportLot([_export_image(asset) for asset in assets], columns.to_bytes()))
    yield _frame(ExportEnd())


def _export_image(asset: AssetRecord) -> ExportImage:
    return ExportImage(
        id=asset.id,
        path=asset.path,
        digest=asset.digest,
        width=asset.width,
        height=asset.height,
        external_id=asset.external_id,
        source_uri=asset.source_uri,
        metadata=dict(asset.metadata),
    )


def _frame(message: msgspec.Struct) -> bytes:
    packed = msgspec.msgpack.encode(message)
    return _FRAME_LENGTH.pack(len(packed)) + packed
