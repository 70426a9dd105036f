"""Reads what a browser sent for an import, in the background: the same formats and the same commit as everywhere.

Chunks that were staged are not staged again: a reading that was cut off, because the server stopped, goes on when it is
asked for again. How far it is lies in the database, so that whoever asks, of whichever server, is told.
"""

import logging
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final

import msgspec

from pixmill.errors import Conflict, FormatError, PixmillError
from pixmill.formats import AUTO, AnnotatedSource, Findings, FormatImage, Report, detect, get_format
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.finish_import import FinishWish, ImportedLabel, ImportReport, finish_import, stored_report
from pixmill_server.datasets.import_files import ReceivedFile, ReceivedFiles, open_received, receive_file
from pixmill_server.datasets.imports import find_import, forget_staged, stage_annotations, stage_images, staged_names
from pixmill_server.datasets.ingest import Ingest, Offered
from pixmill_server.datasets.pictures import ThumbnailMaker
from pixmill_server.datasets.stores import Datasets
from pixmill_server.datasets.tables import ImportReadingRow

IMAGES_AT_ONCE: Final = 100
SILENT_AFTER: Final = timedelta(seconds=30)
_SAY_EVERY: Final = timedelta(milliseconds=500)
logger = logging.getLogger(__name__)


class ReadingStage(StrEnum):
    """How far a reading is."""

    WAITING = "waiting"
    """Another one is being read."""
    IMAGES = "images"
    ANNOTATIONS = "annotations"
    COMMIT = "commit"
    FINISHED = "finished"
    REFUSED = "refused"
    """The whole could not be read, and nothing was imported."""
    INTERRUPTED = "interrupted"
    """Whoever read it stopped; asked for again, it goes on."""

    @property
    def is_over(self) -> bool:
        """Nothing more comes of itself."""
        return self in (ReadingStage.FINISHED, ReadingStage.REFUSED, ReadingStage.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class ReadOutcome:
    """What was read of the files, and why the whole was refused, if it was."""

    format_name: str = ""
    images: int = 0
    annotations: int = 0
    left_out: Mapping[str, Findings] = field(default_factory=dict)
    """By reason: what was wrong."""
    not_held: Mapping[str, Findings] = field(default_factory=dict)
    """By what it is: what Pixmill cannot hold."""
    notes: Mapping[str, Findings] = field(default_factory=dict)
    refused: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One import's, as it is now."""

    stage: ReadingStage
    done: float
    """Images; or, of annotations and the commit, a share from 0 to 1."""
    total: float
    outcome: ReadOutcome


class ImportBeingRead(Conflict):
    """Its files are being read, and take no change meanwhile."""

    code = "import-being-read"

    def __init__(self, import_id: str) -> None:
        super().__init__(
            f"The files of import '{import_id}' are being read.",
            hint="Wait until they are read, or send more in another import.",
        )


class _Stopped(Exception):
    """The server ends; somebody will ask for the rest."""


@dataclass(slots=True)
class ImportReader:
    """Reads one import after another, on a thread of its own."""

    ingest: Ingest
    thumbnails: ThumbnailMaker
    _wanted: "queue.SimpleQueue[tuple[Actor, str] | None]" = field(default_factory=queue.SimpleQueue)
    _mine: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def read(self, actor: Actor, import_id: str) -> Reading:
        """Begin, or go on with what was interrupted; returns at once, and nothing happens while it is under way.

        What was refused, or held nothing right, is read again from its start.
        """
        found = self.look(actor, import_id)
        datasets = self.ingest.datasets
        if found is not None and found.stage is not ReadingStage.INTERRUPTED:
            if not found.stage.is_over or stored_report(datasets, actor, import_id) is not None:
                return found
            # Nothing came of it: what was read then may not be what would be read now.
            forget_staged(datasets, import_id)
        with self._lock:
            if import_id not in self._mine:
                # Told first: of what could not be told, nothing is left behind, and it can be asked for again.
                _tell(datasets, import_id, ReadingStage.WAITING, 0, 0)
                self._mine.add(import_id)
                self._wanted.put((actor, import_id))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="imports", daemon=True)
                self._thread.start()
        return Reading(ReadingStage.WAITING, 0, 0, ReadOutcome())

    def look(self, actor: Actor, import_id: str) -> Reading | None:
        """How far it is; None where it was never asked for. Raises `NotFound` for an import that is none."""
        datasets = self.ingest.datasets
        find_import(datasets, actor, import_id)
        with datasets.database.reading() as session:
            row = session.get(ImportReadingRow, import_id)
        if row is None:
            return None
        stage = ReadingStage(row.stage)
        silent = row.seen_at < datasets.clock.now() - SILENT_AFTER
        if not stage.is_over and silent and import_id not in self._mine:
            stage = ReadingStage.INTERRUPTED
        return Reading(stage, row.done, row.total, _outcome(row.outcome))

    def receive(self, actor: Actor, import_id: str, path: str, pieces: Iterable[bytes]) -> ReceivedFile:
        """As `receive_file`; raises `ImportBeingRead`, also where the reading began while the file was on its way."""
        return receive_file(self.ingest.datasets, actor, import_id, path, self._while_idle(actor, import_id, pieces))

    def close(self) -> None:
        """Stop after the chunk that is being read."""
        self._stop.set()
        self._wanted.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (wanted := self._wanted.get()) is not None and not self._stop.is_set():
            actor, import_id = wanted
            try:
                self._read_one(actor, import_id)
            except Exception:
                # The import was told of as well as could be; whatever it met, those that wait behind it are read.
                logger.exception("reading an import stumbled", extra={"import_id": import_id})
            finally:
                self._mine.discard(import_id)

    def _read_one(self, actor: Actor, import_id: str) -> None:
        try:
            report = _read(self.ingest, actor, import_id, self._stop)
        except _Stopped:
            _tell(self.ingest.datasets, import_id, ReadingStage.INTERRUPTED, 0, 0)
        except Exception as error:  # noqa: BLE001 - whatever a format meets in a file is an answer to who sent it
            self._tell_why(actor, import_id, error)
        else:
            if report is not None:
                self.thumbnails.make_for(report.version_id, report.number)

    def _tell_why(self, actor: Actor, import_id: str, error: Exception) -> None:
        datasets = self.ingest.datasets
        logger.warning("import went wrong", extra={"import_id": import_id}, exc_info=error)
        report = stored_report(datasets, actor, import_id)
        if report is None:
            _tell(datasets, import_id, ReadingStage.REFUSED, 0, 0, _refusal(error))
        else:
            # Committed; only the saying so went wrong.
            _tell(datasets, import_id, ReadingStage.FINISHED, 1, 1)
            self.thumbnails.make_for(report.version_id, report.number)

    def _while_idle(self, actor: Actor, import_id: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        self._require_idle(actor, import_id)
        yield from pieces
        self._require_idle(actor, import_id)

    def _require_idle(self, actor: Actor, import_id: str) -> None:
        found = self.look(actor, import_id)
        if found is not None and not found.stage.is_over:
            raise ImportBeingRead(import_id)


def _read(ingest: Ingest, actor: Actor, import_id: str, stop: threading.Event) -> ImportReport | None:
    """From the files to the commit; None where nothing was right, so that there was nothing to commit."""
    datasets = ingest.datasets
    done = stored_report(datasets, actor, import_id)
    if done is not None:
        # Whoever committed it stopped before it could say so.
        _tell(datasets, import_id, ReadingStage.FINISHED, 1, 1)
        return done
    files = open_received(datasets, import_id)
    try:
        asked = str(find_import(datasets, actor, import_id).options["format"]) or AUTO
        name = detect(files) if asked == AUTO else asked
        with get_format(name).open(files) as source:
            told = _Told(datasets, import_id, stop)
            staging = _Staging(ingest, actor, import_id, files, source, told)
            images, annotations = staging.images(), staging.annotations()
            told.say(ReadingStage.COMMIT, 0, 1, at_once=True)
            report = None
            if staging.accepted or annotations:
                labels = [ImportedLabel(**asdict(label)) for label in source.labels]
                wish = FinishWish(images, annotations, labels, f"Import of {files.title} ({name})")
                report = finish_import(datasets, actor, import_id, wish)
            else:
                for path, reason in staging.refused.items():
                    source.report.skip(reason, path)
            _tell(datasets, import_id, ReadingStage.FINISHED, 1, 1, _read_outcome(name, source.report))
            return report
    finally:
        files.close()


@dataclass(slots=True)
class _Told:
    """Says how far it is, but not more often than anybody looks."""

    datasets: Datasets
    import_id: str
    stop: threading.Event
    _last: datetime | None = None

    def say(self, stage: ReadingStage, done: float, total: float, *, at_once: bool = False) -> None:
        if self.stop.is_set():
            raise _Stopped
        now = self.datasets.clock.now()
        if at_once or self._last is None or now - self._last >= _SAY_EVERY:
            self._last = now
            _tell(self.datasets, self.import_id, stage, done, total)


@dataclass(slots=True)
class _Staging:
    """Stages what a format reads, chunk by chunk; chunks that are there are not staged again."""

    ingest: Ingest
    actor: Actor
    import_id: str
    files: ReceivedFiles
    source: AnnotatedSource
    told: _Told
    accepted: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    def images(self) -> int:
        """All of them; how many chunks."""
        there = set(staged_names(self.ingest.datasets, self.import_id))
        count, done, total = 0, 0, self.source.image_count
        self.told.say(ReadingStage.IMAGES, 0, total, at_once=True)
        for count, images in enumerate(_chunks(self.source.images(), IMAGES_AT_ONCE), start=1):
            offered = [one for image in images if (one := self._offered(image)) is not None]
            if f"images-{count - 1:06}" in there:
                self.accepted += len(offered)
            else:
                answer = stage_images(self.ingest, self.actor, self.import_id, count - 1, offered)
                self.accepted += len(offered) - len(answer.refused)
                self.refused |= answer.refused
            done += len(images)
            self.told.say(ReadingStage.IMAGES, done, max(total, done))
        return count

    def annotations(self) -> int:
        """All of them; how many chunks."""
        count = 0
        for count, columns in enumerate(self.source.annotations(), start=1):
            stage_annotations(self.ingest.datasets, self.actor, self.import_id, count - 1, columns.to_bytes())
            self.told.say(ReadingStage.ANNOTATIONS, self.source.progress(), 1)
        return count

    def _offered(self, image: FormatImage) -> Offered | None:
        digest = ""
        if image.file is not None:
            try:
                digest = self.files.digest(image.file) or self._stored(image.file)
            except (OSError, FormatError) as error:
                self.source.report.skip(f"its file cannot be read: {error}", image.path)
                return None
        return Offered(
            path=image.path,
            digest=digest,
            width=image.width or 0,
            height=image.height or 0,
            external_id=image.external_id,
            metadata={**image.metadata, "coco_url": image.url} if image.url else dict(image.metadata),
        )

    def _stored(self, name: str) -> str:
        with self.files.open(name) as file:
            return self.ingest.datasets.objects.put(iter(lambda: file.read(1 << 20), b""))


def _tell(
    datasets: Datasets,
    import_id: str,
    stage: ReadingStage,
    done: float,
    total: float,
    outcome: ReadOutcome | None = None,
) -> None:
    with datasets.database.transaction() as session:
        row = session.get(ImportReadingRow, import_id, with_for_update=True)
        if row is None:
            row = ImportReadingRow(import_id=import_id)
            session.add(row)
        row.stage, row.done, row.total = stage, done, total
        row.outcome = asdict(outcome) if outcome is not None else {}
        row.seen_at = datasets.clock.now()


def _read_outcome(name: str, report: Report) -> ReadOutcome:
    return ReadOutcome(name, report.images, report.annotations, report.skipped, report.unsupported, report.notes)


def _refusal(error: Exception) -> ReadOutcome:
    if isinstance(error, PixmillError):
        return ReadOutcome(refused=error.message, hint=error.hint)
    return ReadOutcome(refused="The files could not be read.", hint="The server's log, on its machine, has the reason.")


def _outcome(stored: Mapping[str, object]) -> ReadOutcome:
    return msgspec.convert(stored, ReadOutcome)


def _chunks(items: Iterable[FormatImage], size: int) -> Iterator[Sequence[FormatImage]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
