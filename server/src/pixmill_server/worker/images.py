"""Gets a Run's image onto this machine: pulls it, pins what its tag means, and says how it is to be run."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import JsonValue

from pixmill_server.executors.contract import FoundImage
from pixmill_server.jobs.events import Event, add_events
from pixmill_server.jobs.images import pin_image, short
from pixmill_server.jobs.queue import ClaimedRun
from pixmill_server.jobs.workers import Order
from pixmill_server.worker.workplace import Workplace

_SAY_EVERY_SECONDS = 1.0
_TELL_EVERY_SECONDS = 10.0
_OF_ITS_AUTHOR = (
    "contract",
    "source",
    "command",
    "environment",
    "user",
    "working_folder",
    "shared_memory_bytes",
)
"""All that is taken from a stored schema; what runs on the host (client, engine) is this machine's to say."""


def place_image(
    workplace: Workplace, run: ClaimedRun, order: Order, *, on_progress: Callable[[str], None]
) -> Mapping[str, JsonValue]:
    """`pixmill.runtime.containers.PlacedImage` as JSON. A digest that the Run has pinned is taken again.

    What it does is among the Run's events. Raises `PlacementFailed` where images cannot be run here, `OSError` where
    this one cannot be had, and what `on_progress` does where nobody wants it any more.
    """
    image: Mapping[str, Any] = order.processing.image or {}
    executor = workplace.image_executor(order)
    name = order.image_digest or str(image["name"])
    said = _Said(on_progress, partial(_tell, workplace, run.run_id))
    began = time.monotonic()
    found = executor.pull(name, lambda words: said.note(name, words))
    with workplace.database.transaction() as session:
        before = pin_image(session, run.run_id, run.fence, found.digest)
    _tell(workplace, run.run_id, "image-found", _found_words(name, found, before, time.monotonic() - began))
    return {
        **{key: image[key] for key in _OF_ITS_AUTHOR if key in image},
        "client": [*executor.client()],
        "engine": executor.address(),
        "image": found.digest,
        "owner": str(workplace.scratch_of(run.run_id)),
    }


def _found_words(name: str, found: FoundImage, before: str | None, seconds: float) -> str:
    how = f"Its registry was asked, in {seconds:.1f} s" if found.came_from_registry else "It lies on this machine"
    moved = f" The Run before had another: {short(before)} -> {short(found.digest)}." if before else ""
    return f"The image {name} is {short(found.digest)}. {how}.{moved}"


def _tell(workplace: Workplace, run_id: str, kind: str, message: str) -> None:
    event = Event(workplace.logs.length(run_id), workplace.clock.now(), kind, message)
    with workplace.database.transaction() as session:
        add_events(session, run_id, [event])


@dataclass(slots=True)
class _Said:
    """An engine says a hundred things a second: one of them is enough, and fewer for the log."""

    on_progress: Callable[[str], None]
    tell: Callable[[str, str], None]
    _next: float = 0.0
    _next_telling: float = 0.0

    def note(self, name: str, words: str) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _SAY_EVERY_SECONDS
            self.on_progress(f"its image to be pulled: {words}")
        if now >= self._next_telling:
            self._next_telling = now + _TELL_EVERY_SECONDS
            self.tell("image-pulling", f"Pulls the image {name}: {words}.")
