"""Gets a Run's image onto this machine: pulls it, pins what its tag means, and says how it is to be run."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from pixmill_server.jobs.images import pin_image
from pixmill_server.jobs.queue import ClaimedRun
from pixmill_server.jobs.workers import Order
from pixmill_server.worker.workplace import Workplace

_SAY_EVERY_SECONDS = 1.0
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

    Raises `PlacementFailed` where images cannot be run here, `OSError` where this one cannot be had.
    """
    image: Mapping[str, Any] = order.processing.image or {}
    executor = workplace.image_executor(order)
    said = _Said(on_progress)
    digest = executor.pull(order.image_digest or str(image["name"]), said.note)
    with workplace.database.transaction() as session:
        pin_image(session, run.run_id, run.fence, digest)
    return {
        **{key: image[key] for key in _OF_ITS_AUTHOR if key in image},
        "client": [*executor.client()],
        "engine": executor.address(),
        "image": digest,
        "owner": str(workplace.scratch_of(run.run_id)),
    }


class _Said:
    """An engine says a hundred things a second; one of them is enough."""

    def __init__(self, on_progress: Callable[[str], None]) -> None:
        self._on_progress = on_progress
        self._next = 0.0

    def note(self, words: str) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SAY_EVERY_SECONDS
            self._on_progress(f"its image to be pulled: {words}")
