"""Import sessions: chunks are staged as they come, and one commit at the end makes all of them visible.

A chunk that was staged need not be sent again: an import that was cut off is opened again under the same key and
goes on. Finishing twice gives the first report. What a killed client staged is swept a week later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill.annotations import AnnotationColumns, require_attributes
from pixmill.errors import Conflict, InvalidInput, NotFound
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.addresses import parse_address
from pixmill_server.datasets.changes import Existing
from pixmill_server.datasets.errors import AddressInvalid, VersionLocked, VersionNotFound
from pixmill_server.datasets.ingest import Checked, Ingest, Offered, StagedImage, check_images, missing_objects
from pixmill_server.datasets.queries import find_version
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import ImportRow
from pixmill_server.kernel.ids import new_id

ABANDONED_AFTER = timedelta(days=7)
_DIGITS = 6


class ImportFinished(Conflict):
    """An import that takes no more chunks."""

    code = "import-finished"

    def __init__(self, import_id: str) -> None:
        super().__init__(f"The import '{import_id}' is finished.", hint="Begin another one.")


@dataclass(frozen=True, slots=True)
class ImportWish:
    """What a client wants to import."""

    address: str
    key: str
    format_name: str = ""
    existing: Existing = Existing.KEEP
    """What is done with annotations of assets that have some already."""
    replace_images: bool = False
    """Take another image under a path that the version has, instead of refusing it."""


@dataclass(frozen=True, slots=True)
class OpenImport:
    """An import that takes chunks."""

    id: str
    staged: Sequence[str]
    """Names of the chunks that are there: `images-000000`, `annotations-000003`."""


class StagedChunk(msgspec.Struct):
    """One chunk of images as it lies among the objects."""

    images: list[StagedImage]
    refused: dict[str, str] = msgspec.field(default_factory=dict)
    resized: list[str] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ChunkAnswer:
    """What became of a chunk of images."""

    missing: Sequence[str] = ()
    """Digests whose bytes have to be sent before the chunk is sent again; it was not staged."""
    refused: dict[str, str] = field(default_factory=dict)


def begin_import(datasets: Datasets, actor: Actor, wish: ImportWish) -> OpenImport:
    """Open an import, or the one that was begun under this key and never finished. Nothing is visible of it."""
    parsed = parse_address(wish.address)
    if parsed.number is not None:
        raise AddressInvalid(wish.address)
    with datasets.database.transaction() as session:
        version_id = _unlocked_version(session, actor, wish.address)
        row = session.scalar(
            select(ImportRow)
            .where(
                ImportRow.organization_id == actor.organization_id,
                ImportRow.key == wish.key,
                ImportRow.address == wish.address,
                ImportRow.finished_at.is_(None),
            )
            .order_by(ImportRow.created_at.desc())
        )
        if row is None:
            row = _new_row(actor, wish, datasets.clock.now())
            session.add(row)
        row.options, row.version_id = _options(wish), version_id
        import_id = row.id
    return OpenImport(import_id, staged_names(datasets, import_id))


def stage_images(ingest: Ingest, actor: Actor, import_id: str, index: int, images: Sequence[Offered]) -> ChunkAnswer:
    """Check and stage a chunk of images; the same chunk again replaces it."""
    datasets = ingest.datasets
    require_open_import(datasets, actor, import_id)
    missing = missing_objects(datasets.objects, images)
    if missing:
        return ChunkAnswer(missing=missing)
    checked: Checked = check_images(ingest, images)
    chunk = StagedChunk(list(checked.staged), dict(checked.refused), list(checked.resized))
    datasets.objects.put_named(chunk_key(import_id, "images", index), msgspec.msgpack.encode(chunk))
    return ChunkAnswer(refused=chunk.refused)


def stage_annotations(datasets: Datasets, actor: Actor, import_id: str, index: int, packed: bytes) -> None:
    """Stage a chunk of `AnnotationColumns`, keyed by path; raises `InvalidInput` where it is none."""
    require_open_import(datasets, actor, import_id)
    try:
        require_attributes(AnnotationColumns.from_bytes(packed))
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidInput(
            f"Chunk {index} does not hold annotations: {error}.", hint="Send AnnotationColumns as MessagePack."
        ) from error
    datasets.objects.put_named(chunk_key(import_id, "annotations", index), packed)


def staged_names(datasets: Datasets, import_id: str) -> list[str]:
    """The chunks that are there, by name."""
    return [named.key.rsplit("/", 1)[1] for named in datasets.objects.list_named(f"imports/{import_id}")]


def forget_chunks(datasets: Datasets, import_id: str) -> None:
    """Remove what was staged; nothing happens where it is gone already."""
    for named in datasets.objects.list_named(f"imports/{import_id}"):
        datasets.objects.delete_named(named.key)


def forget_staged(datasets: Datasets, import_id: str) -> None:
    """Remove its chunks of images and annotations; files that were sent stay."""
    for named in datasets.objects.list_named(f"imports/{import_id}"):
        if named.key.rsplit("/", 1)[1].startswith(("images-", "annotations-")):
            datasets.objects.delete_named(named.key)


def sweep_abandoned(datasets: Datasets) -> int:
    """Forget imports that nobody finished for a week; how many there were."""
    with datasets.database.transaction() as session:
        rows = session.scalars(
            select(ImportRow).where(
                ImportRow.finished_at.is_(None), ImportRow.created_at < datasets.clock.now() - ABANDONED_AFTER
            )
        ).all()
        ids = [row.id for row in rows]
        for row in rows:
            session.delete(row)
    for import_id in ids:
        forget_chunks(datasets, import_id)
    return len(ids)


def require_open_import(datasets: Datasets, actor: Actor, import_id: str) -> ImportRow:
    """Raises `NotFound`, and `ImportFinished` where it takes no more chunks."""
    row = find_import(datasets, actor, import_id)
    if row.finished_at is not None:
        raise ImportFinished(import_id)
    return row


def find_import(datasets: Datasets, actor: Actor, import_id: str) -> ImportRow:
    """Of the actor's Organization; raises `NotFound`."""
    with datasets.database.reading() as session:
        row = session.get(ImportRow, import_id)
        if row is None or row.organization_id != actor.organization_id:
            raise NotFound("import", import_id)
        return row


def chunk_key(import_id: str, kind: str, index: int) -> str:
    """Where a chunk lies among the named objects; in order of their names they are in order of their numbers."""
    return f"imports/{import_id}/{kind}-{index:0{_DIGITS}}"


def _unlocked_version(session: Session, actor: Actor, address: str) -> str | None:
    """Its id; a locked one is refused before anything is sent. None: there is none yet, and the commit makes it."""
    try:
        version = find_version(session, actor.organization_id, parse_address(address))
    except VersionNotFound:
        return None
    if version.locked:
        raise VersionLocked(address)
    return version.id


def _new_row(actor: Actor, wish: ImportWish, now: datetime) -> ImportRow:
    return ImportRow(
        id=new_id("imp"),
        organization_id=actor.organization_id,
        key=wish.key,
        address=wish.address,
        options=_options(wish),
        created_by=actor.user_id,
        created_at=now,
    )


def _options(wish: ImportWish) -> dict[str, str | bool]:
    return {"format": wish.format_name, "existing": str(wish.existing), "replace": wish.replace_images}
