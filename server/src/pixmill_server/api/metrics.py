"""Metrics: of one Run over time, and of the whole installation for Prometheus."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from pixmill.wire import jobs as wire
from pixmill_server.api.dependencies import CurrentActor, Services, actor_of_request
from pixmill_server.jobs.metrics import metrics_of
from pixmill_server.jobs.queries import find_job, find_run

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(prefix="/jobs", tags=["jobs"])
root_router = APIRouter()
"""Where Prometheus looks: not below the API's prefix."""


@router.get("/{job_id}/runs/{number}/metrics")
def show_run_metrics(services: Services, actor: CurrentActor, job_id: str, number: int) -> wire.RunMetrics:
    """CPUs, memory and images per second over time, in at most 360 points."""
    with services.database.reading() as session:
        run = find_run(session, find_job(session, actor.organization_id, job_id).id, number)
        found = metrics_of(session, run.id)
    points = [
        wire.RunMetricsPoint(
            seconds=place * found.interval_seconds,
            cpus=point.cpus,
            memory_bytes=int(point.memory_bytes),
            images_per_second=point.images_per_second,
        )
        for place, point in enumerate(found.points)
        if point.samples
    ]
    return wire.RunMetrics(
        begins_at=found.begins_at,
        interval_seconds=found.interval_seconds,
        points=points,
        peak_cpus=found.peak_cpus,
        peak_memory_bytes=found.peak_memory_bytes,
    )


def require_reader(
    request: Request,
    services: Services,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
) -> None:
    """Somebody signed in, or anybody where the operator has said so."""
    if not services.settings.metrics_open:
        actor_of_request(request, services, bearer)


@root_router.get("/metrics", include_in_schema=False, dependencies=[Depends(require_reader)])
def expose_metrics(services: Services) -> Response:
    """All figures of docs/reference/metrics.md, in Prometheus' text format."""
    return Response(services.figures.exposition(), media_type=EXPOSITION)
