"""Tells an open page, by Server-Sent Events, that what it shows has changed: it asks for its parts anew.

Every `event: changed` is a mere nudge, the first one right after the connection: nothing has to be remembered for who
comes back. A comment every few seconds keeps the connection open.
"""

from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent

from pixmill_server.web.page import Services, Visitor, page_router

PING_SECONDS = 15

router = page_router()


@router.get("/live", response_class=EventSourceResponse)
async def changes_of_jobs(services: Services, visitor: Visitor, job: str = "") -> EventSourceResponse:
    """Of one Job by its whole id, or (empty) of all; ends when the page is left or the server ends."""

    async def nudges() -> AsyncIterator[ServerSentEvent]:
        async for _ in services.changes.heard(visitor.organization_id, job or None):
            yield ServerSentEvent(event="changed", data="jobs")

    return EventSourceResponse(nudges(), ping=PING_SECONDS)
