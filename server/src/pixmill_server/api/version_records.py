"""DatasetVersions, Revisions and Labels as they are told."""

from pixmill.wire.datasets import Counts, Label, LabelCount, Revision, Version
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.users import user_names
from pixmill_server.datasets import queries, records
from pixmill_server.datasets.addresses import parse_address
from pixmill_server.datasets.read import label_histogram


def version_at(services: wiring.Services, actor: Actor, address: str) -> Version:
    """By `street/v1`, or `street/v1@17`."""
    parsed = parse_address(address)
    with services.database.reading() as session:
        version_id = queries.find_version(session, actor.organization_id, parsed).id
    return version(services, actor, version_id, number=parsed.number)


def version(services: wiring.Services, actor: Actor, version_id: str, *, number: int | None = None) -> Version:
    """One version at one Revision (None: its head); not found for another Organization."""
    with services.database.reading() as session:
        row = queries.version_by_id(session, actor.organization_id, version_id)
        address = queries.address_of(session, row.id)
        pinned = queries.pinned(session, row.id, number)
        revision = queries.find_revision(session, row.id, pinned.number)
        forked_from = None
        if row.forked_from_version_id is not None:
            forked_from = f"{queries.address_of(session, row.forked_from_version_id)}@{row.forked_from_number}"
    return Version(
        id=row.id,
        dataset_id=row.dataset_id,
        dataset=address.dataset,
        name=row.name,
        address=f"{address.dataset}/{row.name}",
        revision=pinned.number,
        head=row.head_number,
        locked=row.locked,
        labels=[Label(id=label.id, name=label.name, color=label.color) for label in pinned.labels],
        counts=counts(pinned.counts),
        forked_from=forked_from,
        created_at=row.created_at,
        changed_at=revision.created_at,
    )


def revisions(services: wiring.Services, version_id: str, *, before: int | None, limit: int) -> list[Revision]:
    """Newest first, one more than `limit` where there are more."""
    with services.database.reading() as session:
        rows = queries.list_revisions(session, version_id, before=before, limit=limit + 1).items
    names = user_names(services.accounts, {row.author_id for row in rows if row.author_id is not None})
    return [
        Revision(
            number=row.number,
            summary=row.summary,
            author=names.get(row.author_id or ""),
            run_id=row.run_id,
            parent=row.parent_number,
            counts=counts(queries.counts_of(row)),
            step={key: value for key, value in row.counts.items() if key not in Counts.model_fields},
            created_at=row.created_at,
        )
        for row in rows
    ]


def labels(services: wiring.Services, actor: Actor, version_id: str, *, number: int | None = None) -> list[LabelCount]:
    """In their order, with the annotations that have each."""
    with services.database.reading() as session:
        pinned = queries.pinned(session, queries.version_by_id(session, actor.organization_id, version_id).id, number)
    return [
        LabelCount(id=label.id, name=label.name, color=label.color, annotations=count)
        for label, count in label_histogram(services.datasets, pinned)
    ]


def counts(found: records.Counts) -> Counts:
    """As they are told."""
    return Counts(assets=found.assets, annotations=found.annotations, annotated_assets=found.annotated_assets)
