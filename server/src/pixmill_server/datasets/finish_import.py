"""The end of an import: what was staged becomes one Revision."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

import msgspec
import numpy as np
from sqlalchemy.orm import Session

from pixmill.annotations import AnnotationColumns, Origin, Source
from pixmill.errors import InvalidInput, NotFound
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.addresses import parse_address
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource, Existing, OtherDigest
from pixmill_server.datasets.commit import OTHER_IMAGE, VANISHED, commit
from pixmill_server.datasets.errors import NameTaken, VersionNotFound
from pixmill_server.datasets.existing import one_of
from pixmill_server.datasets.imports import StagedChunk, chunk_key, find_import, forget_chunks, staged_names
from pixmill_server.datasets.ingest import NO_BYTES, StagedImage, assets_batch
from pixmill_server.datasets.label_rules import require_label_name
from pixmill_server.datasets.queries import find_version, pin, pinned, version_by_id
from pixmill_server.datasets.revise import Author, Committed
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import ImportRow, LabelOriginRow
from pixmill_server.datasets.turning import turn
from pixmill_server.datasets.versions import create_version

_EXAMPLES = 100
NO_IMAGE = "the image that its shapes are on was not imported"
NOT_IN_VERSION = "the image that its shapes are on is neither in the import nor in the version"
TURNED = "its annotation file has width and height swapped: the shapes were turned by the photograph's orientation"
RESIZED = "its size is another than the annotation file says: the shapes were kept as they are"


@dataclass(frozen=True, slots=True)
class ImportedLabel:
    """A class of the imported file."""

    name: str
    external_id: int = -1
    supercategory: str = ""
    keypoints: Sequence[str] = ()
    skeleton: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class FinishWish:
    """What the client says it sent."""

    image_chunks: int
    annotation_chunks: int
    labels: Sequence[ImportedLabel] = ()
    summary: str = "Import"


@dataclass(slots=True)
class Reasons:
    """How often each reason came up, with some names."""

    counts: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, name: str, count: int = 1) -> None:
        """One more."""
        self.counts[reason] = self.counts.get(reason, 0) + count
        names = self.names.setdefault(reason, [])
        if len(names) < _EXAMPLES:
            names.append(name)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did."""

    version_id: str
    number: int
    """Of the Revision that holds it."""
    changed: bool
    added_assets: int
    unchanged_assets: int
    """The same path and image were there already."""
    added_annotations: int
    new_labels: Sequence[str]
    refused: Reasons
    """What was wrong."""
    skipped: Reasons
    """What was right, but already there or not wanted."""
    notes: Reasons


class _FinishedMeanwhile(Exception):
    """Another finish of the same import was first."""


def finish_import(datasets: Datasets, actor: Actor, import_id: str, wish: FinishWish) -> ImportReport:
    """Commit everything that was staged, once; the second time, even at the same time, the first report again."""
    first = stored_report(datasets, actor, import_id)
    if first is not None:
        return first
    try:
        return _finish(datasets, actor, import_id, wish)
    except (_FinishedMeanwhile, NotFound, InvalidInput):
        # Whoever finishes first removes the chunks, maybe while the other one still reads them.
        first = stored_report(datasets, actor, import_id)
        if first is None:
            raise
        return first


def stored_report(datasets: Datasets, actor: Actor, import_id: str) -> ImportReport | None:
    """None while the import is open."""
    row = find_import(datasets, actor, import_id)
    if row.finished_at is None or row.report is None:
        return None
    return msgspec.convert(row.report, ImportReport)


def _finish(datasets: Datasets, actor: Actor, import_id: str, wish: FinishWish) -> ImportReport:
    row = find_import(datasets, actor, import_id)
    _require_chunks(datasets, import_id, wish)
    for label in wish.labels:
        require_label_name(label.name)
    version_id = _version(datasets, actor, row)
    with datasets.database.reading() as session:
        known = {label.name for label in pinned(session, version_id).labels}
    reading = _Reading(datasets, version_id, import_id, wish)
    reports: list[ImportReport] = []

    def keep_report(session: Session, committed: Committed) -> None:
        open_row = session.get_one(ImportRow, import_id, with_for_update=True)
        if open_row.finished_at is not None:
            raise _FinishedMeanwhile
        new_labels = [label.name for label in wish.labels if label.name not in known]
        reports.append(_report(version_id, committed, reading, new_labels))
        _note_origins(session, version_id, committed, wish.labels)
        open_row.version_id, open_row.number = version_id, committed.number
        open_row.report = asdict(reports[-1])
        open_row.finished_at = datasets.clock.now()

    commit(
        datasets,
        version_id,
        _change(reading, replace_images=bool(row.options["replace"])),
        author=Author(user_id=actor.user_id),
        summary=wish.summary,
        existing=Existing(str(row.options["existing"])),
        in_transaction=keep_report,
    )
    forget_chunks(datasets, import_id)
    return reports[-1]


def _change(reading: "_Reading", *, replace_images: bool) -> ChangeSource:
    return ChangeSource(
        parts=reading.parts,
        origin=Origin(Source.IMPORT),
        assets_by=AssetKey.PATH,
        new_labels=[label.name for label in reading.wish.labels],
        other_digest=OtherDigest.REPLACE if replace_images else OtherDigest.REFUSE,
    )


@dataclass(slots=True)
class _Reading:
    """The staged chunks as parts of a change; may be read again from the start."""

    datasets: Datasets
    version_id: str
    import_id: str
    wish: FinishWish
    refused: Reasons = field(default_factory=Reasons)
    notes: Reasons = field(default_factory=Reasons)

    def parts(self) -> Iterator[ChangePart]:
        """Images first, then annotations."""
        self.refused, self.notes = Reasons(), Reasons()
        missing: set[str] = set()
        turned: dict[str, StagedImage] = {}
        for index in range(self.wish.image_chunks):
            chunk = msgspec.msgpack.decode(self._chunk("images", index), type=StagedChunk)
            missing |= self._note(chunk)
            turned |= {image.path: image for image in chunk.images if image.turn}
            if chunk.images:
                yield ChangePart(assets=assets_batch(chunk.images, self.datasets))
        for index in range(self.wish.annotation_chunks):
            columns = self._without(AnnotationColumns.from_bytes(self._chunk("annotations", index)), missing)
            for path in turned.keys() & set(columns.assets) if turned else ():
                columns = turn(columns, path, turned[path].orientation, turned[path].width, turned[path].height)
            if len(columns):
                yield ChangePart(annotations=columns)

    def _note(self, chunk: StagedChunk) -> set[str]:
        """Take what is to be said of a chunk into the report; paths of images that will not be there."""
        there = self._in_version([path for path, reason in chunk.refused.items() if reason == NO_BYTES])
        refused = {path: reason for path, reason in chunk.refused.items() if path not in there}
        for path, reason in refused.items():
            self.refused.add(reason, path)
        for path in chunk.resized:
            self.notes.add(RESIZED, path)
        for image in chunk.images:
            if image.turn:
                self.notes.add(TURNED, image.path)
        return set(refused)

    def _in_version(self, paths: list[str]) -> set[str]:
        """Those that the version has already."""
        if not paths:
            return set()
        pinned = pin(self.datasets, self.version_id)
        found = self.datasets.tables.open(pinned.assets).to_table(columns=["path"], filter=one_of("path", paths))
        return set(found["path"].to_pylist())

    def _chunk(self, kind: str, index: int) -> bytes:
        return self.datasets.objects.get_named(chunk_key(self.import_id, kind, index))

    def _without(self, columns: AnnotationColumns, missing: set[str]) -> AnnotationColumns:
        """The annotations of images that were not refused."""
        lost = [place for place, path in enumerate(columns.assets) if path in missing] if missing else []
        if not lost:
            return columns
        counts = np.bincount(columns.asset, minlength=len(columns.assets))
        for place in lost:
            self.refused.add(NO_IMAGE, columns.assets[place], int(counts[place]))
        keep = ~np.isin(columns.asset, lost)
        return _compact(columns.take(np.flatnonzero(keep)))


def _compact(columns: AnnotationColumns) -> AnnotationColumns:
    """Without the names of assets that have no row."""
    present, index = np.unique(columns.asset, return_inverse=True)
    names = tuple(columns.assets[place] for place in present.tolist())
    return replace(columns, assets=names, asset=index.astype(np.int32))


def _require_chunks(datasets: Datasets, import_id: str, wish: FinishWish) -> None:
    staged = set(staged_names(datasets, import_id))
    kinds = (("images", wish.image_chunks), ("annotations", wish.annotation_chunks))
    keys = [chunk_key(import_id, kind, index) for kind, count in kinds for index in range(count)]
    lost = [name for key in keys if (name := key.rsplit("/", 1)[1]) not in staged]
    if lost:
        raise InvalidInput(
            f"The import '{import_id}' lacks {len(lost)} chunks: {', '.join(lost[:5])}.", hint="Send them, then finish."
        )


def _version(datasets: Datasets, actor: Actor, row: ImportRow) -> str:
    """The id of the version that the import began on, whatever its name is now; it is made where there was none."""
    if row.version_id is None:
        return _made_or_found(datasets, actor, row.address)
    with datasets.database.reading() as session:
        try:
            return version_by_id(session, actor.organization_id, row.version_id).id
        except VersionNotFound as error:
            # Deleted meanwhile: a new one of its name is not what anybody asked for.
            raise VersionNotFound(row.address) from error


def _made_or_found(datasets: Datasets, actor: Actor, address: str) -> str:
    for _attempt in range(2):
        try:
            with datasets.database.reading() as session:
                return find_version(session, actor.organization_id, parse_address(address)).id
        except VersionNotFound:
            # Somebody else may make it at the same moment: then it is found.
            with suppress(NameTaken):
                return create_version(datasets, actor, address).id
    raise VersionNotFound(address)


def _report(version_id: str, committed: Committed, reading: _Reading, new_labels: list[str]) -> ImportReport:
    step, skipped = committed.outcome.step, Reasons()
    refused = reading.refused
    for one in committed.outcome.skipped:
        reason = NOT_IN_VERSION if one.reason == VANISHED else one.reason
        (refused if reason in (OTHER_IMAGE, NOT_IN_VERSION) else skipped).add(reason, one.asset)
    return ImportReport(
        version_id=version_id,
        number=committed.number,
        changed=committed.changed,
        added_assets=step.get("added_assets", 0),
        unchanged_assets=step.get("unchanged_assets", 0),
        added_annotations=step.get("added_annotations", 0),
        new_labels=new_labels,
        refused=refused,
        skipped=skipped,
        notes=reading.notes,
    )


def _note_origins(session: Session, version_id: str, committed: Committed, imported: Sequence[ImportedLabel]) -> None:
    """Remember what the file says of its classes, for Labels that nobody has said anything of."""
    ids = {label.name: label.id for label in pinned(session, version_id, committed.number).labels}
    for label in imported:
        label_id = ids.get(label.name)
        if label_id is not None and session.get(LabelOriginRow, label_id) is None:
            session.add(
                LabelOriginRow(
                    label_id=label_id,
                    external_id=label.external_id,
                    supercategory=label.supercategory,
                    keypoints=list(label.keypoints),
                    skeleton=[list(pair) for pair in label.skeleton],
                )
            )
