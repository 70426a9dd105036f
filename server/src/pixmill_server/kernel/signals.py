"""Wakes readers that wait in this process: no poll, no message lost, no memory per topic.

A topic is any text, such as `run:run_01jd...`. Topics share a fixed number of slots, so a waiter may be woken by
another topic: it looks again at what it waits for and goes on waiting.
"""

import threading
import time
from zlib import crc32

_SLOTS = 1024


class Signals:
    """Counts what was announced, per topic."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._counts = [0] * _SLOTS

    def count(self, topic: str) -> int:
        """How often the topic was announced so far; take it before looking, then `wait` from it."""
        with self._changed:
            return self._counts[_slot(topic)]

    def notify(self, topic: str) -> None:
        """Wake everyone who waits for the topic."""
        with self._changed:
            self._counts[_slot(topic)] += 1
            self._changed.notify_all()

    def wait(self, topic: str, timeout_seconds: float, *, seen: int | None = None) -> bool:
        """True as soon as the topic was announced after the count `seen` (None: from now on); False after the time."""
        slot, deadline = _slot(topic), time.monotonic() + timeout_seconds
        with self._changed:
            start = self._counts[slot] if seen is None else seen
            while self._counts[slot] == start:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._changed.wait(remaining)
            return True


def _slot(topic: str) -> int:
    return crc32(topic.encode()) % _SLOTS
