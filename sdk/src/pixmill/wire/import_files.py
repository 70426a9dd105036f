"""Imports whose files are sent one by one and read by the server: what a browser does."""

from typing import Literal

from pydantic import Field

from pixmill.wire.base import WireModel
from pixmill.wire.imports import ImportReport, ReasonCount

StageName = Literal["waiting", "images", "annotations", "commit", "finished", "refused", "interrupted"]


class ReceivedFile(WireModel):
    """A file that is there, and need not be sent again."""

    path: str
    size_bytes: int


class ReceivedFilePage(WireModel):
    """Files by path."""

    items: list[ReceivedFile]
    next_cursor: str | None = None


class ImportReading(WireModel):
    """How far the server is with reading the files of an import."""

    stage: StageName
    """`refused`: nothing was imported; `interrupted`: asked for again, it goes on."""
    done: float
    """Images; or, of annotations and the commit, a share from 0 to 1."""
    total: float
    format: str = ""
    images: int = 0
    """Read from the files."""
    annotations: int = 0
    left_out: list[ReasonCount] = Field(default_factory=list)
    """What was wrong in the files."""
    not_held: list[ReasonCount] = Field(default_factory=list)
    """What Pixmill cannot hold."""
    notes: list[ReasonCount] = Field(default_factory=list)
    refused: str = ""
    """Why the whole was refused; empty: it was not."""
    hint: str = ""
    report: ImportReport | None = None
    """What was imported; None while it is not finished, and where nothing was right."""
