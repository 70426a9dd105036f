"""Where a Revision lies, for users who open it with Lance, DuckDB, Polars, PyTorch or Ray: nothing is locked in."""

from dataclasses import dataclass

from pixmill_server.datasets.records import Label, Pinned
from pixmill_server.datasets.stores import Datasets
from pixmill_server.storage.tables import TableRef


@dataclass(frozen=True, slots=True)
class LanceAddress:
    """`lance.dataset(uri).checkout_version((branch, version))` reads this table as the Revision has it."""

    uri: str
    branch: str
    version: int


@dataclass(frozen=True, slots=True)
class LanceAddresses:
    """Both tables of one Revision, and the Labels that `annotations.label_id` names."""

    number: int
    assets: LanceAddress
    annotations: LanceAddress
    labels: tuple[Label, ...]


def to_lance(datasets: Datasets, pinned: Pinned) -> LanceAddresses:
    """The pair stays readable for at least the grace of `maintain` after compaction has replaced it."""

    def address(ref: TableRef) -> LanceAddress:
        return LanceAddress(datasets.tables.uri(ref.name), ref.branch, ref.version)

    return LanceAddresses(pinned.number, address(pinned.assets), address(pinned.annotations), pinned.labels)
