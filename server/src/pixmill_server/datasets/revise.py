"""From one Revision to the next: the four steps of a commit, for a Run, an import and a human's save alike.

1. Take the lease. 2. Where a table's newest version is not the pinned one, restore that. 3. Write, and check that
every version since is our own. 4. In one short SQL transaction: fence still ours, head still the one we built on,
then Revision and pointer together. A crash anywhere leaves nothing visible, or everything.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

import pyarrow as pa
from sqlalchemy.orm import Session

from pixmill_server.datasets.errors import HeadMoved
from pixmill_server.datasets.lease import (
    Lease,
    free,
    locked_row,
    release_lease,
    renew_lease,
    renewal_due,
    require_fence,
    require_open,
    take_lease,
)
from pixmill_server.datasets.queries import pin, pinned
from pixmill_server.datasets.records import Counts, Label, Pinned
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.datasets.tables import LabelSetRow, RevisionRow, VersionRow
from pixmill_server.kernel.ids import new_id
from pixmill_server.storage.tables import ForeignWrite, TableRef, TableWrite

ATTEMPTS: Final = 10
OUTCOMES: Final = pa.schema([("asset_id", pa.string()), ("added", pa.int32()), ("removed", pa.int32())])


@dataclass(frozen=True, slots=True)
class Author:
    """Who a Revision is by: a user, a Run on a user's behalf, or (both empty) Pixmill itself."""

    user_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """An asset that was left as it is, and why."""

    asset: str
    """Its id, or its path where the change named it by path."""
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did."""

    counts: Counts
    """Of the state after it."""
    step: Mapping[str, int] = field(default_factory=dict)
    """Of the step: `added_assets`, `added_annotations`, `removed_annotations`, `changed_annotations`, ..."""
    skipped: tuple[Skipped, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Annotations that were left out because the version has no Label of this name, by name."""
    per_asset: pa.Table = field(default_factory=OUTCOMES.empty_table)
    """`asset_id`, `added`, `removed`: annotations, for each asset that was changed."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A change that is visible now."""

    number: int
    """Of the Revision; where nothing changed, that of the head as it was."""
    changed: bool
    outcome: Outcome

    @property
    def counts(self) -> Counts:
        """What the Revision holds."""
        return self.outcome.counts


InTransaction = Callable[[Session, Committed], None]


@dataclass(slots=True)
class Draft:
    """The change under the lease: what it is built on, and the writes it begins where it needs them."""

    datasets: Datasets
    lease: Lease | None
    """None: nobody else writes here, for nobody knows the branch yet."""
    head: Pinned
    labels: tuple[Label, ...]
    """Those of the new Revision; set anew to change them."""
    now: datetime
    _assets: TableWrite | None = None
    _annotations: TableWrite | None = None
    _renew_after: datetime | None = None

    def assets(self) -> TableWrite:
        """The write to the assets table; begun when first asked for."""
        if self._assets is None:
            self.datasets.at_step(Step.RESTORE_ASSETS)
            self._assets = self._begin(self.head.assets)
        return self._assets

    def annotations(self) -> TableWrite:
        """The write to the annotations table; begun when first asked for."""
        if self._annotations is None:
            self.datasets.at_step(Step.RESTORE_ANNOTATIONS)
            self._annotations = self._begin(self.head.annotations)
        return self._annotations

    def stay_alive(self) -> None:
        """Renew the lease where it is due; call it now and then while writing for long. Raises `LeaseLost`."""
        if self.lease is None:
            return
        now = self.datasets.clock.now()
        if now >= (self._renew_after or self.now + renewal_due(self.datasets)):
            renew_lease(self.datasets, self.lease)
            self._renew_after = now + renewal_due(self.datasets)

    def write(self) -> tuple[TableRef, TableRef]:
        """Write both tables' new versions; still nobody points to them."""
        assets, annotations = self.head.assets, self.head.annotations
        if self._assets is not None:
            self.datasets.at_step(Step.WRITE_ASSETS)
            assets = self._assets.commit(reindex_above=self.datasets.reindex_above)
        if self._annotations is not None:
            self.datasets.at_step(Step.WRITE_ANNOTATIONS)
            annotations = self._annotations.commit(reindex_above=self.datasets.reindex_above)
        return assets, annotations

    def _begin(self, ref: TableRef) -> TableWrite:
        by = {} if self.lease is None else {"fence": str(self.lease.fence), "owner": self.lease.owner}
        return self.datasets.tables.write(ref, by)


def revise(
    datasets: Datasets,
    version_id: str,
    make: Callable[[Draft], Outcome],
    *,
    author: Author,
    summary: str,
    in_transaction: InTransaction | None = None,
) -> Committed:
    """Commit what `make` writes into the draft. It is called again, on the new head, where somebody came in between.

    `in_transaction` runs inside the one transaction that makes the change visible.
    """
    for attempt in range(1, ATTEMPTS + 1):
        lease = take_lease(datasets, version_id)
        try:
            draft = _draft(datasets, lease)
            outcome = make(draft)
            refs = draft.write()
            datasets.at_step(Step.POINT)
            return _point(draft, lease, refs, outcome, author=author, summary=summary, in_transaction=in_transaction)
        except (ForeignWrite, HeadMoved):
            if attempt == ATTEMPTS:
                raise
        finally:
            release_lease(datasets, lease)
    raise AssertionError


def add_revision(  # noqa: PLR0913 - the columns of a Revision
    session: Session,
    version: VersionRow,
    base: Pinned,
    *,
    tables: tuple[TableRef, TableRef],
    labels: tuple[Label, ...],
    outcome: Outcome,
    author: Author,
    summary: str,
    now: datetime,
) -> int:
    """Write the next Revision and move the pointer to it; its number."""
    number = version.head_number + 1
    base_row = session.get_one(RevisionRow, (base.version_id, base.number))
    label_set_id = base_row.label_set_id if labels == base.labels else write_label_set(session, labels)
    assets, annotations = tables
    session.add(
        RevisionRow(
            version_id=version.id,
            number=number,
            assets_branch=assets.branch,
            assets_version=assets.version,
            annotations_branch=annotations.branch,
            annotations_version=annotations.version,
            label_set_id=label_set_id,
            parent_number=base.number,
            author_id=author.user_id,
            run_id=author.run_id,
            summary=summary,
            counts={
                **asdict(outcome.counts),
                **{name: count for name, count in outcome.step.items() if count},
            },
            fence=version.lease_fence,
            created_at=now,
        )
    )
    version.head_number = number
    return number


def write_label_set(session: Session, labels: tuple[Label, ...]) -> str:
    """Keep a set of Labels; its id."""
    row = LabelSetRow(
        id=new_id("labels"),
        labels=[{"id": label.id, "name": label.name, "color": label.color} for label in labels],
    )
    session.add(row)
    session.flush()
    return row.id


def require_head(row: VersionRow, base: Pinned) -> None:
    """Raise `HeadMoved` where the head is not the Revision that the change was built on."""
    if row.head_number != base.number:
        raise HeadMoved(row.name)


def change_pointer(
    datasets: Datasets,
    version_id: str,
    make: Callable[[Session, Pinned], tuple[tuple[TableRef, TableRef], tuple[Label, ...], Outcome]],
    *,
    author: Author,
    summary: str,
) -> Committed:
    """Commit a change that writes nothing to the tables (Labels renamed, an old state pointed to again).

    It is one SQL transaction and needs no lease: a commit under way finds the head moved, and builds itself anew.
    """
    datasets.at_step(Step.POINT)
    with datasets.database.transaction() as session:
        row = locked_row(session, version_id)
        require_open(row)
        head = pinned(session, version_id)
        tables, labels, outcome = make(session, head)
        if (tables, labels) == ((head.assets, head.annotations), head.labels):
            return Committed(head.number, changed=False, outcome=outcome)
        number = add_revision(
            session,
            row,
            head,
            tables=tables,
            labels=labels,
            outcome=outcome,
            author=author,
            summary=summary,
            now=datasets.clock.now(),
        )
        return Committed(number, changed=True, outcome=outcome)


def _draft(datasets: Datasets, lease: Lease) -> Draft:
    head = pin(datasets, lease.version_id)
    return Draft(datasets, lease, head, head.labels, datasets.clock.now())


def _point(
    draft: Draft,
    lease: Lease,
    refs: tuple[TableRef, TableRef],
    outcome: Outcome,
    *,
    author: Author,
    summary: str,
    in_transaction: InTransaction | None,
) -> Committed:
    datasets, head = draft.datasets, draft.head
    with datasets.database.transaction() as session:
        row = locked_row(session, head.version_id)
        require_fence(row, lease)
        require_head(row, head)
        require_open(row)
        changed = (refs, draft.labels) != ((head.assets, head.annotations), head.labels)
        number = head.number
        if changed:
            number = add_revision(
                session,
                row,
                head,
                tables=refs,
                labels=draft.labels,
                outcome=outcome,
                author=author,
                summary=summary,
                now=draft.now,
            )
        free(session, row)
        committed = Committed(number, changed=changed, outcome=outcome)
        if in_transaction is not None:
            in_transaction(session, committed)
        return committed
