"""Upkeep in the background of a worker: a thread that goes round now and then."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from pixmill.errors import PixmillError
from pixmill_server.datasets.maintain import tend
from pixmill_server.datasets.stores import Datasets

logger = logging.getLogger(__name__)


@contextmanager
def tending(datasets: Datasets, *, every_seconds: float, before: Callable[[], object]) -> Iterator[None]:
    """Tend all versions while the block runs, for the first time after `every_seconds`; `before` is called each time.

    Several workers may do so at once: each version's lease lets one at a time. It ends with the block at the latest
    when the version at hand is done.
    """
    stop = threading.Event()

    def rounds() -> None:
        while not stop.wait(every_seconds):
            try:
                before()
            except (SQLAlchemyError, OSError, PixmillError):
                logger.exception("upkeep stumbled")
            for version_id, error in tend(datasets, stop=stop.is_set).items():
                logger.warning("upkeep put off", extra={"version_id": version_id, "why": str(error)})

    thread = threading.Thread(target=rounds, name="pixmill-tending", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
