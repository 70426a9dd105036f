"""What every format implements, and the values it speaks in. Nothing here knows a format.

Coordinates are display pixels, as everywhere in Pixmill: a format converts from and to its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pixmill.annotations import AnnotationColumns
from pixmill.formats.files import Files
from pixmill.formats.report import Report

NO_EXTERNAL_ID = -1
HIGHEST_ID = 2**63 - 1
"""A number in a file that is higher is no id."""
_LONGEST_LABEL = 200


def is_label_name(name: str) -> bool:
    """Whether a class of a file can be a Label: 1 to 200 visible characters."""
    return bool(name.strip()) and len(name) <= _LONGEST_LABEL and name.isprintable()


@dataclass(frozen=True, slots=True)
class FormatLabel:
    """A class as a file names it."""

    name: str
    external_id: int = NO_EXTERNAL_ID
    """Its number in the file it came from."""
    supercategory: str = ""
    keypoints: tuple[str, ...] = ()
    """The names of its skeleton's points, in order."""
    skeleton: tuple[tuple[int, int], ...] = ()
    """Pairs of points that are joined, counted from 1 as COCO does."""


@dataclass(frozen=True, slots=True)
class FormatImage:
    """One image as a file lists it."""

    path: str
    """Relative, with forward slashes: its identity in a DatasetVersion."""
    file: str | None = None
    """Its name among the source's files; None: its bytes are not there."""
    width: int | None = None
    """In pixels, as the file says; None: the file does not."""
    height: int | None = None
    url: str = ""
    """Where the file says that the image can be fetched."""
    external_id: int = NO_EXTERNAL_ID
    metadata: Mapping[str, object] = field(default_factory=dict)
    """JSON values: whatever else the file says of it."""


class AnnotatedSource(AbstractContextManager["AnnotatedSource"], Protocol):
    """An opened file or folder. `images` and then `annotations` are each iterated once; both stream."""

    @property
    def files(self) -> Files:
        """Where the bytes of the images are."""
        ...

    @property
    def labels(self) -> Sequence[FormatLabel]:
        """The classes that the file names."""
        ...

    @property
    def report(self) -> Report:
        """Complete once both iterators have ended."""
        ...

    @property
    def image_count(self) -> int:
        """How many images there are, for progress; some may turn out to be skipped."""
        ...

    def images(self) -> Iterator[FormatImage]:
        """Every image, in the file's order."""
        ...

    def annotations(self) -> Iterator[AnnotationColumns]:
        """Every annotation, in batches of some ten thousands, keyed by the images' paths."""
        ...

    def progress(self) -> float:
        """How much of the annotations was read, 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What a writer must know before the first image."""

    labels: Sequence[FormatLabel]
    highest_image_id: int = 0
    """The highest external id among all images; new numbers begin above it."""
    highest_annotation_id: int = 0
    title: str = ""
    """The address of what is exported, such as `street/v1@17`."""


class Writer(Protocol):
    """Writes one export. Memory does not grow with it."""

    def image_file(self, path: str) -> Path:
        """Where the bytes of the image of this path belong, absolute."""
        ...

    def add(self, images: Sequence[FormatImage], annotations: AnnotationColumns) -> None:
        """The next images in the order of their paths, with all their annotations."""
        ...

    def finish(self) -> Report:
        """Complete the files and say what they hold and what they cannot."""
        ...


class Format(Protocol):
    """One way of writing annotated images down. Reading or writing what it cannot raises `FormatError`."""

    title: str
    """For a person: `COCO (JSON)`."""

    def recognizes(self, files: Files) -> bool:
        """Whether these files look like this format; cheap, and never both of two formats but `images`."""
        ...

    def open(self, files: Files) -> AnnotatedSource:
        """Read what is needed before the first image; raises `FormatError` where the whole cannot be read."""
        ...

    def write(self, folder: Path, plan: ExportPlan) -> Writer:
        """Begin an export into an empty or missing folder."""
        ...
