"""The Run protocol: the endpoints that a supervisor speaks to (see `pixmill.wire.runtime`)."""

from collections.abc import Iterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, ValidationError

from pixmill.errors import InvalidInput, NotFound, NotSignedIn
from pixmill.wire import runtime as wire
from pixmill.wire.processings import ARCHIVE
from pixmill_server.api.dependencies import Services
from pixmill_server.api.uploads import allow_body, consume
from pixmill_server.datasets.pictures import Picture, picture_of
from pixmill_server.datasets.records import AssetRecord
from pixmill_server.jobs import read_versions, supervise
from pixmill_server.jobs.added import OfferedAsset, check_added
from pixmill_server.jobs.events import Event, add_events
from pixmill_server.jobs.finish import finish
from pixmill_server.jobs.lifecycle import ChildEnd, ChildError
from pixmill_server.jobs.metrics import Sample
from pixmill_server.jobs.pins import PinnedModel
from pixmill_server.jobs.queue import HEARTBEAT_SECONDS, authorize, held, started
from pixmill_server.jobs.supervise import Caller
from pixmill_server.jobs.timeouts import Timeout
from pixmill_server.processings.records import Folder
from pixmill_server.processings.secrets import values_of
from pixmill_server.storage.objects import Digest

router = APIRouter(prefix="/runtime/runs/{run_id}", tags=["runtime"])
FENCE_HEADER = wire.FENCE_HEADER
_LARGEST_BODY_BYTES = 2 << 30
_LARGEST_IMAGE_BYTES = 256 << 20
_bearer = HTTPBearer(auto_error=False, scheme_name="RunToken", description="The token of one Run.")


def caller_of(
    services: Services,
    run_id: str,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    fence: Annotated[int, Header(alias=wire.FENCE_HEADER)],
) -> Caller:
    """The supervisor that speaks."""
    if bearer is None:
        raise NotSignedIn("A Run's token is needed here.")
    with services.database.reading() as session:
        authorize(session, run_id, token=bearer.credentials, fence=fence)
    return Caller(run_id, fence)


CurrentCaller = Annotated[Caller, Depends(caller_of)]


class _Part(BaseModel):
    after: str = ""
    """The path before the first asset; "": from the start."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


VersionPart = Annotated[_Part, Query()]


async def body_of(request: Request, _caller: CurrentCaller) -> bytes:
    """The whole body: log bytes, or one chunk's results. Read only once the caller is known to be the Run's own."""
    allow_body(request, _LARGEST_BODY_BYTES)
    return await request.body()


Body = Annotated[bytes, Depends(body_of)]


@router.get("/plan")
def show_plan(services: Services, caller: CurrentCaller) -> wire.RunPlan:
    """All that the supervisor has to know."""
    return _plan(services, caller, supervise.plan_of(services.jobs, caller))


@router.post("/heartbeat")
def heartbeat(services: Services, caller: CurrentCaller, beat: wire.Heartbeat) -> wire.HeartbeatAnswer:
    """Keeps the lease alive; the answer may say *cancel*."""
    progress = {**beat.progress.model_dump(), "images_per_second": beat.images_per_second}
    told = beat.sample
    sample = Sample(told.cpus, told.memory_bytes, beat.images_per_second, told.log_lag_bytes) if told else None
    cancel = supervise.heartbeat(services.jobs, caller, progress=progress, facts=beat.facts, sample=sample)
    return wire.HeartbeatAnswer(cancel=cancel)


@router.post("/started", status_code=204)
def run_started(services: Services, caller: CurrentCaller, sign: wire.Started) -> None:
    """The child's first sign of life: the Run is `running`."""
    with services.database.transaction() as session:
        facts = {"sandbox": sign.sandbox, "pid": sign.pid}
        started(session, caller.run_id, caller.fence, now=services.clock.now(), facts=facts)


@router.post("/chunks/claim")
def claim_chunk(services: Services, caller: CurrentCaller, wish: wire.ClaimChunk | None = None) -> wire.ChunkAnswer:
    """The next piece of work; the same one again where `after` is the same."""
    claimed = supervise.next_chunk(services.jobs, caller, after=wish.after if wish else None)
    if claimed is None:
        return wire.ChunkAnswer()
    assets = [_asset(services, _base(caller), record) for record in claimed.assets]
    return wire.ChunkAnswer(chunk=wire.Chunk(index=claimed.index, assets=assets))


@router.get("/chunks/{index}/annotations")
def read_annotations(services: Services, caller: CurrentCaller, index: int) -> Response:
    """The annotations of the chunk's assets, by id, as `AnnotationColumns`; without rejected ones."""
    packed = supervise.chunk_annotations(services.jobs, caller, index)
    return Response(packed, media_type="application/octet-stream")


@router.post("/images")
async def put_image(services: Services, caller: CurrentCaller, request: Request) -> wire.StoredImage:
    """Keep an image for the version that the Run makes; it is checked when the chunk is staged that it is for."""

    def keep(pieces: Iterator[bytes]) -> Digest:
        supervise.require_makes_version(services.jobs, caller)
        return services.objects.put(pieces)

    return wire.StoredImage(digest=await consume(request, keep, highest_bytes=_LARGEST_IMAGE_BYTES))


@router.put("/chunks/{index}", status_code=204)
def stage_chunk(services: Services, caller: CurrentCaller, index: int, body: Body) -> None:
    """What became of a chunk; nothing of it is visible before the Run commits."""
    staged = _staged(body)
    told = supervise.StagedOutcome(
        done=staged.done,
        failed=[
            supervise.NotDone(each.asset_id, each.reason, each.traceback, each.log_offset) for each in staged.failed
        ],
        skipped=[supervise.NotDone(each.asset_id, each.reason) for each in staged.skipped],
        annotations=staged.annotations,
        tags=staged.tags,
        metadata=staged.metadata,
        dropped=staged.dropped,
        retried=staged.retried,
        partial=staged.partial,
        added=check_added(services.ingest, [_offered(each) for each in staged.added], staged.added_annotations),
    )
    supervise.stage_chunk(services.jobs, caller, index, told)


@router.put("/log")
def append_log(
    services: Services, caller: CurrentCaller, body: Body, offset: Annotated[int, Query(ge=0)]
) -> wire.LogPosition:
    """Bytes of the log from `offset` on."""
    return wire.LogPosition(next_offset=services.jobs.logs.append(caller.run_id, offset, body))


@router.post("/events", status_code=204)
def add_run_events(services: Services, caller: CurrentCaller, events: list[wire.RunEvent]) -> None:
    """What Pixmill itself has to say."""
    with services.database.transaction() as session:
        held(session, caller.run_id, caller.fence)
        add_events(
            session,
            caller.run_id,
            [Event(event.offset, event.at, event.kind, event.message, event.facts) for event in events],
        )


@router.post("/finish")
def finish_run(services: Services, caller: CurrentCaller, told: wire.Finish) -> wire.FinishAnswer:
    """The child has ended; the answer is how the Run did."""
    error = ChildError(told.error.type, told.error.message, told.error.traceback) if told.error else None
    child = ChildEnd(told.exit_code, told.signal, returned=told.returned, error=error, limit=told.limit)
    return wire.FinishAnswer(status=finish(services.jobs, caller, child).value)


@router.get("/source")
def read_source(services: Services, caller: CurrentCaller) -> Response:
    """The code of the Processing; of a folder a tar."""
    processing = supervise.plan_of(services.jobs, caller).processing
    content = services.objects.get(Digest(processing.source_key))
    return Response(content, media_type=ARCHIVE if processing.folder else "text/x-python")


@router.get("/models/{name:path}")
def read_pinned_file(services: Services, caller: CurrentCaller, name: str) -> StreamingResponse:
    """A file of the ModelVersion."""
    model = supervise.plan_of(services.jobs, caller).model
    for file in model.files if model else ():
        if file.name == name:
            return StreamingResponse(
                services.objects.stream(Digest(file.digest)), media_type="application/octet-stream"
            )
    raise NotFound("file of the model", name)


@router.get("/assets/{asset_id}")
def read_asset(services: Services, caller: CurrentCaller, asset_id: str) -> Response:
    """The bytes of an image of the Run's input Revision."""
    return _image(services, supervise.asset_of(services.jobs, caller, asset_id))


@router.get("/versions/{parameter}/assets")
def read_version_assets(
    services: Services, caller: CurrentCaller, parameter: str, part: VersionPart
) -> wire.VersionAssets:
    """Assets of another version that the Run may read, by path."""
    read = supervise.other_version(services.jobs, caller, parameter)
    page = read_versions.read_assets(services.datasets, read, after=part.after, limit=part.limit)
    base = f"{_base(caller)}/versions/{parameter}"
    return wire.VersionAssets(assets=[_asset(services, base, each) for each in page.items], next=page.next_cursor)


@router.get("/versions/{parameter}/annotations")
def read_version_annotations(services: Services, caller: CurrentCaller, parameter: str, part: VersionPart) -> Response:
    """The annotations of the same assets, by id, as `AnnotationColumns`; without rejected ones."""
    read = supervise.other_version(services.jobs, caller, parameter)
    packed = read_versions.read_annotations(services.datasets, read, after=part.after, limit=part.limit)
    return Response(packed, media_type="application/octet-stream")


@router.get("/versions/{parameter}/assets/{asset_id}")
def read_version_asset(services: Services, caller: CurrentCaller, parameter: str, asset_id: str) -> Response:
    """The bytes of one of their images."""
    read = supervise.other_version(services.jobs, caller, parameter)
    return _image(services, read_versions.read_asset(services.datasets, read, asset_id))


def _image(services: Services, record: AssetRecord) -> Response:
    picture = picture_of(services.ingest, record)
    if picture.path is not None:
        return FileResponse(picture.path)
    if picture.digest is None:
        raise NotFound("image", record.path, hint=f"It lies at {picture.url}, which the server does not fetch.")
    return StreamingResponse(services.objects.stream(picture.digest), media_type=record.media_type)


def _folder(folder: Folder | None) -> wire.PlannedFolder | None:
    return None if folder is None else wire.PlannedFolder(module=folder.module, root=folder.root)


def _offered(told: wire.StagedAsset) -> OfferedAsset:
    return OfferedAsset(told.origin, told.path, told.digest, told.tags, told.metadata)


def _plan(services: Services, caller: Caller, plan: supervise.RunPlan) -> wire.RunPlan:
    run, processing = plan.run, plan.processing
    batch_size = 0 if processing.whole_version else int(run.parameters["batch_size"])
    return wire.RunPlan(
        job_id=run.job_id,
        run_id=run.id,
        run_number=run.number,
        processing=wire.PlannedProcessing(
            name=processing.name,
            form=processing.schema["form"],
            entry=processing.schema["entry"],
            batch_size=batch_size,
            code_digest=run.code_digest,
            source_url=f"{_base(caller)}/source",
            requires_network=processing.schema["requires_network"],
            new_version=processing.schema.get("new_version", ""),
            reads_annotations=processing.reads_annotations,
            folder=_folder(processing.folder),
        ),
        parameters=run.parameters,
        model=_model(services, caller, plan.model) if plan.model else None,
        model_parameter=processing.model_parameter,
        versions=_versions(plan),
        wanted_classes=None if plan.wanted is None else list(plan.wanted),
        label_map=run.label_map,
        labels=run.labels,
        version=plan.version,
        totals=wire.PlannedTotals(assets=run.assets, chunks=plan.chunks),
        limits=_limits(plan),
        heartbeat_seconds=HEARTBEAT_SECONDS,
        secrets=values_of(services.secrets, plan.organization_id, processing.secrets),
        failures_allowed=plan.failures_allowed,
    )


def _limits(plan: supervise.RunPlan) -> wire.PlannedLimits:
    return wire.PlannedLimits(
        cpus=plan.cpus,
        memory_bytes=plan.memory_bytes,
        gpus=plan.gpus,
        running_seconds=plan.run.timeouts.get(Timeout.RUNNING),
        progress_seconds=plan.run.timeouts.get(Timeout.PROGRESS),
        processes=plan.processes,
        scratch_bytes=plan.scratch_bytes,
    )


def _versions(plan: supervise.RunPlan) -> list[wire.PlannedVersion]:
    return [
        wire.PlannedVersion(
            parameter=parameter, name=address, labels=[label.name for label in read.labels], assets=read.counts.assets
        )
        for parameter, address, read in plan.read_versions
    ]


def _model(services: Services, caller: Caller, model: PinnedModel) -> wire.PlannedModel:
    files = []
    for file in model.files:
        path = services.objects.local_path(Digest(file.digest))
        files.append(
            wire.PlannedFile(
                name=file.name,
                digest=file.digest,
                size_bytes=file.size_bytes,
                path=str(path) if path else None,
                url=f"{_base(caller)}/models/{file.name}",
            )
        )
    return wire.PlannedModel(
        name=model.name,
        task=model.task,
        framework=model.framework,
        family=model.family,
        labels=list(model.labels),
        parameters=dict(model.parameters),
        files=files,
    )


def _asset(services: Services, base: str, record: AssetRecord) -> wire.ChunkAsset:
    try:
        picture = picture_of(services.ingest, record)
    except NotFound:
        # Whoever reads it is told why, by `read_asset`.
        picture = Picture()
    return wire.ChunkAsset(
        id=record.id,
        path=record.path,
        width=record.width,
        height=record.height,
        digest=record.digest,
        size_bytes=record.size_bytes,
        tags=list(record.tags),
        media_type=record.media_type,
        local_path=str(picture.path) if picture.path else None,
        url=picture.url or f"{base}/assets/{record.id}",
    )


def _base(caller: Caller) -> str:
    return f"/api/v1/runtime/runs/{caller.run_id}"


def _staged(body: bytes) -> wire.StagedChunk:
    try:
        return wire.StagedChunk.model_validate(msgspec.msgpack.decode(body))
    except (msgspec.DecodeError, ValidationError) as error:
        raise InvalidInput(f"The staged chunk cannot be read: {error}.") from error
