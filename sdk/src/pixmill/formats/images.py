"""A folder or a zip of images, without annotations. Folders are part of a path and mean nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pixmill.annotations import KINDS, AnnotationColumns
from pixmill.errors import FormatError
from pixmill.formats.contract import ExportPlan, FormatImage, FormatLabel
from pixmill.formats.files import Files, is_image_name
from pixmill.formats.report import Report


def create() -> "ImagesFormat":
    """The format."""
    return ImagesFormat()


class ImagesFormat:
    """Every file with the ending of an image; the path below the folder is the asset's path."""

    title = "a folder or zip of images"

    def recognizes(self, files: Files) -> bool:
        if files.main is not None:
            return is_image_name(files.main)
        return any(is_image_name(name) for name in (*files.names(), *files.refused))

    def open(self, files: Files) -> "ImagesSource":
        names = [name for name in _offered(files) if is_image_name(name)]
        source = ImagesSource(files, names)
        if not names and not files.refused:
            raise FormatError(
                f"There are no images in '{files.title}'.", hint="Pixmill takes JPEG, PNG, WebP, BMP, TIFF."
            )
        others = sum(1 for name in _offered(files) if not is_image_name(name))
        if others:
            source.report.note("files that are no images by their names were left alone", files.title, others)
        return source

    def write(self, folder: Path, plan: ExportPlan) -> "ImagesWriter":
        return ImagesWriter(folder)


@dataclass(slots=True)
class ImagesSource:
    """The images of a folder."""

    files: Files
    names: list[str]
    labels: Sequence[FormatLabel] = ()
    report: Report = field(default_factory=Report)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.files.close()

    @property
    def image_count(self) -> int:
        return len(self.names)

    def images(self) -> Iterator[FormatImage]:
        for name, reason in self.files.refused.items():
            self.report.skip(reason, name)
        for name in self.names:
            self.report.images += 1
            yield FormatImage(path=name, file=name)

    def annotations(self) -> Iterator[AnnotationColumns]:
        yield from ()

    def progress(self) -> float:
        return 1.0


@dataclass(slots=True)
class ImagesWriter:
    """Images only, under their paths."""

    folder: Path
    report: Report = field(default_factory=Report)

    def image_file(self, path: str) -> Path:
        return self.folder / path

    def add(self, images: Sequence[FormatImage], annotations: AnnotationColumns) -> None:
        self.report.images += len(images)
        for kind, name in enumerate(KINDS):
            count = int((annotations.kind == kind).sum())
            if count:
                self.report.cannot_hold(f"annotations ({name})", annotations.assets[0], count)

    def finish(self) -> Report:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.report


def _offered(files: Files) -> Iterator[str]:
    return iter([files.main]) if files.main is not None else files.names()
