"""Computes: where Runs go."""

from fastapi import APIRouter

from pixmill.wire.computes import Compute, ComputePage, SetCompute
from pixmill_server.accounts.permissions import require_owner
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.api.job_records import limits_of, timeouts_of
from pixmill_server.api.pages import DEFAULT_LIMIT, Cursor, Limit, cut
from pixmill_server.computes import computes as feature

router = APIRouter(prefix="/computes", tags=["computes"])


@router.get("")
def list_computes(
    services: Services, actor: CurrentActor, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> ComputePage:
    """By name."""
    found = feature.list_computes(services.computes, actor.organization_id)
    page, following = cut(found, key=lambda compute: compute.name, limit=limit, cursor=cursor)
    return ComputePage(items=[_compute(compute) for compute in page], next_cursor=following)


@router.get("/{name}")
def show_compute(services: Services, actor: CurrentActor, name: str) -> Compute:
    """By name or id."""
    return _compute(feature.find_compute(services.computes, actor.organization_id, name))


@router.patch("/{name}")
def set_compute(services: Services, actor: CurrentActor, name: str, request: SetCompute) -> Compute:
    """What Runs get and cost from now on."""
    require_owner(actor, "set what a Compute grants and costs")
    change = feature.ComputeChange(
        cpus=request.cpus,
        memory_bytes=request.memory_bytes,
        processes=request.processes,
        scratch_bytes=request.scratch_bytes,
        concurrency=request.concurrency,
        price_per_hour=request.price_per_hour,
        timeouts=limits_of(request.timeouts),
    )
    return _compute(feature.set_compute(services.computes, actor.organization_id, name, change))


def _compute(compute: feature.Compute) -> Compute:
    return Compute(
        id=compute.id,
        name=compute.name,
        executor=compute.executor,
        cpus=compute.cpus,
        memory_bytes=compute.memory_bytes,
        processes=compute.processes,
        scratch_bytes=compute.scratch_bytes,
        gpus=compute.gpus,
        concurrency=compute.concurrency,
        timeouts=timeouts_of(compute.timeouts),
        price_per_hour=compute.price_per_hour,
    )
