"""What the commit of a Run did to each Label, and how sure it was: read from its Revision and the one before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from pixmill_server.datasets.existing import one_of
from pixmill_server.datasets.facets import SCORE_BINS
from pixmill_server.datasets.queries import pinned
from pixmill_server.datasets.records import Label, Pinned
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import RevisionRow, VersionRow


@dataclass(frozen=True, slots=True)
class LabelEffect:
    """Shapes of one Label."""

    label: Label
    before: int
    replaced: int
    """Of those before: how many made room."""
    added: int

    @property
    def kept(self) -> int:
        """Of those before: how many stayed."""
        return self.before - self.replaced

    @property
    def after(self) -> int:
        """All that there were with the commit."""
        return self.kept + self.added


@dataclass(frozen=True, slots=True)
class RunEffect:
    """One commit of a Run."""

    labels: Sequence[LabelEffect]
    """Those that had shapes before or after, in the order of the version."""
    scores: Sequence[int]
    """Of the shapes that were added: how many are in each of the `SCORE_BINS` bins."""
    without_score: int


def effect_of_run(datasets: Datasets, version_id: str, number: int, run_id: str) -> RunEffect | None:
    """Of the Run that made the Revision; None where that is another's, or is gone with its version.

    It reads the Labels of all shapes of both states: some milliseconds for 100 000.
    """
    states = _states(datasets, version_id, number, run_id)
    if states is None:
        return None
    before, after = states
    is_now = _shapes_by_label(datasets, after)
    added: Counter[str] = Counter()
    scores, without_score = np.zeros(SCORE_BINS, dtype=np.int64), 0
    table = datasets.tables.open(after.annotations)
    for batch in table.scanner(columns=["label_id", "score"], filter=one_of("run_id", [run_id])).to_batches():
        added.update(_counted(batch["label_id"]))
        known = pc.drop_null(batch["score"]).to_numpy(zero_copy_only=False)
        without_score += batch.num_rows - len(known)
        places = np.clip((known * SCORE_BINS).astype(np.int64), 0, SCORE_BINS - 1)
        scores += np.bincount(places, minlength=SCORE_BINS)
    # Of a version that began with the Run, what it did not add came from where it was forked.
    was = _shapes_by_label(datasets, before) if before else is_now - added
    labels = [
        LabelEffect(label, was[label.id], was[label.id] + added[label.id] - is_now[label.id], added[label.id])
        for label in after.labels
        if was[label.id] or is_now[label.id]
    ]
    return RunEffect(labels, scores.tolist(), without_score)


def _states(datasets: Datasets, version_id: str, number: int, run_id: str) -> tuple[Pinned | None, Pinned] | None:
    with datasets.database.reading() as session:
        version = session.get(VersionRow, version_id)
        revision = session.get(RevisionRow, (version_id, number))
        if version is None or version.deleted_at is not None or revision is None or revision.run_id != run_id:
            return None
        parent = revision.parent_number
        return pinned(session, version_id, parent) if parent is not None else None, pinned(session, version_id, number)


def _shapes_by_label(datasets: Datasets, state: Pinned) -> Counter[str]:
    counts: Counter[str] = Counter()
    if state.counts.annotations:
        for batch in datasets.tables.open(state.annotations).scanner(columns=["label_id"]).to_batches():
            counts.update(_counted(batch["label_id"]))
    return counts


def _counted(values: object) -> dict[str, int]:
    found = pc.value_counts(values)
    return dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True))
