"""Imports whose files are sent one by one and read by the server."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request

from pixmill.errors import NotFound
from pixmill.formats import Findings
from pixmill.wire.import_files import ImportReading, ReceivedFile, ReceivedFilePage
from pixmill.wire.imports import ReasonCount
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.imports import told_report
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from pixmill_server.api.uploads import consume
from pixmill_server.datasets import import_files
from pixmill_server.datasets.finish_import import stored_report
from pixmill_server.datasets.import_reading import Reading, ReadingStage

router = APIRouter(prefix="/imports/{import_id}", tags=["imports"])

_LARGEST_FILE_BYTES = 64 << 30
FilePath = Annotated[str, Query(min_length=1, max_length=4000, description="Relative, with forward slashes.")]


@router.put("/files", status_code=201)
async def send_file(
    services: Services, actor: CurrentActor, import_id: str, path: FilePath, request: Request
) -> ReceivedFile:
    """Send one file of an import: an image, an annotation file, a zip. The same path again replaces it."""

    def keep(pieces: Iterator[bytes]) -> import_files.ReceivedFile:
        return services.imports.receive(actor, import_id, path, pieces)

    kept = await consume(request, keep, highest_bytes=_LARGEST_FILE_BYTES)
    return ReceivedFile(path=kept.path, size_bytes=kept.size_bytes)


@router.get("/files")
def list_files(
    services: Services, actor: CurrentActor, import_id: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> ReceivedFilePage:
    """What is there already, by path."""
    page = import_files.received_files(services.datasets, actor, import_id, after=decode_cursor(cursor), limit=limit)
    return ReceivedFilePage(
        items=[ReceivedFile(path=one.path, size_bytes=one.size_bytes) for one in page.items],
        next_cursor=page.next_cursor and encode_cursor(page.next_cursor),
    )


@router.post("/reading", status_code=202)
def begin_reading(services: Services, actor: CurrentActor, import_id: str) -> ImportReading:
    """Read the files that were sent and commit them as one Revision; goes on where it was interrupted."""
    return _told(services, actor, import_id, services.imports.read(actor, import_id))


@router.get("/reading")
def show_reading(services: Services, actor: CurrentActor, import_id: str) -> ImportReading:
    """How far it is, and at the end what became of everything."""
    found = services.imports.look(actor, import_id)
    if found is None:
        raise NotFound("reading of the import", import_id, hint="Send its files, then ask for it with POST.")
    return _told(services, actor, import_id, found)


def _told(services: wiring.Services, actor: Actor, import_id: str, found: Reading) -> ImportReading:
    report = stored_report(services.datasets, actor, import_id) if found.stage is ReadingStage.FINISHED else None
    outcome = found.outcome
    return ImportReading(
        stage=found.stage.value,
        done=found.done,
        total=found.total,
        format=outcome.format_name,
        images=outcome.images,
        annotations=outcome.annotations,
        left_out=_reasons(outcome.left_out),
        not_held=_reasons(outcome.not_held),
        notes=_reasons(outcome.notes),
        refused=outcome.refused,
        hint=outcome.hint,
        report=told_report(report) if report is not None else None,
    )


def _reasons(findings: Mapping[str, Findings]) -> list[ReasonCount]:
    return [ReasonCount(reason=reason, count=found.count, names=found.names) for reason, found in findings.items()]
