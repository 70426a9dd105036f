"""The whole-version form: a function runs to its end; what it read and changed is its ledger."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pixmill.authoring import Asset, Change, Context, DatasetVersion, RgbImage
from pixmill.errors import ProcessingError
from pixmill.runtime.batches import require_changes, require_few
from pixmill.runtime.bootstrap import Trouble, attempt
from pixmill.runtime.intake import Intake
from pixmill.runtime.ledger import Ledger
from pixmill.runtime.new_assets import SentChange, ready

_PROGRESS_EVERY: Final = 32
NOT_READ: Final = "the Processing did not read it"


@dataclass(slots=True)
class VersionWork:
    """Calls a whole-version function once. Its Changes are kept until it returns: what is done is known only then."""

    intake: Intake
    ledger: Ledger
    _assets: dict[str, tuple[Asset, int]] = field(default_factory=dict)
    """Every asset that came by, with its chunk."""
    _read: set[str] = field(default_factory=set)
    _unreadable: dict[str, str] = field(default_factory=dict)
    _changes: dict[str, list[SentChange]] = field(default_factory=dict)
    _chunk: int = 0

    def run(
        self, call: Callable[[Context, DatasetVersion], Any], scratch: Path, version: DatasetVersion
    ) -> Trouble | None:
        """Why the function failed; None: it returned, and the ledger is complete."""
        outcome = attempt(lambda: self._collect(call(Context(scratch, self.stage), version)))
        if isinstance(outcome, Trouble):
            return outcome
        for _ in self.open_assets():
            pass  # the rest of the version, so that every asset is in the ledger
        self._settle()
        return None

    def stage(self, change: Change) -> None:
        if not isinstance(change, Change):
            raise ProcessingError(
                f"A {type(change).__name__} is no Change.", hint="Write asset.annotate(...) or the like."
            )
        if change.asset_id not in self._assets:
            raise ProcessingError(
                f"There is no asset '{change.asset_id}' in this Run.", hint="Use the version's assets."
            )
        known = self._changes.setdefault(change.asset_id, [])
        require_few([*(sent.change for sent in known), change])
        # Images go at once: only they are too large to be kept.
        known.append(self.ledger.send_images(ready(change, new_version=self.ledger.new_version)))

    def open_assets(self) -> Iterator[Asset]:
        for arrived in self.intake.read_version(images=False, on_chunk=self.ledger.begin_chunk):
            self._assets[arrived.asset.id] = (arrived.asset, arrived.chunk)
            yield arrived.asset

    def open_images(self) -> Iterator[tuple[Asset, RgbImage]]:
        for arrived in self.intake.read_version(images=True, on_chunk=self.ledger.begin_chunk):
            asset = arrived.asset
            self._assets[asset.id] = (asset, arrived.chunk)
            if arrived.image is None:
                self._unreadable[asset.id] = arrived.unreadable or "the file is empty"
                continue
            self._read.add(asset.id)
            if len(self._read) % _PROGRESS_EVERY == 0:
                self.ledger.report_read(len(self._read))
            yield asset, arrived.image

    def _collect(self, returned: Any) -> None:
        for change in require_changes(returned):
            self.stage(change)

    def _settle(self) -> None:
        for asset_id, (asset, chunk) in self._assets.items():
            changes = self._changes.pop(asset_id, [])
            if asset_id in self._unreadable and not changes:
                self.ledger.fail_unreadable(asset, chunk, self._unreadable[asset_id])
            elif changes or asset_id in self._read:
                self.ledger.finish_asset(asset, chunk, changes)
            else:
                self.ledger.skip_asset(asset, chunk, NOT_READ)
        self.ledger.report()
