"""The child's account of the Run: which asset is where, how far it has come, and what has to be told at once."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pixmill.authoring import Asset, Change
from pixmill.runtime.bootstrap import Trouble
from pixmill.runtime.frames import FrameWriter
from pixmill.runtime.log_marks import write_marked
from pixmill.runtime.messages import (
    AssetFailed,
    FailedAsset,
    Happened,
    ImageMade,
    Progressed,
    SkippedAsset,
    Stated,
)
from pixmill.runtime.new_assets import SentChange
from pixmill.runtime.results import ChunkResults, LabelMap

_LOG: Final = 2
UNDECODABLE: Final = "undecodable-image"
Made = Change | SentChange
"""What a Processing made of an asset, its images sent or not."""


@dataclass(slots=True)
class Ledger:
    """Counts and chunks; says to the supervisor what it learns."""

    writer: FrameWriter
    labels: LabelMap
    failures_allowed: int | None = None
    """So many assets may fail; None: any number."""
    new_version: str = ""
    """How the version begins that the Run makes: fork or empty; "": it makes none."""
    mark: str = ""
    """The word of the marks in the log; "": nobody takes them out."""
    done: int = 0
    failed: int = 0
    skipped: int = 0
    retried: int = 0
    _open: dict[int, ChunkResults] = field(default_factory=dict)
    _traceback_printed: str = ""
    _images: int = 0
    _marks: int = 0

    def begin_chunk(self, index: int, size: int) -> None:
        """A chunk that is known already stays as it is."""
        self._open.setdefault(index, ChunkResults(index, size, self.labels))

    @property
    def has_too_many_failed(self) -> bool:
        """Whether more assets failed than the launch allows."""
        return self.failures_allowed is not None and self.failed > self.failures_allowed

    def finish_asset(self, asset: Asset, chunk: int, changes: Sequence[Made], *, retried: bool = False) -> None:
        """The asset is done; or skipped where one of its Changes says so, and then the others are passed over.

        `retried`: its batch had failed before.
        """
        results = self._open[chunk]
        plain = [each.change if isinstance(each, SentChange) else each for each in changes]
        if reason := next((change.skip_reason for change in plain if change.skip_reason), ""):
            results.skipped.append(SkippedAsset(asset.id, reason))
            self.skipped += 1
            return
        for each in changes:
            sent = each if isinstance(each, SentChange) else self.send_images(each)
            results.add(sent.change)
            for number, new in zip(sent.numbers, sent.change.added, strict=True):
                results.add_asset(asset.id, number, new)
        results.done.append(asset.id)
        results.retried += retried
        self.done += 1
        self.retried += retried

    def send_images(self, change: Change) -> SentChange:
        """Send the images of a Change that is `ready`; what is kept of it is small."""
        numbers = []
        for new in change.added:
            self._images += 1
            numbers.append(self._images)
            self.writer.send(ImageMade(self._images), bytes(new.image))
        return SentChange(replace(change, added=tuple(replace(new, image=b"") for new in change.added)), tuple(numbers))

    def skip_asset(self, asset: Asset, chunk: int, reason: str) -> None:
        self._open[chunk].skipped.append(SkippedAsset(asset.id, reason))
        self.skipped += 1

    def fail_unreadable(self, asset: Asset, chunk: int, reason: str) -> None:
        """There was no image to work on: not the Processing's doing."""
        self.fail_without_trace(asset, chunk, reason, kind=UNDECODABLE)

    def fail_without_trace(self, asset: Asset, chunk: int, reason: str, *, kind: str) -> None:
        """Said by an event of this kind, since the log has nothing of it."""
        self._open[chunk].failed.append(FailedAsset(asset.id, reason, None))
        self.failed += 1
        self.writer.send(AssetFailed(asset.id, asset.path, reason))
        self.say(kind, f"{asset.path}: {reason}", asset_id=asset.id, path=asset.path)

    def fail(self, asset: Asset, chunk: int, trouble: Trouble) -> None:
        """The Processing raised for this asset alone; its traceback goes into the log, of equal ones the first."""
        body = trouble.traceback.removesuffix(trouble.message + "\n")
        text = f"{asset.path}: {trouble.reason}\n"
        if body != self._traceback_printed:
            text = f"{asset.path}:\n{trouble.traceback}"
        self._traceback_printed = body
        self._marks += 1
        print_to_log(text, mark=self.mark, number=self._marks)
        self._open[chunk].failed.append(FailedAsset(asset.id, trouble.reason, trouble.traceback))
        self.failed += 1
        self.writer.send(AssetFailed(asset.id, asset.path, trouble.reason, self._marks))

    def say(self, kind: str, message: str, **facts: Any) -> None:
        """An event."""
        self.writer.send(Happened(kind, message, facts))

    def state(self, facts: object) -> None:
        """What a Processing has as `facts`, for the Run's page; anything but a mapping is its own affair."""
        if isinstance(facts, Mapping):
            self.writer.send(Stated({str(name): _plain(fact) for name, fact in facts.items()}))

    def report_read(self, assets: int) -> None:
        """How far a whole-version function has read; what is done is known only at its end."""
        self.writer.send(Progressed(assets, 0, 0))

    def report(self) -> None:
        """Send what is whole, and how far the Run has come."""
        for index in [index for index, chunk in self._open.items() if chunk.is_whole]:
            self._send(index)
        self.writer.send(Progressed(self.done, self.failed, self.skipped))

    def report_rest(self) -> None:
        """Send what there is of chunks that will not become whole any more."""
        for index in [index for index, chunk in self._open.items() if chunk.is_begun]:
            self._send(index)
        self.writer.send(Progressed(self.done, self.failed, self.skipped))

    def _send(self, index: int) -> None:
        message, annotations = self._open.pop(index).packed()
        self.writer.send(message, annotations)


def _plain(fact: object) -> object:
    """Numbers, texts and lists of them as they are; of the rest, how it is written."""
    if isinstance(fact, (list, tuple)):
        return [_plain(each) for each in fact]
    return fact if fact is None or isinstance(fact, (bool, int, float, str)) else str(fact)


def print_to_log(text: str, *, mark: str = "", number: int = 0) -> None:
    """Onto the child's one pipe, after all that was printed before; with a mark where its word is given."""
    sys.stdout.flush()
    if mark:
        sys.stderr.flush()
        # The pipe itself: user code may have put something else in the place of `sys.stderr`.
        write_marked(_LOG, mark, number, text.encode(errors="backslashreplace"))
        return
    sys.stderr.write(text)
    sys.stderr.flush()
