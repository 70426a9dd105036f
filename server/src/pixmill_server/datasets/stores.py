"""What every use case of this package is given: the stores, the clock, and how long things may take."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from pixmill_server.datasets.asset_positions import AssetPositions
from pixmill_server.datasets.facets import Facets
from pixmill_server.datasets.kept import Kept
from pixmill_server.datasets.ranking import Ranking
from pixmill_server.datasets.records import AssetRecord
from pixmill_server.db.engine import Database
from pixmill_server.kernel.clock import Clock
from pixmill_server.storage.objects import Objects
from pixmill_server.storage.tables import Tables

LEASE_DURATION = timedelta(seconds=60)
LEASE_PATIENCE = timedelta(seconds=120)
REINDEX_ABOVE = 200_000
"""Rows that a look-up by index may read without it: some 10 ms."""
RANKINGS_BYTES = 128 * 1024 * 1024
FACETS_KEPT = 256
POSITIONS_BYTES = 128 * 1024 * 1024
RECORDS_KEPT = 5000


class Step(StrEnum):
    """The moments between which a writer can die; each is reached before what it names is done."""

    LEASE = "take the lease"
    RESTORE_ASSETS = "restore the assets' pinned version"
    RESTORE_ANNOTATIONS = "restore the annotations' pinned version"
    STAGE = "write files that nothing refers to"
    WRITE_ASSETS = "write the assets' new version"
    WRITE_ANNOTATIONS = "write the annotations' new version"
    BRANCH = "make a branch that nothing refers to"
    CLEAN = "drop versions that nothing reaches"
    POINT = "move the pointer"
    RELEASE = "let others go on"


def _go_on(_step: Step) -> None:
    """In production nothing happens between the steps."""


@dataclass(frozen=True, slots=True)
class Datasets:
    """Built once, in wiring."""

    database: Database
    tables: Tables
    objects: Objects
    clock: Clock
    lease_duration: timedelta = LEASE_DURATION
    lease_patience: timedelta = LEASE_PATIENCE
    reindex_above: int = REINDEX_ABOVE
    """A commit that leaves more rows than this outside the indexes brings them up to date."""
    at_step: Callable[[Step], None] = _go_on
    """Called with each step of a commit before it is done; tests stop writers there."""
    rankings: Kept[Ranking] = field(default_factory=lambda: Kept(RANKINGS_BYTES, lambda kept: kept.rows.nbytes))
    facets: Kept[Facets] = field(default_factory=lambda: Kept(FACETS_KEPT, lambda _: 1))
    positions: Kept[AssetPositions] = field(default_factory=lambda: Kept(POSITIONS_BYTES, lambda kept: kept.nbytes))
    records: Kept[AssetRecord] = field(default_factory=lambda: Kept(RECORDS_KEPT, lambda _: 1))
    """By the version of the assets table and the asset's id."""
