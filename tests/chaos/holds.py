"""Points of a server's work at which it can be held, so that something can be killed at exactly that moment.

A folder is the line to the test: `order` names the point to be held at and has an id, `reached` says that it was, and
`go-ID` lets go.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pixmill_server.datasets.stores import Step

RUNTIME = "/api/v1/runtime/runs/"
LOOK_SECONDS = 0.002
ENDPOINTS = ("plan", "started", "heartbeat", "claim", "stage", "log", "finish")
PROTOCOL = tuple(f"{endpoint} {when}" for endpoint in ENDPOINTS for when in ("asked", "done"))
"""A call was received and nothing was done; it was done and nobody was told."""
COMMIT = tuple(f"commit: {step.value}" for step in Step if step not in {Step.BRANCH, Step.CLEAN})
POINTS = (*PROTOCOL, *COMMIT)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class Holds:
    """The server's end of the line."""

    folder: Path
    _seen: dict[str, int] = field(default_factory=dict)

    def reach(self, point: str) -> None:
        """Wait here if it was ordered."""
        order = self._order(point)
        if order is None:
            return
        (self.folder / "reached").write_text(order)
        while not (self.folder / f"go-{json.loads(order)['id']}").exists():
            time.sleep(LOOK_SECONDS)

    def _order(self, point: str) -> str | None:
        try:
            order = (self.folder / "order").read_text()
        except FileNotFoundError:
            return None
        wanted = json.loads(order)
        if wanted["point"] != point:
            return None
        self._seen[order] = self._seen.get(order, 0) + 1
        if self._seen[order] != wanted["nth"]:
            return None
        (self.folder / "order").unlink()
        return order


@dataclass(slots=True)
class HeldApp:
    """An application whose Run protocol can be held before and after each call."""

    app: App
    holds: Holds

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        endpoint = _endpoint(scope)
        if endpoint is None:
            await self.app(scope, receive, send)
            return
        await asyncio.to_thread(self.holds.reach, f"{endpoint} asked")

        async def send_held(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.to_thread(self.holds.reach, f"{endpoint} done")
            await send(message)

        await self.app(scope, receive, send_held)


def _endpoint(scope: Message) -> str | None:
    if scope["type"] != "http" or not scope["path"].startswith(RUNTIME):
        return None
    _, _, call = scope["path"].removeprefix(RUNTIME).partition("/")
    if call == "chunks/claim":
        return "claim"
    return "stage" if call.startswith("chunks/") else call.partition("/")[0]
