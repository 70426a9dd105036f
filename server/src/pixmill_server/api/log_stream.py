"""The log of a Run as it comes, by Server-Sent Events.

One event is a piece of the log: `id:` is the offset after it, `data:` JSON with its offset and its bytes in base64.
`event: event` is something that Pixmill itself says (repeated after a reconnect: its `id` tells it apart), `event: end`
the last one. A client that comes back with `Last-Event-ID` goes on where it was.
"""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Header, Query
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from pixmill.wire import jobs as wire
from pixmill_server.api.dependencies import CurrentActor, Services
from pixmill_server.jobs.events import Event, events_of
from pixmill_server.jobs.logs import log_topic
from pixmill_server.jobs.queries import find_job, find_run, record_of
from pixmill_server.jobs.tables import RunRow

PIECE_BYTES = 64 << 10
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
    last_event: str = ""
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(FOLLOWERS))

    async def messages(self) -> AsyncIterator[ServerSentEvent]:
        """From the offset on, until the Run is over and all of its log was told."""
        while True:
            seen = self.services.database.signals.count(log_topic(self.run_id))
            told = await to_thread.run_sync(self._look, limiter=self.threads)
            for event in told.events:
                yield event
            if told.piece:
                yield self._piece(told.piece)
            elif told.end is not None:
                yield _message("end", told.end)
                return
            else:
                await to_thread.run_sync(self._wait, seen, limiter=self.threads, abandon_on_cancel=True)

    def _look(self) -> "_Look":
        # The state first: bytes that were written before the end are read after it.
        with self.services.database.reading() as session:
            run = session.get_one(RunRow, self.run_id)
            events = events_of(session, self.run_id, after=self.last_event)
            record = record_of(session, run, now=self.services.clock.now())
        piece = self.services.jobs.logs.read(self.run_id, self.offset, limit=PIECE_BYTES)
        end = wire.LogEnd(status=run.state.value, outcome=record.outcome) if run.state.is_over else None
        due = [(key, event) for key, event in events if event.offset <= self.offset or (end and not piece)]
        if due:
            self.last_event = due[-1][0]
        return _Look(piece, [_message("event", _event(key, event)) for key, event in due], end)

    def _wait(self, seen: int) -> None:
        self.services.database.signals.wait(log_topic(self.run_id), LOOK_AGAIN_SECONDS, seen=seen)

    def _piece(self, piece: bytes) -> ServerSentEvent:
        data = wire.LogPiece(offset=self.offset, bytes=base64.b64encode(piece).decode())
        self.offset += len(piece)
        return ServerSentEvent(data=data.model_dump_json(), id=str(self.offset))


@dataclass(frozen=True)
class _Look:
    piece: bytes
    events: list[ServerSentEvent]
    end: wire.LogEnd | None


@router.get("/{job_id}/runs/{number}/log/stream", response_class=EventSourceResponse)
async def stream_log(
    services: Services,
    actor: CurrentActor,
    job_id: str,
    number: int,
    offset: Annotated[int, Query(ge=0)] = 0,
    last_event_id: Annotated[int | None, Header(ge=0)] = None,
) -> EventSourceResponse:
    """The log as it comes; ends when the Run does."""

    def find() -> str:
        with services.database.reading() as session:
            return find_run(session, find_job(session, actor.organization_id, job_id).id, number).id

    follower = Follower(services, await to_thread.run_sync(find), offset if last_event_id is None else last_event_id)
    return EventSourceResponse(follower.messages(), ping=PING_SECONDS)


def _event(key: str, event: Event) -> wire.LogEvent:
    return wire.LogEvent(
        id=key, offset=event.offset, at=event.at, kind=event.kind, message=event.message, facts=event.facts
    )


def _message(kind: str, data: BaseModel) -> ServerSentEvent:
    return ServerSentEvent(event=kind, data=data.model_dump_json())
