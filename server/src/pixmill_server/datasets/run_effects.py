"""What the commit of a Run did to each Label, and how sure it was: read from its Revision and the one before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pixmill_server.datasets.counting import facets
from pixmill_server.datasets.facets import Facets
from pixmill_server.datasets.filters import AssetFilter
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
    """Of the Run that made the Revision; None where that is another's, or is gone with its version."""
    states = _states(datasets, version_id, number, run_id)
    if states is None:
        return None
    before, after = states
    is_now = _shapes(facets(datasets, after))
    found = facets(datasets, after, AssetFilter(run_id=run_id))
    added = _shapes(found)
    # Of a version that began with the Run, what it did not add came from where it was forked.
    was = _shapes(facets(datasets, before)) if before else is_now - added
    labels = [
        LabelEffect(label, was[label.id], was[label.id] + added[label.id] - is_now[label.id], added[label.id])
        for label in after.labels
        if was[label.id] or is_now[label.id]
    ]
    return RunEffect(labels, found.scores, found.without_score)


def _states(datasets: Datasets, version_id: str, number: int, run_id: str) -> tuple[Pinned | None, Pinned] | None:
    with datasets.database.reading() as session:
        version = session.get(VersionRow, version_id)
        revision = session.get(RevisionRow, (version_id, number))
        if version is None or version.deleted_at is not None or revision is None or revision.run_id != run_id:
            return None
        parent = revision.parent_number
        return pinned(session, version_id, parent) if parent is not None else None, pinned(session, version_id, number)


def _shapes(counted: Facets) -> Counter[str]:
    """By the Label's id."""
    return Counter({label: tally.shapes for label, tally in counted.labels.items()})
