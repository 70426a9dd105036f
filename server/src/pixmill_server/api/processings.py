"""Processings: public ones and one's own, shown in the same way."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from pixmill.errors import NotFound
from pixmill.wire.processings import (
    ARCHIVE,
    CopyProcessing,
    Processing,
    ProcessingPage,
    ProcessingSchema,
    ProcessingVersion,
    PushImage,
    PushProcessing,
    SetProcessing,
)
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut
from pixmill_server.processings import copy, queries, records
from pixmill_server.processings.defaults import set_defaults
from pixmill_server.processings.push import push, push_folder
from pixmill_server.processings.push_image import push_image

router = APIRouter(prefix="/processings", tags=["processings"])


async def archive_of(request: Request, _actor: CurrentActor) -> bytes:
    """The whole body, of somebody who is known."""
    return await request.body()


Archive = Annotated[bytes, Depends(archive_of)]


@router.get("")
def list_processings(
    services: Services, actor: CurrentActor, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> ProcessingPage:
    """By name."""
    found = queries.list_processings(services.processings, actor.organization_id)
    page, following = cut(found, key=lambda one: f"{one.name} {one.id}", limit=limit, cursor=cursor)
    return ProcessingPage(items=[_processing(one) for one in page], next_cursor=following)


@router.get("/{name}")
def show_processing(services: Services, actor: CurrentActor, name: str) -> Processing:
    """By name or id."""
    return _processing(queries.find_processing(services.processings, actor.organization_id, name))


@router.get("/{name}/versions/{number}/source", response_class=Response)
def read_processing_source(services: Services, actor: CurrentActor, name: str, number: int) -> Response:
    """The file as it was pushed; of a folder a tar, of an image what was said of it."""
    found = queries.find_processing(services.processings, actor.organization_id, name)
    for version in found.versions:
        if version.number == number:
            source = queries.read_source(services.processings, version)
            return Response(source, media_type=ARCHIVE if version.folder else "text/plain; charset=utf-8")
    raise NotFound("version of the Processing", f"{name}@{number}", hint=f"Its newest is {found.newest.number}.")


@router.post("", status_code=201)
def push_processing(services: Services, actor: CurrentActor, request: PushProcessing) -> Processing:
    """Take a file in. Building its environment may take minutes the first time; the same file again changes nothing."""
    source = request.source.encode()
    return _processing(push(services.processings, actor, source, file_name=request.file_name))


@router.post(
    "/folders",
    status_code=201,
    openapi_extra={
        "requestBody": {"required": True, "content": {ARCHIVE: {"schema": {"type": "string", "format": "binary"}}}}
    },
)
def push_processing_folder(services: Services, actor: CurrentActor, archive: Archive) -> Processing:
    """Take a folder in, with a `pyproject.toml`: a plain tar (ustar) of at most 16 MiB and 1000 files."""
    return _processing(push_folder(services.processings, actor, archive))


@router.post("/{name}/copy", status_code=201)
def copy_processing(services: Services, actor: CurrentActor, name: str, request: CopyProcessing) -> Processing:
    """A private Processing with the same code and packages, under a name of its own."""
    return _processing(copy.copy_processing(services.processings, actor, name, to=request.to))


@router.post("/images", status_code=201)
def push_processing_image(services: Services, actor: CurrentActor, request: PushImage) -> Processing:
    """Take a container image in; without a declaration it is pulled, to read the one that it carries."""
    pushed = push_image(
        services.processings, actor, request.image, flags=request.flags, declaration=request.declaration
    )
    return _processing(pushed)


@router.patch("/{name}")
def set_processing(services: Services, actor: CurrentActor, name: str, request: SetProcessing) -> Processing:
    """Defaults of one's own for launches to come; null takes a Parameter back to its author's default."""
    changed = set_defaults(services.processings, actor, name, parameters=request.parameters, compute=request.compute)
    return _processing(changed)


def _processing(processing: records.Processing) -> Processing:
    newest = processing.newest
    return Processing(
        id=processing.id,
        name=processing.name,
        public=processing.public,
        kind=processing.kind,
        title=processing.title,
        description=processing.description,
        number=newest.number,
        code_digest=newest.code_digest,
        code_schema=ProcessingSchema.model_validate(newest.schema),
        requires=dict(newest.requires),
        defaults=dict(processing.defaults),
        compute=processing.compute,
        versions=[
            ProcessingVersion(id=one.id, number=one.number, code_digest=one.code_digest, created_at=one.created_at)
            for one in processing.versions
        ],
        created_at=processing.created_at,
    )
