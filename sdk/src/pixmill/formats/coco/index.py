"""From COCO's ids to places in lists, many at once."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pixmill.formats.contract import HIGHEST_ID

UNKNOWN = -1
"""The place of an id that the file does not have."""


@dataclass(slots=True)
class ImageIndex:
    """The images of a file: their paths in file order, found by id."""

    paths: list[str]
    sizes: list[tuple[int | None, int | None]]
    """Width and height as the file says; None where it does not."""
    _places: dict[object, int]
    _seen: set[str]
    _ids: NDArray[np.int64]
    _order: NDArray[np.int64]

    @classmethod
    def empty(cls) -> Self:
        """No images yet."""
        nothing = np.empty(0, dtype=np.int64)
        return cls([], [], {}, set(), nothing, nothing)

    @property
    def filled(self) -> bool:
        """Whether any image was added."""
        return bool(self.paths)

    def add(self, identity: object, path: str, width: int | None, height: int | None) -> bool:
        """Note an image; False where its id or its path was seen before."""
        if identity in self._places or path in self._seen:
            return False
        self._places[identity] = len(self.paths)
        self._seen.add(path)
        self.paths.append(path)
        self.sizes.append((width, height))
        return True

    def seal(self) -> None:
        """Make the arrays that `places` searches, once all images are known."""
        numbers = [(identity, place) for identity, place in self._places.items() if _is_number(identity)]
        ids = np.array([identity for identity, _ in numbers], dtype=np.int64)
        order = np.argsort(ids, kind="stable")
        self._ids = ids[order]
        self._order = np.array([place for _, place in numbers], dtype=np.int64)[order]

    def place(self, identity: object) -> int:
        """The place of one id, a number or a text; `UNKNOWN` where there is none."""
        return self._places.get(identity, UNKNOWN) if isinstance(identity, int | str) else UNKNOWN

    def places(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of every id; `UNKNOWN` where there is none."""
        return _look_up(self._ids, self._order, ids)


@dataclass(frozen=True, slots=True)
class CategoryIndex:
    """The categories of a file, found by id."""

    names: tuple[str, ...]
    """Distinct names; several ids may share one."""
    _places: dict[int, int]
    _ids: NDArray[np.int64]
    _order: NDArray[np.int64]

    @classmethod
    def of(cls, ids: dict[int, str], names: list[str]) -> Self:
        """The names that ids stand for."""
        places = {identity: names.index(name) for identity, name in sorted(ids.items())}
        keys = np.array(list(places), dtype=np.int64)
        return cls(tuple(names), places, keys, np.array(list(places.values()), dtype=np.int64))

    def place(self, identity: object) -> int:
        """The place of one id; `UNKNOWN` where there is none."""
        return self._places.get(identity, UNKNOWN) if isinstance(identity, int) else UNKNOWN

    def places(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of every id; `UNKNOWN` where there is none."""
        return _look_up(self._ids, self._order, ids)


def _is_number(identity: object) -> bool:
    return isinstance(identity, int) and abs(identity) <= HIGHEST_ID


def _look_up(keys: NDArray[np.int64], values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(keys):
        return np.full(len(wanted), UNKNOWN, dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], UNKNOWN)
