"""What a supervisor knows of its child's work: it listens to the child, stages what is whole, and believes no more."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pixmill.errors import PixmillError
from pixmill.runtime.feeder import Feeder
from pixmill.runtime.frames import FrameReader
from pixmill.runtime.log_pump import LogPump
from pixmill.runtime.messages import (
    AssetFailed,
    ChunkResult,
    Ended,
    FromChild,
    Happened,
    Hello,
    ImageMade,
    Progressed,
    Stated,
    Want,
    WantVersion,
)
from pixmill.runtime.plan import Progress, RunEvent, StagedAsset, StagedChunk, StagedFailure, StagedSkip
from pixmill.runtime.server import RunServer

_RATE_SECONDS: Final = 10.0
_MAX_FACTS: Final = 32


class ChildLied(PixmillError):
    """The child spoke of assets that were not given to it, or not of all of them."""


@dataclass(slots=True)
class Account:
    """`listen` in a thread; it ends when the child's pipe does."""

    server: RunServer
    reader: FrameReader[FromChild]
    feeder: Feeder
    pump: LogPump
    total: int
    say_started: Callable[[], None]
    """Called at the child's first sign of life, before anything else is told of it."""
    has_begun: bool = False
    """Whether the child has given a sign of life."""
    ended: Ended | None = None
    progress: Progress = field(default_factory=Progress)
    staged_assets: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    """What the Processing said of itself, as every heartbeat tells it."""
    _offsets: dict[str, int] = field(default_factory=dict)
    """Of failed assets that are not staged yet: where the log speaks of them."""
    _images: dict[int, str] = field(default_factory=dict)
    """Of images for the new version that are not staged yet: the digest, by the child's number."""
    _staged: set[int] = field(default_factory=set)
    _rates: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def is_complete(self) -> bool:
        """Whether every asset of the scope is staged, one way or the other."""
        return self.staged_assets == self.total

    def images_per_second(self) -> float | None:
        """Over the last seconds; None: nothing to say yet."""
        if len(self._rates) < 2:  # noqa: PLR2004 - a rate is between two points
            return None
        (begin, before), (end, after) = self._rates[0], self._rates[-1]
        return (after - before) / (end - begin) if end > begin else None

    def say(self, kind: str, message: str, **facts: Any) -> None:
        """An event of the supervisor's own."""
        now = datetime.now(UTC).isoformat()
        self.pump.add_event(RunEvent(self.pump.position(), now, kind, message, facts))

    def listen(self) -> None:
        self.progress = Progress(total=self.total)
        while (received := self.reader.receive()) is not None:
            message, payload = received
            match message:
                case Hello():
                    self.say_started()
                    self.has_begun = True
                case Want() | WantVersion():
                    self.feeder.ask(message)
                case ImageMade() | ChunkResult():
                    self._take(message, payload)
                case Progressed(done, failed, skipped):
                    self._note_progress(Progress(done, failed, skipped, self.total))
                case AssetFailed():
                    self._note_place(message)
                case Happened(kind, text, facts):
                    self.say(kind, text, **facts)
                case Stated(facts):
                    self._note_facts(facts)
                case Ended():
                    self.ended = message

    def _note_place(self, failed: AssetFailed) -> None:
        """One that the log does not speak of is at the place that the log has come to."""
        place = self.pump.place_of(failed.mark) if failed.mark else self.pump.position()
        if place is not None:
            self._offsets[failed.asset_id] = place

    def _note_facts(self, facts: dict[str, Any]) -> None:
        """Told at once, as a short Run may end before its next beat; named apart, as a child is not believed."""
        self.facts = {"processing": dict(list(facts.items())[:_MAX_FACTS])}
        self.server.heartbeat(self.progress, None, self.facts)

    def _note_progress(self, progress: Progress) -> None:
        self.progress = progress
        now = time.monotonic()
        self._rates.append((now, progress.done + progress.failed + progress.skipped))
        while now - self._rates[0][0] > _RATE_SECONDS:
            self._rates.popleft()

    def _take(self, made: ImageMade | ChunkResult, payload: bytes) -> None:
        if isinstance(made, ImageMade):
            self._images[made.number] = self.server.put_image(payload)
        else:
            self._stage(made, payload)

    def _stage(self, result: ChunkResult, annotations: bytes) -> None:
        chunk = self.feeder.chunk(result.index)
        given = sorted(asset.id for asset in chunk.assets) if chunk else []
        told = sorted([*result.done, *(f.asset_id for f in result.failed), *(s.asset_id for s in result.skipped)])
        fits = given == told or (result.partial and len(set(told)) == len(told) and set(told) < set(given))
        if chunk is None or not fits or result.index in self._staged:
            raise ChildLied(f"The child's account of chunk {result.index} does not fit the assets in it.")
        failed = [
            StagedFailure(f.asset_id, f.reason, f.traceback, self._offsets.pop(f.asset_id, None)) for f in result.failed
        ]
        skipped = [StagedSkip(s.asset_id, s.reason) for s in result.skipped]
        staged = StagedChunk(
            result.done,
            failed,
            skipped,
            annotations,
            result.tags,
            result.metadata,
            result.dropped,
            retried=result.retried,
            partial=result.partial,
            added=self._added(result),
            added_annotations=result.added_annotations,
        )
        self.server.stage(result.index, staged)
        self._staged.add(result.index)
        self.staged_assets += len(told)

    def _added(self, result: ChunkResult) -> list[StagedAsset]:
        numbers = [added.number for added in result.added]
        if len(set(numbers)) < len(numbers) or not self._images.keys() >= set(numbers):
            raise ChildLied(f"The child adds assets in chunk {result.index} whose images it did not send.")
        if not {added.origin for added in result.added} <= set(result.done):
            raise ChildLied(f"The child adds assets in chunk {result.index} that are made of none of it.")
        return [
            StagedAsset(added.origin, added.path, self._images.pop(added.number), added.tags, added.metadata)
            for added in result.added
        ]
