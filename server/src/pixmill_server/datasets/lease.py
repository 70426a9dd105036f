"""The write lease of a DatasetVersion: one commit at a time, and a fence against those that were too slow."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill_server.datasets.errors import LeaseLost, VersionBusy, VersionLocked, VersionNotFound
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.datasets.tables import VersionRow
from pixmill_server.db.engine import announce
from pixmill_server.kernel.ids import new_id
from pixmill_server.kernel.processes import is_gone, this_process

_LOOK_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Lease:
    """Ours until it expires, or this process ends, and somebody else takes it; the fence tells."""

    version_id: str
    owner: str
    fence: int


def take_lease(datasets: Datasets, version_id: str, *, also_locked: bool = False) -> Lease:
    """Wait for the version to be free; raises `VersionBusy`, `VersionLocked`, `VersionNotFound`.

    `also_locked` is for upkeep, which changes nothing that a locked or deleted version holds.
    """
    datasets.at_step(Step.LEASE)
    owner, deadline = f"{new_id('lease')}@{this_process()}", datasets.clock.now() + datasets.lease_patience
    while True:
        seen = datasets.database.signals.count(_topic(version_id))
        with datasets.database.transaction() as session:
            row = locked_row(session, version_id)
            if not also_locked:
                require_open(row)
            now = datasets.clock.now()
            if _is_free(row, now):
                row.lease_owner = owner
                row.lease_fence += 1
                row.lease_expires_at = now + datasets.lease_duration
                return Lease(version_id, owner, row.lease_fence)
        if now >= deadline:
            raise VersionBusy(row.name)
        datasets.database.signals.wait(_topic(version_id), _LOOK_AGAIN_SECONDS, seen=seen)


def _is_free(row: VersionRow, now: datetime) -> bool:
    if row.lease_owner is None or row.lease_expires_at is None or row.lease_expires_at <= now:
        return True
    # Nobody has to wait for a writer that was killed on this machine; a mistake would only cost the other its commit.
    return _has_ended(row.lease_owner)


def _has_ended(owner: str | None) -> bool:
    return owner is not None and is_gone(owner.partition("@")[2])


def renew_lease(datasets: Datasets, lease: Lease) -> None:
    """Go on holding it; raises `LeaseLost` where somebody else took it."""
    with datasets.database.transaction() as session:
        row = locked_row(session, lease.version_id)
        require_fence(row, lease)
        row.lease_expires_at = datasets.clock.now() + datasets.lease_duration


def release_lease(datasets: Datasets, lease: Lease) -> None:
    """Let the next one go on; nothing happens where it is not ours any more."""
    datasets.at_step(Step.RELEASE)
    with datasets.database.transaction() as session:
        row = locked_row(session, lease.version_id)
        if row.lease_owner == lease.owner:
            free(session, row)


def free(session: Session, row: VersionRow) -> None:
    """Give the lease up inside a transaction."""
    row.lease_owner = None
    row.lease_expires_at = None
    announce(session, _topic(row.id))


def free_abandoned(datasets: Datasets) -> int:
    """Free every version whose writer was killed on this machine, before anybody asks for it; how many."""
    with datasets.database.reading() as session:
        owned = session.execute(
            select(VersionRow.id, VersionRow.lease_owner).where(VersionRow.lease_owner.is_not(None))
        )
        dead = [(version_id, owner) for version_id, owner in owned if _has_ended(owner)]
    for version_id, owner in dead:
        with datasets.database.transaction() as session:
            row = locked_row(session, version_id)
            if row.lease_owner == owner:
                free(session, row)
    return len(dead)


def locked_row(session: Session, version_id: str) -> VersionRow:
    """The version's row, kept from other writers until the transaction ends; raises `VersionNotFound`."""
    row = session.scalar(select(VersionRow).where(VersionRow.id == version_id).with_for_update())
    if row is None:
        raise VersionNotFound(version_id)
    return row


def require_open(row: VersionRow) -> None:
    """Raise `VersionNotFound` for a deleted version, `VersionLocked` for a locked one."""
    if row.deleted_at is not None:
        raise VersionNotFound(row.name)
    if row.locked:
        raise VersionLocked(row.name)


def require_fence(row: VersionRow, lease: Lease) -> None:
    """Raise `LeaseLost` where a newer lease was given out since."""
    if row.lease_fence != lease.fence:
        raise LeaseLost(row.name)


def renewal_due(datasets: Datasets) -> timedelta:
    """After how long a holder should renew."""
    return datasets.lease_duration / 3


def _topic(version_id: str) -> str:
    return f"version-free:{version_id}"
