"""How the assets of a Revision, or of a filter on it, spread over Labels, tags, sources, reviews and scores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SCORE_BINS: Final = 20
"""Each 0.05 wide; the last one holds 1 as well."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Of one value."""

    assets: int = 0
    """That carry it, on one annotation or more."""
    shapes: int = 0
    """Annotations that have it; 0 for what only assets have."""


NONE: Final = Tally()


@dataclass(frozen=True, slots=True)
class Facets:
    """What a filter can choose from, with how much there is of it. Values that do not occur are left out."""

    assets: int
    annotated: int
    """Assets with at least one of the annotations that were looked at."""
    labels: Mapping[str, Tally]
    """By the Label's id."""
    sources: Mapping[str, Tally]
    reviews: Mapping[str, Tally]
    processings: Mapping[str, Tally]
    tags: Mapping[str, Tally]
    scores: tuple[int, ...]
    """Annotations in each of the `SCORE_BINS` bins."""
    without_score: int


@dataclass(slots=True)
class _Values:
    """The values of one column that were met so far."""

    places: dict[str, int]
    """The row of each value in what follows."""
    seen: NDArray[np.bool_]
    """By value and asset."""
    shapes: NDArray[np.int64]

    @classmethod
    def none(cls, assets: int) -> "_Values":
        return cls({}, np.zeros((0, assets), dtype=bool), np.zeros(0, dtype=np.int64))

    def add(self, values: pa.Array, rows: NDArray[np.int32]) -> None:
        # Most batches have one source, one review and one Processing: comparing is cheaper than hashing.
        if pc.all(pc.equal(values, values[0])).as_py():
            (place,) = self._places([values[0].as_py()])
            self.seen[place, rows] = True
            self.shapes[place] += len(rows)
            return
        encoded = values.dictionary_encode()
        places = self._places(encoded.dictionary.to_pylist())
        found = places[encoded.indices.to_numpy(zero_copy_only=False)]
        self.seen[found, rows] = True
        self.shapes += np.bincount(found, minlength=len(self.shapes))

    def _places(self, names: list[str]) -> NDArray[np.int64]:
        new = [name for name in names if name not in self.places]
        if new:
            self.places |= {name: place for place, name in enumerate(new, start=len(self.places))}
            self.seen = np.concatenate([self.seen, np.zeros((len(new), self.seen.shape[1]), dtype=bool)])
            self.shapes = np.concatenate([self.shapes, np.zeros(len(new), dtype=np.int64)])
        return np.array([self.places[name] for name in names], dtype=np.int64)


@dataclass(slots=True)
class FacetCount:
    """Counts batches of annotations as they stream past; a bit more than a byte for each asset and value."""

    assets: int
    _columns: dict[str, _Values] = field(default_factory=dict)
    _annotated: NDArray[np.bool_] | None = None
    scores: NDArray[np.int64] = field(default_factory=lambda: np.zeros(SCORE_BINS, dtype=np.int64))
    without_score: int = 0

    def add(self, column: str, values: pa.Array, rows: NDArray[np.int32]) -> None:
        """One column of some annotations, and the rows of their assets."""
        if not len(values):
            return
        if column not in self._columns:
            self._columns[column] = _Values.none(self.assets)
        self._columns[column].add(values, rows)

    def add_scores(self, values: pa.Array, rows: NDArray[np.int32]) -> None:
        """The scores of some annotations, and the rows of their assets."""
        if self._annotated is None:
            self._annotated = np.zeros(self.assets, dtype=bool)
        self._annotated[rows] = True
        scores = pc.drop_null(values).to_numpy(zero_copy_only=False)
        self.without_score += len(values) - len(scores)
        places = np.clip((scores * SCORE_BINS).astype(np.int64), 0, SCORE_BINS - 1)
        self.scores += np.bincount(places, minlength=SCORE_BINS)

    @property
    def carriers(self) -> NDArray[np.bool_]:
        """For each asset, whether it has at least one annotation."""
        return np.zeros(self.assets, dtype=bool) if self._annotated is None else self._annotated

    @property
    def annotated(self) -> int:
        """Assets with at least one annotation."""
        return int(self.carriers.sum())

    def of(self, column: str) -> dict[str, Tally]:
        """Value to tally."""
        if column not in self._columns:
            return {}
        met = self._columns[column]
        assets = met.seen.sum(axis=1)
        return {
            value: Tally(int(assets[place]), int(met.shapes[place])) for value, place in met.places.items() if value
        }
