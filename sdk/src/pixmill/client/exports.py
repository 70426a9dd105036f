"""Exports: a pinned Revision streams in the order of paths, and a format writes it down here."""

import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import msgspec

from pixmill.annotations import AnnotationColumns
from pixmill.client.connection import Connection
from pixmill.client.refusals import error_of
from pixmill.client.uploads import digest_of_file
from pixmill.errors import InvalidInput, NotFound
from pixmill.formats import ExportPlan, FormatImage, FormatLabel, Report, Writer, get_format
from pixmill.formats.files import why_unsafe
from pixmill.wire.assets import ExportEnd, ExportHeader, ExportImage, ExportLot
from pixmill.wire.datasets import VersionPage

_FRAME_LENGTH = struct.Struct(">I")
_THREADS = 4

Progress = Callable[[int, int], None]
"""Is told how many images are done, and of how many."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written."""

    address: str
    """`street/v1@17`: the Revision that it is of."""
    folder: Path
    report: Report


class Exports:
    """`client.exports`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(
        self,
        address: str,
        format_name: str,
        folder: Path,
        *,
        with_images: bool = True,
        progress: Progress | None = None,
    ) -> ExportResult:
        """Write a version (`street/v1@17`: that Revision) into an empty folder, images included unless said otherwise.

        Raises `FormatError` where the folder holds an export already.
        """
        chosen = get_format(format_name)
        query = {"address": address}
        version = self._connection.ask("GET", "/versions", VersionPage, parameters=query).items[0]
        where = f"/versions/{version.id}/export"
        with self._connection.stream(
            where, parameters={"revision": version.revision}, read_timeout_seconds=600.0
        ) as answer:
            frames = _frames(answer)
            header = msgspec.msgpack.decode(next(frames), type=ExportHeader)
            writer = chosen.write(folder, _plan(header))
            writing = _Writing(self._connection, version.id, version.revision, writer, with_images=with_images)
            with ThreadPoolExecutor(_THREADS) as threads:
                done = 0
                for frame in frames:
                    lot = _lot(frame)
                    if lot is None:
                        break
                    writing.add(lot, threads)
                    done += len(lot.images)
                    if progress is not None:
                        progress(done, header.assets)
                else:
                    raise error_of(None)
        report = writer.finish()
        for reason, names in writing.not_fetched.items():
            report.skip(reason, names[0], len(names))
        return ExportResult(header.address, folder, report)


class _Writing:
    """One export on its way to disk."""

    def __init__(
        self, connection: Connection, version_id: str, revision: int, writer: Writer, *, with_images: bool
    ) -> None:
        self.connection = connection
        self.version_id = version_id
        self.revision = revision
        self.writer = writer
        self.with_images = with_images
        self.not_fetched: dict[str, list[str]] = {}

    def add(self, lot: ExportLot, threads: ThreadPoolExecutor) -> None:
        """Annotations first, then the bytes."""
        for image in lot.images:
            unsafe = why_unsafe(image.path)
            if unsafe is not None:
                raise InvalidInput(f"'{image.path}' cannot be written: {unsafe}.", hint="Rename the asset.")
        columns = AnnotationColumns.from_bytes(lot.annotations)
        self.writer.add([_image(image) for image in lot.images], columns)
        if self.with_images:
            for path, reason in zip(
                (image.path for image in lot.images), threads.map(self._fetch, lot.images), strict=True
            ):
                if reason:
                    self.not_fetched.setdefault(reason, []).append(path)

    def _fetch(self, image: ExportImage) -> str:
        """The reason why the bytes are not there; empty where they are."""
        target = self.writer.image_file(image.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not image.digest and image.source_uri.startswith(("http://", "https://")):
            return "its bytes lie at an address, from which Pixmill does not fetch them"
        if target.exists() and image.digest and digest_of_file(target) == image.digest:
            # Of an export that was cut off.
            return ""
        part = target.with_name(target.name + ".part")
        where = f"/versions/{self.version_id}/assets/{image.id}/image"
        try:
            with (
                self.connection.stream(where, parameters={"revision": self.revision}) as answer,
                part.open("wb") as file,
            ):
                for piece in answer.iter_bytes():
                    file.write(piece)
        except NotFound as error:
            return error.message
        part.replace(target)
        return ""


def _frames(answer: httpx2.Response) -> Iterator[bytes]:
    buffer = bytearray()
    for piece in answer.iter_bytes():
        buffer += piece
        while len(buffer) >= _FRAME_LENGTH.size:
            size: int = _FRAME_LENGTH.unpack_from(buffer)[0]
            end = _FRAME_LENGTH.size + size
            if len(buffer) < end:
                break
            yield bytes(buffer[_FRAME_LENGTH.size : end])
            del buffer[:end]


def _lot(frame: bytes) -> ExportLot | None:
    """None: the end."""
    try:
        return msgspec.msgpack.decode(frame, type=ExportLot)
    except msgspec.ValidationError:
        msgspec.msgpack.decode(frame, type=ExportEnd)
        return None


def _plan(header: ExportHeader) -> ExportPlan:
    return ExportPlan(
        labels=[
            FormatLabel(
                label.name, label.external_id, label.supercategory, tuple(label.keypoints), tuple(label.skeleton)
            )
            for label in header.labels
        ],
        highest_image_id=header.highest_image_id,
        highest_annotation_id=header.highest_annotation_id,
        title=header.address,
    )


def _image(image: ExportImage) -> FormatImage:
    url = image.metadata.get("coco_url", "")
    remote = image.source_uri if image.source_uri.startswith(("http://", "https://")) else str(url or "")
    return FormatImage(
        path=image.path,
        width=image.width,
        height=image.height,
        url=remote,
        external_id=image.external_id,
        metadata={key: value for key, value in image.metadata.items() if key != "coco_url"},
    )
