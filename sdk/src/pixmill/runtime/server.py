"""Whom a supervisor reports to: a server over HTTP (`http_server.py`), or, in a test run, the terminal (`trial.py`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from pixmill.errors import PixmillError
from pixmill.runtime.plan import (
    Chunk,
    ChunkAsset,
    Finish,
    PlannedFile,
    Progress,
    RunEvent,
    RunPlan,
    Sample,
    StagedChunk,
    VersionAssets,
)


class RunOver(PixmillError):
    """The Run was given to somebody else, or has ended: stop, and stay silent."""


class ServerLost(PixmillError):
    """No answer for too long, and nobody who would end this process: somebody else has the Run by now."""


class ServerRefused(PixmillError):
    """An answer that means a defect of ours."""


class AssetUnreadable(PixmillError):
    """The bytes of an asset cannot be had; the message is the reason."""


class RunServer(Protocol):
    """The Run protocol, from any thread. Any call may raise `RunOver`, `ServerLost` or `ServerRefused`."""

    def plan(self) -> RunPlan: ...

    def source(self, plan: RunPlan, folder: Path) -> Path:
        """The Processing's file, or the folder of its code; in `folder`, where it does not lie on this machine yet."""
        ...

    def model_file(self, file: PlannedFile, folder: Path) -> Path:
        """A file of the model, in the same way."""
        ...

    def started(self, pid: int, sandbox: dict[str, Any]) -> None: ...

    def heartbeat(
        self, progress: Progress, images_per_second: float | None, facts: dict[str, Any], sample: Sample | None = None
    ) -> bool:
        """Whether the Run is to be cancelled."""
        ...

    def claim(self) -> Chunk | None: ...

    def read_asset(self, asset: ChunkAsset) -> bytes:
        """The bytes of its file. Raises `AssetUnreadable`."""
        ...

    def read_annotations(self, index: int) -> bytes:
        """Of the assets of a claimed chunk, by id: `AnnotationColumns.to_bytes()`."""
        ...

    def read_version(self, parameter: str, after: str, limit: int) -> VersionAssets:
        """Assets of another version behind a path, `limit` at most."""
        ...

    def read_version_annotations(self, parameter: str, after: str, limit: int) -> bytes:
        """Of the same assets, by id: `AnnotationColumns.to_bytes()`; empty for none."""
        ...

    def put_image(self, content: bytes) -> str:
        """Keep an image for the new version; its digest. Nobody sees it before the Run's commit."""
        ...

    def stage(self, index: int, chunk: StagedChunk) -> None: ...

    def append_log(self, offset: int, data: bytes) -> int:
        """How far the server has the log now; less or more than was sent where it had another position."""
        ...

    def add_events(self, events: Sequence[RunEvent]) -> None: ...

    def finish(self, finish: Finish) -> None: ...

    def is_slow(self) -> bool:
        """Whether some call waits for its answer for longer than it should."""
        ...
