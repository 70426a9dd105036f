"""Assets that are in a DatasetVersion: tag them, set their metadata, remove them."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pixmill.errors import InvalidInput
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.existing import as_ids, one_of
from pixmill_server.datasets.marks import Marks
from pixmill_server.datasets.queries import version_by_id
from pixmill_server.datasets.records import Counts
from pixmill_server.datasets.revise import Author, Committed, Draft, Outcome, revise
from pixmill_server.datasets.stores import Datasets

_AT_ONCE = 1000
_MAX_TAG = 100


def tag(datasets: Datasets, actor: Actor, version_id: str, asset_ids: Iterable[str], tags: Sequence[str]) -> Committed:
    """Give the assets the tags; those that have them stay as they are."""
    marks = Marks()
    names = [require_tag(name) for name in tags]
    for asset_id in asset_ids:
        marks.add_tags(asset_id, names)
    return _mark(datasets, actor, version_id, marks, f"Tagged {', '.join(tags)}")


def untag(
    datasets: Datasets, actor: Actor, version_id: str, asset_ids: Iterable[str], tags: Sequence[str]
) -> Committed:
    """Take the tags from the assets."""
    marks = Marks()
    for asset_id in asset_ids:
        marks.remove_tags(asset_id, tags)
    return _mark(datasets, actor, version_id, marks, f"Removed the tag {', '.join(tags)}")


def set_metadata(
    datasets: Datasets, actor: Actor, version_id: str, values: Mapping[str, Mapping[str, object]]
) -> Committed:
    """Set keys of assets' metadata, by asset id; keys that are not named stay."""
    marks = Marks(metadata={asset_id: dict(given) for asset_id, given in values.items()})
    return _mark(datasets, actor, version_id, marks, f"Set metadata of {len(values)} assets")


def remove(datasets: Datasets, actor: Actor, version_id: str, asset_ids: Sequence[str]) -> Committed:
    """Remove assets with their annotations; ids that the version does not have are left out."""

    def make(draft: Draft) -> Outcome:
        return _removed(draft, asset_ids)

    _require_own(datasets, actor, version_id)
    summary = f"Removed {len(asset_ids)} assets"
    return revise(datasets, version_id, make, author=Author(actor.user_id), summary=summary)


def require_tag(name: str) -> str:
    """Any text of 1 to 100 visible characters without a comma."""
    if not name.strip() or len(name) > _MAX_TAG or not name.isprintable() or "," in name:
        raise InvalidInput(f"{name!r} is not a tag.", hint="Give 1 to 100 visible characters, no comma.", field="tags")
    return name


def _mark(datasets: Datasets, actor: Actor, version_id: str, marks: Marks, summary: str) -> Committed:
    def make(draft: Draft) -> Outcome:
        return Outcome(draft.head.counts, marks.apply(draft))

    _require_own(datasets, actor, version_id)
    return revise(datasets, version_id, make, author=Author(actor.user_id), summary=summary)


def _removed(draft: Draft, asset_ids: Sequence[str]) -> Outcome:
    tables, counts = draft.datasets.tables, draft.head.counts
    assets, annotations, annotated = 0, 0, 0
    wanted = list(dict.fromkeys(asset_ids))
    for start in range(0, len(wanted), _AT_ONCE):
        names = wanted[start : start + _AT_ONCE]
        rows = tables.open(draft.head.assets).scanner(columns=[], filter=one_of("id", names), with_row_address=True)
        shapes = tables.open(draft.head.annotations).scanner(
            columns=["asset_id"], filter=one_of("asset_id", names), with_row_address=True
        )
        gone, lost = rows.to_table()["_rowaddr"].to_numpy(), shapes.to_table()
        if len(gone):
            draft.assets().delete(gone)
        if lost.num_rows:
            draft.annotations().delete(lost["_rowaddr"].to_numpy())
        assets, annotations = assets + len(gone), annotations + lost.num_rows
        annotated += len(np.unique(as_ids(lost["asset_id"])))
    return Outcome(
        Counts(counts.assets - assets, counts.annotations - annotations, counts.annotated_assets - annotated),
        {"removed_assets": assets, "removed_annotations": annotations},
    )


def _require_own(datasets: Datasets, actor: Actor, version_id: str) -> None:
    with datasets.database.reading() as session:
        version_by_id(session, actor.organization_id, version_id)
