"""What was worked out lately, kept up to a size. What is kept is of an immutable version: it never ages."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(slots=True)
class Kept(Generic[Value]):
    """Values by key, the least lately used of which go first. Safe to share between threads."""

    most: int
    """The sizes of all values together are at most this, unless one alone is larger."""
    size_of: Callable[[Value], int]
    _values: OrderedDict[Hashable, tuple[Value, int]] = field(default_factory=OrderedDict)
    """Each with its size."""
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def known(self, key: Hashable) -> Value | None:
        """The value of the key; None where it is not kept."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value of the key, made where it is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key][0]
        made = make()
        size = self.size_of(made)
        with self._lock:
            # Another thread may have made it meanwhile.
            self._size += size - self._values.pop(key, (made, 0))[1]
            self._values[key] = made, size
            while len(self._values) > 1 and self._size > self.most:
                self._size -= self._values.popitem(last=False)[1][1]
        return made
