"""Versions that a Run reads beside the one it is launched on: Parameters that are DatasetVersions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow.compute as pc
from sqlalchemy.orm import Session

from pixmill.annotations import Review
from pixmill.errors import NotFound, ParameterError
from pixmill.parameters import ParameterSpec, ParameterType
from pixmill_server.datasets.addresses import parse_address
from pixmill_server.datasets.errors import AddressInvalid
from pixmill_server.datasets.queries import find_version, pin, pinned
from pixmill_server.datasets.read import annotations_of, asset_by_id, assets_page
from pixmill_server.datasets.records import AssetRecord, Page, Pinned
from pixmill_server.datasets.rows import columns_from_rows
from pixmill_server.datasets.stores import Datasets
from pixmill_server.jobs.tables import RunRow


@dataclass(frozen=True, slots=True)
class ReadVersion:
    """One, pinned."""

    address: str
    """`street/v1@17`, as it was called at launch."""
    version_id: str
    number: int

    def as_json(self) -> dict[str, object]:
        """As the Run keeps it."""
        return {"version_id": self.version_id, "number": self.number}


def pin_versions(
    session: Session, organization_id: str, specs: Iterable[ParameterSpec], given: Mapping[str, object]
) -> dict[str, ReadVersion]:
    """By Parameter: the Revision that was asked for, else the newest. Raises `ParameterError` where there is none."""
    found = {}
    for spec in specs:
        value = given.get(spec.name, spec.default)
        if spec.type is ParameterType.DATASET_VERSION and isinstance(value, str) and value:
            found[spec.name] = _pin(session, organization_id, spec.name, value)
    return found


def read_of(run: RunRow, parameter: str) -> tuple[str, int]:
    """The id and the number of the Revision that a Parameter of the Run is; raises `NotFound`."""
    told = run.read_versions.get(parameter)
    if told is None:
        raise NotFound("DatasetVersion of the Run", parameter)
    return str(told["version_id"]), int(told["number"])


def read_assets(datasets: Datasets, read: tuple[str, int], *, after: str, limit: int) -> Page[AssetRecord]:
    """Assets by path, behind one ("": from the start)."""
    return assets_page(datasets, pin(datasets, *read), after=after or None, limit=limit)


def read_asset(datasets: Datasets, read: tuple[str, int], asset_id: str) -> AssetRecord:
    """One of them; raises `AssetNotFound`."""
    return asset_by_id(datasets, pin(datasets, *read), asset_id)


def read_annotations(datasets: Datasets, read: tuple[str, int], *, after: str, limit: int) -> bytes:
    """Of the same assets as `read_assets`, as `shapes_of` has them."""
    page = read_assets(datasets, read, after=after, limit=limit)
    return shapes_of(datasets, pin(datasets, *read), [str(asset.id) for asset in page.items])


def shapes_of(datasets: Datasets, state: Pinned, asset_ids: list[str]) -> bytes:
    """The assets' annotations, by id, as `AnnotationColumns`; without shapes that a human rejected."""
    rows = annotations_of(datasets, state, asset_ids)
    kept = rows.filter(pc.not_equal(rows["review"], str(Review.REJECTED)))
    return columns_from_rows(kept, state.labels).to_bytes()


def _pin(session: Session, organization_id: str, parameter: str, text: str) -> ReadVersion:
    try:
        address = parse_address(text)
        version = find_version(session, organization_id, address)
        state = pinned(session, version.id, address.number)
    except (AddressInvalid, NotFound) as error:
        raise ParameterError(parameter, text, expected="a DatasetVersion that there is, such as street/v1") from error
    return ReadVersion(f"{address.dataset}/{address.version}@{state.number}", version.id, state.number)
