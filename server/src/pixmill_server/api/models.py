"""Models, ModelVersions and their files."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from pixmill.errors import NotFound
from pixmill.wire.models import Model, ModelFile, ModelPage, ModelVersion, PushModelVersion, UploadedFile
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut
from pixmill_server.api.uploads import consume
from pixmill_server.model_registry import queries, records
from pixmill_server.model_registry.push import push
from pixmill_server.storage.objects import Digest, require_digest

router = APIRouter(tags=["models"])

_LARGEST_FILE_BYTES = 64 << 30
FileDigest = Annotated[str, Path(description="BLAKE3 of the bytes: 64 hexadecimal digits.")]


@router.get("/models")
def list_models(
    services: Services, actor: CurrentActor, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> ModelPage:
    """By name, each with its versions, newest first."""
    found = queries.list_models(services.registry, actor.organization_id)
    page, following = cut(found, key=lambda model: model.name, limit=limit, cursor=cursor)
    return ModelPage(items=[_model(model) for model in page], next_cursor=following)


@router.get("/models/{name}")
def show_model(services: Services, actor: CurrentActor, name: str) -> Model:
    """By name or id."""
    return _model(queries.find_model(services.registry, actor.organization_id, name))


@router.get("/model-versions")
def find_model_version(
    services: Services,
    actor: CurrentActor,
    address: Annotated[str, Query(description="`model/version`, or `model` for its newest.")],
) -> ModelVersion:
    """By address."""
    return model_version(queries.find_model_version(services.registry, actor.organization_id, address))


@router.get("/model-versions/{model_version_id}")
def show_model_version(services: Services, actor: CurrentActor, model_version_id: str) -> ModelVersion:
    """By id."""
    return model_version(queries.find_model_version(services.registry, actor.organization_id, model_version_id))


@router.post("/model-versions", status_code=201)
def push_model_version(services: Services, actor: CurrentActor, request: PushModelVersion) -> ModelVersion:
    """A new ModelVersion of files that were sent before; the very same again is given back as it is."""
    wish = records.NewModelVersion(
        model=request.model,
        version=request.version,
        task=request.task,
        framework=records.Framework(request.framework),
        family=request.family,
        labels=tuple(request.labels),
        files=tuple((file.name, file.digest) for file in request.files),
        parameters=request.parameters,
        licence=request.licence,
    )
    return model_version(push(services.registry, actor, wish))


@router.get("/model-versions/{model_version_id}/files/{file:path}")
def read_model_file(services: Services, actor: CurrentActor, model_version_id: str, file: str) -> Response:
    """The bytes of one file."""
    found = queries.find_model_version(services.registry, actor.organization_id, model_version_id)
    for one in found.files:
        if one.name == file:
            pieces = services.objects.stream(Digest(one.digest))
            headers = {"Content-Length": str(one.size_bytes)}
            return StreamingResponse(pieces, media_type="application/octet-stream", headers=headers)
    raise NotFound("file", file, hint=f"'{found.address}' has {', '.join(one.name for one in found.files)}.")


@router.get("/model-files/{digest}")
def probe_model_file(services: Services, _actor: CurrentActor, digest: FileDigest) -> UploadedFile:
    """Whether these bytes are there already, so that an upload can be left out or begun again."""
    wanted = require_digest(digest)
    return UploadedFile(digest=wanted, size_bytes=services.objects.size_of(wanted))


@router.put("/model-files/{digest}", status_code=201)
async def upload_model_file(
    services: Services, _actor: CurrentActor, digest: FileDigest, request: Request
) -> UploadedFile:
    """Send bytes; kept only where they have this digest. Once a ModelVersion names them, they are its file."""
    wanted = require_digest(digest)
    await consume(
        request, lambda pieces: services.objects.put(pieces, expected=wanted), highest_bytes=_LARGEST_FILE_BYTES
    )
    return UploadedFile(digest=wanted, size_bytes=services.objects.size_of(wanted))


def model_version(version: records.ModelVersion) -> ModelVersion:
    """As it is told."""
    return ModelVersion(
        id=version.id,
        address=version.address,
        model=version.model,
        version=version.version,
        task=version.task,
        framework=version.framework.value,
        family=version.family,
        labels=list(version.labels),
        parameters=version.parameters,
        licence=version.licence,
        source=version.source,
        files=[ModelFile(name=file.name, digest=file.digest, size_bytes=file.size_bytes) for file in version.files],
        created_at=version.created_at,
    )


def _model(model: records.Model) -> Model:
    versions = [model_version(version) for version in model.versions]
    return Model(id=model.id, name=model.name, created_at=model.created_at, versions=versions)
