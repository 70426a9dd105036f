"""The log of a Run as it stands: all of it or a range, and when which part of it came."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from pixmill.errors import InvalidInput
from pixmill.wire import jobs as wire
from pixmill_server.accounts.actor import Actor
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.jobs.log_limit import Omitted
from pixmill_server.jobs.queries import find_job, find_run

MOST_TIMES = 10_000
_PARTIAL = 206

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get("/{job_id}/runs/{number}/log", response_class=Response)
def read_log(
    services: Services,
    actor: CurrentActor,
    job_id: str,
    number: int,
    requested: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    """Byte for byte what the child wrote, but for secrets; `Range: bytes=START-` for a part of it.

    In place of bytes that are not kept stands a line that says so; a range ends before them, or begins after them.
    """
    logs = services.jobs.logs
    run_id = _run_id(services, actor, job_id, number)
    length, omitted = logs.length(run_id), logs.omitted(run_id)
    if requested is None:
        # How much of a log is kept may change while it is sent.
        sized = {} if omitted else {"Content-Length": str(length)}
        return _stream(services, run_id, 0, length, {"Accept-Ranges": "bytes", **sized})
    start, end = _kept(*_range(requested, length), omitted)
    headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if start == end:
        return _stream(services, run_id, start, end, {**headers, "Content-Range": f"bytes */{length}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{length}"
    return _stream(services, run_id, start, end, headers, status=_PARTIAL)


@router.get("/{job_id}/runs/{number}/log/times")
def list_log_times(
    services: Services, actor: CurrentActor, job_id: str, number: int, after: Annotated[int, Query(ge=-1)] = -1
) -> wire.LogTimes:
    """When the log reached which offset: the last one up to `after`, and those beyond it, at most 10 000."""
    found = services.jobs.logs.times(_run_id(services, actor, job_id, number), after=after, limit=MOST_TIMES)
    return wire.LogTimes(items=[wire.LogTime(offset=time.offset, at=time.at) for time in found])


def _run_id(services: Services, actor: Actor, job_id: str, number: int) -> str:
    with services.database.reading() as session:
        return find_run(session, find_job(session, actor.organization_id, job_id).id, number).id


def _stream(
    services: Services, run_id: str, start: int, end: int, headers: dict[str, str], status: int = 200
) -> Response:
    pieces = services.jobs.logs.stream(run_id, start, end)
    return StreamingResponse(pieces, status_code=status, headers=headers, media_type="application/octet-stream")


def _kept(start: int, end: int, omitted: Omitted | None) -> tuple[int, int]:
    """The first part of the range that is kept as a whole."""
    if omitted is None or end <= omitted.start or start >= omitted.end:
        return start, end
    return (start, omitted.start) if start < omitted.start else (min(omitted.end, end), end)


def _range(requested: str, length: int) -> tuple[int, int]:
    """Start and end (exclusive), both within the log."""
    unit, _, span = requested.partition("=")
    first, dash, last = span.partition("-")
    if unit.strip() != "bytes" or not dash or not first.isdecimal() or (last and not last.isdecimal()):
        raise InvalidInput(f"The range '{requested}' is not understood.", hint="Ask as in bytes=100- or bytes=100-199.")
    start = min(int(first), length)
    return start, max(start, min(int(last) + 1, length) if last else length)
