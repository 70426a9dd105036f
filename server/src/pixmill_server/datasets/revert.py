"""Undo: an old state becomes the newest Revision again. History is only ever added to."""

from sqlalchemy.orm import Session

from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.queries import pinned, version_by_id
from pixmill_server.datasets.records import Label, Pinned
from pixmill_server.datasets.revise import Author, Committed, Outcome, change_pointer
from pixmill_server.datasets.stores import Datasets
from pixmill_server.storage.tables import TableRef


def revert(datasets: Datasets, actor: Actor, version_id: str, number: int) -> Committed:
    """A new Revision with the assets, annotations and Labels of Revision `number`; raises `RevisionNotFound`.

    It points to what is stored already, so it costs the same however much is undone; the next write restores that
    state before it adds to it.
    """

    def make(session: Session, head: Pinned) -> tuple[tuple[TableRef, TableRef], tuple[Label, ...], Outcome]:
        old = pinned(session, version_id, number)
        step = {
            "assets_difference": old.counts.assets - head.counts.assets,
            "annotations_difference": old.counts.annotations - head.counts.annotations,
        }
        return (old.assets, old.annotations), old.labels, Outcome(old.counts, step)

    with datasets.database.reading() as session:
        version_by_id(session, actor.organization_id, version_id)
    summary = f"Reverted to revision {number}"
    return change_pointer(datasets, version_id, make, author=Author(actor.user_id), summary=summary)
