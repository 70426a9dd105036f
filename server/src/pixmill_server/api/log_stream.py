"""The log of a Run as it comes, by Server-Sent Events.

One event is a piece of the log: `id:` is the offset after it, `data:` JSON with its offset and its bytes in base64.
`event: event` is something that Pixmill itself says (repeated after a reconnect: its `id` tells it apart), `event: end`
the last one. `event: omitted` says which bytes are not kept. A client that comes back with `Last-Event-ID` goes on
where it was. One that asks for `ranges` is told of many bytes at once by an `event: range`, and reads them as they are
from the log itself, which costs both sides a tenth. One that asks for `raw` gets each piece as an `event: block`, whose
`size` bytes follow the empty line as they are: nothing costs less, but no reader of events in general understands it.
"""

import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

from anyio import CapacityLimiter, sleep, to_thread
from fastapi import APIRouter, Header, Query
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from pixmill.wire import jobs as wire
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.jobs.events import Event, events_of
from pixmill_server.jobs.log_limit import Omitted
from pixmill_server.jobs.logs import log_topic
from pixmill_server.jobs.queries import find_job, find_run, record_of, status_of
from pixmill_server.jobs.tables import RunRow

PIECE_BYTES = 256 << 10
"""More than these at once are a range, to who asks for ranges."""
BLOCK_BYTES = 4 << 20
"""At most these at once, to who asks for them raw."""
RANGE_SECONDS = 0.02
"""So long apart ranges are, so that they grow with the load."""
LOOK_AGAIN_SECONDS = 1.0
"""How long another process may have ended the Run before a reader notices."""
PING_SECONDS = 15
FOLLOWERS = 1000
"""Readers that may wait at once, each in a thread of its own that sleeps."""

router = APIRouter(prefix="/jobs", tags=["jobs"])


@dataclass
class Follower:
    """One reader of one log."""

    services: Services
    run_id: str
    offset: int
    ranges: bool = False
    raw: bool = False
    last_event: str = ""
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(FOLLOWERS))

    async def messages(self) -> AsyncIterator[ServerSentEvent | bytes]:
        """From the offset on, until the Run is over and all of its log was told."""
        while True:
            seen = self.services.database.signals.count(log_topic(self.run_id))
            told = await to_thread.run_sync(self._look, limiter=self.threads)
            for event in told.events:
                yield event
            if told.news is not None:
                yield told.news
                self.offset = told.offset
            elif told.end is not None:
                yield _message("end", told.end)
                return
            else:
                await to_thread.run_sync(self._wait, seen, limiter=self.threads, abandon_on_cancel=True)
            if told.is_range:
                await sleep(RANGE_SECONDS)

    def _look(self) -> "_Look":
        # The state first: bytes that were written before the end are read after it.
        with self.services.database.reading() as session:
            is_over = status_of(session, self.run_id).is_over
            events = events_of(session, self.run_id, after=self.last_event)
        end = self._end() if is_over else None
        look = self._news()
        due = [(key, event) for key, event in events if event.offset <= self.offset or (end and look.news is None)]
        if due:
            self.last_event = due[-1][0]
        return replace(look, events=[_message("event", _event(key, event)) for key, event in due], end=end)

    def _end(self) -> wire.LogEnd:
        with self.services.database.reading() as session:
            run = session.get_one(RunRow, self.run_id)
            record = record_of(session, run, now=self.services.clock.now())
        return wire.LogEnd(status=run.state.value, outcome=record.outcome)

    def _news(self) -> "_Look":
        """What comes next in the log, and the offset after it."""
        logs = self.services.jobs.logs
        if self.ranges and (length := logs.length(self.run_id)) - self.offset > PIECE_BYTES:
            span = wire.LogRange(offset=self.offset, end=length)
            return _Look(length, _message("range", span, after=length), is_range=True)
        piece = logs.read(self.run_id, self.offset, limit=BLOCK_BYTES if self.raw else PIECE_BYTES)
        if isinstance(piece, Omitted):
            left_out = wire.LogOmitted(offset=self.offset, end=piece.end)
            return _Look(piece.end, _message("omitted", left_out, after=piece.end))
        after = self.offset + len(piece)
        if self.raw:
            return _Look(after, _block(self.offset, piece) if piece else None)
        written = wire.LogPiece(offset=self.offset, bytes=base64.b64encode(piece).decode())
        return _Look(after, _message(None, written, after=after) if piece else None)

    def _wait(self, seen: int) -> None:
        self.services.database.signals.wait(log_topic(self.run_id), LOOK_AGAIN_SECONDS, seen=seen)


@dataclass(frozen=True)
class _Look:
    offset: int
    """After the news."""
    news: ServerSentEvent | bytes | None
    is_range: bool = False
    events: Sequence[ServerSentEvent] = ()
    end: wire.LogEnd | None = None


@router.get("/{job_id}/runs/{number}/log/stream", response_class=EventSourceResponse)
async def stream_log(
    services: Services,
    actor: CurrentActor,
    job_id: str,
    number: int,
    *,
    offset: Annotated[int, Query(ge=0)] = 0,
    ranges: bool = False,
    raw: bool = False,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> EventSourceResponse:
    """The log as it comes; ends when the Run does."""

    def find() -> str:
        with services.database.reading() as session:
            return find_run(session, find_job(session, actor.organization_id, job_id).id, number).id

    start = offset if last_event_id is None else last_event_id
    follower = Follower(services, await to_thread.run_sync(find), start, ranges=ranges, raw=raw)
    kind = "application/octet-stream" if raw else "text/event-stream"
    return EventSourceResponse(follower.messages(), ping=PING_SECONDS, media_type=kind)


def _event(key: str, event: Event) -> wire.LogEvent:
    return wire.LogEvent(
        id=key, offset=event.offset, at=event.at, kind=event.kind, message=event.message, facts=event.facts
    )


def _block(offset: int, piece: bytes) -> bytes:
    """In one, so that no ping comes between the words and the bytes."""
    told = _message("block", wire.LogBlock(offset=offset, size=len(piece)))
    return told.encode() + piece


def _message(kind: str | None, data: BaseModel, *, after: int | None = None) -> ServerSentEvent:
    """`after`: the offset that a client which comes back goes on from."""
    return ServerSentEvent(event=kind, data=data.model_dump_json(), id=None if after is None else str(after))
