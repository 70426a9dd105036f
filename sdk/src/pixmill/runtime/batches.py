"""The per-batch form: images in, Changes out, and the one bad image of a batch found by halving it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pixmill.authoring import Asset, Batch, Change, RgbImage
from pixmill.errors import ProcessingError
from pixmill.runtime.arriving import Arrived
from pixmill.runtime.bootstrap import Trouble, attempt
from pixmill.runtime.ledger import Ledger
from pixmill.runtime.new_assets import MOST_ADDED, ready

FAILING_BATCHES: Final = 3
"""So many batches in a row, each failing for every one of its images, are the Processing's fault."""
RETRIED: Final = "retried"


@dataclass(frozen=True, slots=True)
class _Item:
    asset: Asset
    chunk: int
    image: RgbImage


@dataclass(slots=True)
class BatchWork:
    """Calls a Processing on batch after batch."""

    call: Callable[[Batch], Any]
    ledger: Ledger
    batch_size: int
    _failed_in_a_row: int = 0
    """Batches."""
    _images_failed_in_a_row: int = 0
    _trouble: Trouble | None = field(default=None)

    def run(self, arriving: Iterator[Arrived]) -> Trouble | None:
        """Work through everything. What is returned is why the Processing as a whole failed; None: it did not.

        It did when three batches in a row failed for each of their images, or when the Run ended in such a batch;
        also when more images failed than the launch allows.
        """
        trouble = self._run(arriving)
        if self.ledger.retried:
            said = f"{self.ledger.retried} images were done when they were tried again, after their batch had failed."
            self.ledger.say(RETRIED, said, images=self.ledger.retried)
        return trouble

    def _run(self, arriving: Iterator[Arrived]) -> Trouble | None:
        items: list[_Item] = []
        for arrived in arriving:
            if arrived.image is None:
                self.ledger.fail_unreadable(arrived.asset, arrived.chunk, arrived.unreadable or "the file is empty")
                self.ledger.report()
                if self.ledger.has_too_many_failed:
                    return _unreadable(arrived)
                continue
            items.append(_Item(arrived.asset, arrived.chunk, arrived.image))
            if len(items) >= self.batch_size:
                self._work_on_batch(items)
                items = []
                if self._is_at_an_end:
                    return self._trouble
        if items:
            self._work_on_batch(items)
        return self._trouble if self._is_at_an_end or self._images_failed_in_a_row > 1 else None

    @property
    def _is_at_an_end(self) -> bool:
        return self._failed_in_a_row >= FAILING_BATCHES or self.ledger.has_too_many_failed

    def _work_on_batch(self, items: Sequence[_Item]) -> None:
        failed = self._work(items, retried=False)
        self.ledger.report()
        if failed == len(items):
            self._failed_in_a_row += 1
            self._images_failed_in_a_row += failed
        else:
            self._failed_in_a_row = self._images_failed_in_a_row = 0

    def _work(self, items: Sequence[_Item], *, retried: bool) -> int:
        """How many of the items failed, each by itself; `retried`: in a larger batch before."""
        if self.ledger.has_too_many_failed:
            return 0
        outcome = attempt(lambda: _changes(self.call, items, self.ledger.new_version))
        if not isinstance(outcome, Trouble):
            for item in items:
                self.ledger.finish_asset(item.asset, item.chunk, outcome[item.asset.id], retried=retried)
            return 0
        self._trouble = replace(outcome, is_in_log=True)
        if len(items) == 1:
            self.ledger.fail(items[0].asset, items[0].chunk, outcome)
            return 1
        middle = len(items) // 2
        if outcome.out_of_memory and middle < self.batch_size:
            self.batch_size = middle
            self.ledger.say(
                "batch-halved",
                f"Memory ran out with {len(items)} images at once: going on with {middle}.",
                batch_size=middle,
            )
        return self._work(items[:middle], retried=True) + self._work(items[middle:], retried=True)


def _unreadable(arrived: Arrived) -> Trouble:
    said = f"{arrived.asset.path}: {arrived.unreadable or 'the file is empty'}"
    return Trouble("UnreadableImage", said, traceback="", out_of_memory=False, is_in_log=True)


def _changes(call: Callable[[Batch], Any], items: Sequence[_Item], new_version: str) -> dict[str, list[Change]]:
    """By asset; whatever is wrong with them is raised here, while it can still be laid to one image."""
    batch = Batch(tuple(item.asset for item in items), tuple(item.image for item in items))
    made: dict[str, list[Change]] = {item.asset.id: [] for item in items}
    for change in require_changes(call(batch)):
        if change.asset_id not in made:
            raise ProcessingError(
                f"A Change is for asset '{change.asset_id}', which is not in this batch.",
                hint="Make Changes with the methods of the batch's own assets.",
            )
        made[change.asset_id].append(ready(change, new_version=new_version))
    for changes in made.values():
        require_few(changes)
    return made


def require_changes(returned: Any) -> Iterator[Change]:
    """What a Processing returned or yields, checked one by one; None is no Change."""
    if returned is None:
        return
    if isinstance(returned, Change) or not isinstance(returned, Iterable):
        raise ProcessingError(
            f"The Processing returned {type(returned).__name__}, not Changes.",
            hint="Yield each Change, or return a list.",
        )
    for change in returned:
        if not isinstance(change, Change):
            raise ProcessingError(
                f"The Processing made a {type(change).__name__}, not a Change.",
                hint="Write asset.annotate(...) or the like.",
            )
        yield change


def require_few(changes: Sequence[Change]) -> None:
    """Raise `ProcessingError` where more assets are made of one than can be."""
    if (added := sum(len(change.added) for change in changes)) > MOST_ADDED:
        raise ProcessingError(f"{added} assets were made of one.", hint=f"Make {MOST_ADDED} or fewer.")
