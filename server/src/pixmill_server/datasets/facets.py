"""How the assets of a Revision, or of a filter on it, spread over Labels, tags, sources, reviews and scores."""

from collections import Counter
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
class FacetCount:
    """Counts batches of annotations as they stream past; a bit more than a byte for each asset and value."""

    assets: int
    _seen: dict[tuple[str, str], NDArray[np.bool_]] = field(default_factory=dict)
    _shapes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _annotated: NDArray[np.bool_] | None = None
    scores: NDArray[np.int64] = field(default_factory=lambda: np.zeros(SCORE_BINS, dtype=np.int64))
    without_score: int = 0

    def add(self, column: str, values: pa.Array, rows: NDArray[np.int32]) -> None:
        """One column of some annotations, and the rows of their assets."""
        encoded = values.dictionary_encode()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        for code, value in enumerate(encoded.dictionary.to_pylist()):
            of_value = rows[codes == code]
            key = (column, value)
            if key not in self._seen:
                self._seen[key] = np.zeros(self.assets, dtype=bool)
            self._seen[key][of_value] = True
            self._shapes[key] += len(of_value)

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
    def annotated(self) -> int:
        """Assets with at least one annotation."""
        return 0 if self._annotated is None else int(self._annotated.sum())

    def of(self, column: str) -> dict[str, Tally]:
        """Value to tally."""
        return {
            value: Tally(int(seen.sum()), self._shapes[name, value])
            for (name, value), seen in self._seen.items()
            if name == column and value
        }
