"""The version that a Run is to make: its name, checked at the launch, and once more by the commit."""

from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill.errors import Conflict, InvalidInput, PixmillError
from pixmill_server.datasets.addresses import parse_address, require_name
from pixmill_server.datasets.tables import DatasetRow, VersionRow
from pixmill_server.jobs.lifecycle import ACTIVE
from pixmill_server.jobs.pins import PinnedProcessing
from pixmill_server.jobs.tables import JobRow, RunRow

FIELD: Final = "to"


class NewVersionTaken(Conflict):
    """A Run that is to make a version whose name another one has, or is about to get."""

    code = "name-taken"
    field = FIELD

    def __init__(self, message: str, *, dataset: str) -> None:
        hint = f"Give another name, as in --to {dataset}/NAME; a Run that had ended takes one with --resume too."
        super().__init__(message, hint=hint)


def name_new_version(session: Session, processing: PinnedProcessing, base: VersionRow, to: str | None) -> str | None:
    """The name, within the Dataset of `base`, that a Run's version is to have; None where the Processing makes none.

    Raises `InvalidInput` and `NewVersionTaken`, both with the field `to`.
    """
    dataset = session.get_one(DatasetRow, base.dataset_id).name
    if not processing.new_version:
        if to is not None:
            raise InvalidInput(f"{processing.name} makes no new version.", hint="Leave --to out.", field=FIELD)
        return None
    if to is None:
        raise InvalidInput(
            f"{processing.name} makes a new version, and no name is given for it.",
            hint=f"Give one with --to, as in --to {dataset}/NAME.",
            field=FIELD,
        )
    name = _name(to, dataset)
    _require_free(session, base, dataset, name)
    return name


def taken_names(session: Session, version_id: str) -> set[str]:
    """The names in the same Dataset that are not free: of versions, and of those that Runs are making."""
    dataset_id = session.get_one(VersionRow, version_id).dataset_id
    named = select(VersionRow.name).where(VersionRow.dataset_id == dataset_id, VersionRow.deleted_at.is_(None))
    making = (
        select(RunRow.new_version)
        .join(JobRow, JobRow.id == RunRow.job_id)
        .join(VersionRow, VersionRow.id == JobRow.version_id)
        .where(VersionRow.dataset_id == dataset_id, RunRow.status.in_([str(status) for status in ACTIVE]))
    )
    return {*session.scalars(named), *(name for name in session.scalars(making) if name)}


def _name(to: str, dataset: str) -> str:
    if "/" not in to:
        to = f"{dataset}/{to}"
    try:
        address = parse_address(to)
        require_name("version", address.version)
    except PixmillError as error:
        raise InvalidInput(error.message, hint=f"Write it as {dataset}/v2.", field=FIELD) from error
    if address.number is not None or address.dataset != dataset:
        raise InvalidInput(
            f"The new version cannot be '{to}': it is made in the Dataset of the one that is processed.",
            hint=f"Write it as {dataset}/{address.version}.",
            field=FIELD,
        )
    return address.version


def _require_free(session: Session, base: VersionRow, dataset: str, name: str) -> None:
    of_dataset = VersionRow.dataset_id == base.dataset_id
    named = select(VersionRow.id).where(of_dataset, VersionRow.name == name, VersionRow.deleted_at.is_(None))
    if session.scalar(named) is not None:
        raise NewVersionTaken(f"There is a version '{dataset}/{name}' already.", dataset=dataset)
    making = session.scalar(
        select(RunRow.job_id)
        .join(JobRow, JobRow.id == RunRow.job_id)
        .join(VersionRow, VersionRow.id == JobRow.version_id)
        .where(of_dataset, RunRow.new_version == name, RunRow.status.in_([str(status) for status in ACTIVE]))
    )
    if making is not None:
        raise NewVersionTaken(f"{making} is making a version '{dataset}/{name}' right now.", dataset=dataset)
