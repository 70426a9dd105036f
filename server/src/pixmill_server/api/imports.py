"""Imports: sessions, chunks, bytes, and the commit at the end."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Request

from pixmill.errors import InvalidInput
from pixmill.wire.imports import (
    BeginImport,
    FinishImport,
    Import,
    ImportReport,
    ReasonCount,
    StagedImages,
    StageImages,
    StoredObject,
)
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.uploads import consume
from pixmill_server.datasets import finish_import
from pixmill_server.datasets.changes import Existing
from pixmill_server.datasets.finish_import import FinishWish, ImportedLabel, Reasons
from pixmill_server.datasets.imports import ChunkAnswer, ImportWish, begin_import, stage_annotations, stage_images
from pixmill_server.datasets.ingest import Offered
from pixmill_server.storage.objects import require_digest

router = APIRouter(tags=["imports"])

_LARGEST_IMAGE_BYTES = 2 << 30
_LARGEST_CHUNK_BYTES = 256 << 20
ChunkIndex = Annotated[int, Path(ge=0, lt=1_000_000)]


@router.post("/imports", status_code=201)
def begin(services: Services, actor: CurrentActor, request: BeginImport) -> Import:
    """Open an import, or go on with the one that was begun under this key and never finished."""
    wish = ImportWish(
        address=request.to,
        key=request.key,
        format_name=request.format,
        existing=Existing(request.existing),
        replace_images=request.replace_images,
    )
    opened = begin_import(services.datasets, actor, wish)
    return Import(id=opened.id, staged=list(opened.staged))


@router.put("/imports/{import_id}/images/{index}")
async def stage_image_chunk(
    services: Services, actor: CurrentActor, import_id: str, index: ChunkIndex, request: Request
) -> StagedImages:
    """Check and stage a chunk of images; where bytes are missing, nothing is: send them, then the chunk again.

    The body is JSON: `{"images": [{"path", "digest" or "source_uri", "width", "height", "external_id", "metadata"}]}`.
    """

    def stage(pieces: Iterator[bytes]) -> ChunkAnswer:
        offered = [
            Offered(
                path=image.path,
                digest=image.digest,
                source_uri=image.source_uri,
                width=image.width,
                height=image.height,
                external_id=image.external_id,
                metadata=image.metadata,
            )
            for image in _decode_images(b"".join(pieces)).images
        ]
        return stage_images(services.ingest, actor, import_id, index, offered)

    answer = await consume(request, stage, highest_bytes=_LARGEST_CHUNK_BYTES)
    return StagedImages(missing=list(answer.missing), refused=answer.refused)


@router.put("/imports/{import_id}/annotations/{index}", status_code=204)
async def stage_annotation_chunk(
    services: Services, actor: CurrentActor, import_id: str, index: ChunkIndex, request: Request
) -> None:
    """Stage `AnnotationColumns` as MessagePack, keyed by path; the same chunk again replaces it."""
    await consume(
        request,
        lambda pieces: stage_annotations(services.datasets, actor, import_id, index, b"".join(pieces)),
        highest_bytes=_LARGEST_CHUNK_BYTES,
    )


@router.post("/imports/{import_id}/finish")
def finish(services: Services, actor: CurrentActor, import_id: str, request: FinishImport) -> ImportReport:
    """Commit everything that was staged, in one Revision; the second time, the first report again."""
    wish = FinishWish(
        image_chunks=request.image_chunks,
        annotation_chunks=request.annotation_chunks,
        labels=[ImportedLabel(**label.model_dump()) for label in request.labels],
        summary=request.summary,
    )
    report = finish_import.finish_import(services.datasets, actor, import_id, wish)
    services.thumbnails.make_for(report.version_id, report.number)
    return told_report(report)


@router.put("/objects/{digest}", status_code=201)
async def upload_object(services: Services, _actor: CurrentActor, digest: str, request: Request) -> StoredObject:
    """Send bytes; kept only where they have this BLAKE3 digest."""
    wanted = require_digest(digest)
    await consume(
        request, lambda pieces: services.objects.put(pieces, expected=wanted), highest_bytes=_LARGEST_IMAGE_BYTES
    )
    return StoredObject(digest=wanted, size_bytes=services.objects.size_of(wanted))


def told_report(report: finish_import.ImportReport) -> ImportReport:
    """As it is told."""
    return ImportReport(
        version_id=report.version_id,
        revision=report.number,
        changed=report.changed,
        added_assets=report.added_assets,
        unchanged_assets=report.unchanged_assets,
        added_annotations=report.added_annotations,
        new_labels=list(report.new_labels),
        refused=_reasons(report.refused),
        skipped=_reasons(report.skipped),
        notes=_reasons(report.notes),
    )


def _decode_images(packed: bytes) -> StageImages:
    try:
        return msgspec.json.decode(packed, type=StageImages)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"This is no chunk of images: {error}.", hint="Send it as the reference says.") from error


def _reasons(reasons: Reasons) -> list[ReasonCount]:
    return [
        ReasonCount(reason=reason, count=count, names=reasons.names[reason]) for reason, count in reasons.counts.items()
    ]
