"""Imports: read a format here, send what the server lacks, and commit it as one.

Cut off at any moment, the same import again goes on: bytes that are there are not sent again, nor are staged chunks.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Literal, TypeVar

import msgspec
from blake3 import blake3

from pixmill.client.connection import Connection
from pixmill.errors import FormatError, InvalidInput
from pixmill.formats import AUTO, AnnotatedSource, Files, FormatImage, Report, detect, get_format, open_files
from pixmill.formats.sizes import display_size
from pixmill.wire.imports import (
    BeginImport,
    FinishImport,
    Import,
    ImportLabel,
    ImportReport,
    OfferedImage,
    StagedImages,
    StageImages,
)

IMAGES_AT_ONCE = 250
REFERENCES_AT_ONCE = 5000
_THREADS = 4
_UNSENT_CHUNKS = 2
_PIECE_BYTES = 1 << 20
_FINISH_TIMEOUT_SECONDS = 3600.0

Stage = Literal["images", "annotations", "commit"]
Progress = Callable[[Stage, float, float], None]
"""Is told the stage, how much of it is done, and of how much."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import."""

    to: str
    """`street/v1`; made where there is none."""
    format_name: str = AUTO
    by_reference: bool = False
    """Leave the images where they are, for a server that reads them there; sizes in the file are trusted."""
    existing: Literal["keep", "add"] = "keep"
    """Assets that have annotations already are skipped, or get the new ones beside them."""
    replace_images: bool = False
    """Take another image under a path that the version has, instead of refusing it."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What was read here, and what the server made of it."""

    format_name: str
    labels: Sequence[str]
    """The classes that the file names."""
    read: Report
    committed: ImportReport | None
    """None: nothing was right, or it was a dry run, so nothing was written."""

    @property
    def refused_count(self) -> int:
        """How many things were wrong and left out."""
        refused = self.committed.refused if self.committed else []
        return self.read.skipped_count + sum(one.count for one in refused)


class Imports:
    """`client.imports`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, path: Path, options: ImportOptions, *, progress: Progress | None = None) -> ImportResult:
        """Import a file, folder or zip; writes nothing where the whole cannot be read, and raises `FormatError`."""
        files = open_files(path)
        name = detect(files) if options.format_name == AUTO else options.format_name
        with get_format(name).open(files) as source:
            wish = BeginImport(
                to=options.to,
                key=_key(path, files, name, options),
                format=name,
                existing=options.existing,
                replace_images=options.replace_images,
            )
            opened = self._connection.ask("POST", "/imports", Import, send=wish)
            session = _Session(self._connection, source, options, opened, progress or _say_nothing)
            with ThreadPoolExecutor(_THREADS) as threads:
                image_chunks = session.send_images(threads)
                annotation_chunks = session.send_annotations(threads)
            labels = [label.name for label in source.labels]
            if not session.accepted and not annotation_chunks:
                return ImportResult(name, labels, session.everything_refused(), None)
            report = session.finish(image_chunks, annotation_chunks, f"Import {path.name} ({name})")
            return ImportResult(name, labels, source.report, report)

    def preview(self, path: Path, options: ImportOptions, *, progress: Progress | None = None) -> ImportResult:
        """Read everything and send nothing; images are looked at by their headers only."""
        files = open_files(path)
        name = detect(files) if options.format_name == AUTO else options.format_name
        say = progress or _say_nothing
        with get_format(name).open(files) as source:
            for done, image in enumerate(source.images(), start=1):
                say("images", done, source.image_count)
                if image.file is None:
                    source.report.note("image files that are not there", image.path)
                elif display_size(files, image.file) is None:
                    source.report.skip("its header is not that of an image", image.path)
            for _ in source.annotations():
                say("annotations", source.progress(), 1.0)
            return ImportResult(name, [label.name for label in source.labels], source.report, None)


@dataclass(slots=True)
class _Session:
    """One import on its way."""

    connection: Connection
    source: AnnotatedSource
    options: ImportOptions
    opened: Import
    say: Progress
    accepted: int = 0
    """Images that the server took."""
    sent: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    def send_images(self, threads: ThreadPoolExecutor) -> int:
        """All of them, chunk by chunk, while the next ones are read; how many chunks."""
        size = REFERENCES_AT_ONCE if self.options.by_reference else IMAGES_AT_ONCE
        count = 0
        unsent: list[Future[int]] = []
        with ThreadPoolExecutor(1) as sender:
            for count, images in enumerate(_chunks(self.source.images(), size), start=1):
                if f"images-{count - 1:06}" in self.opened.staged:
                    self.accepted += len(images)
                    self._is_sent(len(images))
                else:
                    unsent.append(sender.submit(self._send_chunk, count - 1, images, threads))
                while len(unsent) > _UNSENT_CHUNKS:
                    self._is_sent(unsent.pop(0).result())
            for one in unsent:
                self._is_sent(one.result())
        return count

    def _is_sent(self, images: int) -> None:
        self.sent += images
        self.say("images", self.sent, self.source.image_count)

    def send_annotations(self, threads: ThreadPoolExecutor) -> int:
        """All of them, while the next ones are read; how many chunks."""
        count = 0
        unsent: list[Future[object]] = []
        for count, columns in enumerate(self.source.annotations(), start=1):
            if f"annotations-{count - 1:06}" not in self.opened.staged:
                path = f"/imports/{self.opened.id}/annotations/{count - 1}"
                unsent.append(threads.submit(self._put, path, columns.to_bytes()))
            while len(unsent) > _UNSENT_CHUNKS:
                unsent.pop(0).result()
            self.say("annotations", self.source.progress(), 1.0)
        for one in unsent:
            one.result()
        return count

    def finish(self, image_chunks: int, annotation_chunks: int, summary: str) -> ImportReport:
        """Make it visible."""
        self.say("commit", 0, 1)
        wish = FinishImport(
            image_chunks=image_chunks,
            annotation_chunks=annotation_chunks,
            labels=[
                ImportLabel(
                    name=label.name,
                    external_id=label.external_id,
                    supercategory=label.supercategory,
                    keypoints=list(label.keypoints),
                    skeleton=list(label.skeleton),
                )
                for label in self.source.labels
            ],
            summary=summary,
        )
        answer = self.connection.raw(
            "POST",
            f"/imports/{self.opened.id}/finish",
            content=wish.model_dump_json().encode(),
            timeout_seconds=_FINISH_TIMEOUT_SECONDS,
        )
        self.say("commit", 1, 1)
        return ImportReport.model_validate_json(answer.content)

    def everything_refused(self) -> Report:
        """What was read here, with what the server refused: there is no report of a commit to say it."""
        for path, reason in self.refused.items():
            self.source.report.skip(reason, path)
        return self.source.report

    def _send_chunk(self, index: int, images: Sequence[FormatImage], threads: ThreadPoolExecutor) -> int:
        """Offer a chunk, and send what of it the server lacks; how many images."""
        if self.options.by_reference:
            offered = [one for image in images if (one := self._reference(image)) is not None]
        else:
            offered = [one for one in threads.map(self._digested, images) if one is not None]
        path = f"/imports/{self.opened.id}/images/{index}"
        packed = msgspec.json.encode(StageImages(images=offered))
        answer = self._stage(path, packed)
        if answer.missing:
            names = {image.path: image.file for image in images}
            files = {one.digest: names[one.path] for one in offered}
            uploads = [(digest, file) for digest in answer.missing if (file := files.get(digest)) is not None]
            for _ in threads.map(lambda one: self._upload(*one), uploads):
                pass
            answer = self._stage(path, packed)
        if answer.missing:
            raise InvalidInput(
                f"{len(answer.missing)} images changed while they were sent.", hint="Start the same import again."
            )
        self.accepted += len(offered) - len(answer.refused)
        self.refused |= answer.refused
        return len(images)

    def _digested(self, image: FormatImage) -> OfferedImage | None:
        if image.file is None:
            # The version may have it: then its annotations are for that.
            return _offered(image)
        hasher = blake3()
        try:
            with self.source.files.open(image.file) as file:
                for piece in _pieces(file):
                    hasher.update(piece)
        except (OSError, FormatError) as error:
            self.source.report.skip(f"its file cannot be read: {error}", image.path)
            return None
        return _offered(image, digest=hasher.hexdigest())

    def _reference(self, image: FormatImage) -> OfferedImage | None:
        root = self.source.files.root
        if image.file is not None and root is None:
            raise InvalidInput(
                "Images in a zip cannot be imported by reference.", hint="Unpack it, or leave out --by-reference."
            )
        uri = f"{root}/{image.file}" if image.file is not None else image.url
        if not uri:
            return _offered(image)
        if image.width and image.height:
            return _offered(image, source_uri=uri)
        size = display_size(self.source.files, image.file) if image.file is not None else None
        if size is None:
            self.source.report.skip("its size is not in the file and cannot be read from its header", image.path)
            return None
        return _offered(image, source_uri=uri, size=size)

    def _upload(self, digest: str, file: str) -> None:
        with self.source.files.open(file) as opened:
            self.connection.raw(
                "PUT", f"/objects/{digest}", content=_pieces(opened), media_type="application/octet-stream"
            )

    def _stage(self, path: str, packed: bytes) -> StagedImages:
        return StagedImages.model_validate_json(self.connection.raw("PUT", path, content=packed).content)

    def _put(self, path: str, packed: bytes) -> None:
        self.connection.raw("PUT", path, content=packed, media_type="application/msgpack")


def _offered(
    image: FormatImage, *, digest: str = "", source_uri: str = "", size: tuple[int, int] | None = None
) -> OfferedImage:
    width, height = size or (image.width or 0, image.height or 0)
    return OfferedImage(
        path=image.path,
        digest=digest,
        source_uri=source_uri,
        width=width,
        height=height,
        external_id=image.external_id,
        # An address belongs to the image too, and has no column of its own.
        metadata={**image.metadata, "coco_url": image.url} if image.url else dict(image.metadata),
    )


def _key(path: Path, files: Files, name: str, options: ImportOptions) -> str:
    """The same for the same path, options and content, as far as sizes and times tell."""
    hasher = blake3(f"{path.absolute()}\0{name}\0{options}".encode())
    if files.root is None or files.main is not None:
        status = path.stat()
        hasher.update(f"{status.st_size} {status.st_mtime_ns}".encode())
        return hasher.hexdigest()
    for file in files.names():
        status = os.stat(f"{files.root}/{file}")  # noqa: PTH116 - a hundred thousand files
        hasher.update(f"{file}\0{status.st_size} {status.st_mtime_ns}\0".encode())
    return hasher.hexdigest()


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _say_nothing(_stage: Stage, _done: float, _total: float) -> None:
    """Nobody watches."""
