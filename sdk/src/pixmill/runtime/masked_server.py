"""A `RunServer` that is told no secret of the Run: texts are masked before they go out; results stay as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pixmill.runtime.masking import Masker
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
from pixmill.runtime.server import RunServer


@dataclass(frozen=True, slots=True)
class MaskedServer:
    """Log bytes come masked already, from the `LogPump`: only there it is known what came before them."""

    server: RunServer
    masker: Masker

    def plan(self) -> RunPlan:
        return self.server.plan()

    def source(self, plan: RunPlan, folder: Path) -> Path:
        return self.server.source(plan, folder)

    def model_file(self, file: PlannedFile, folder: Path) -> Path:
        return self.server.model_file(file, folder)

    def started(self, pid: int, sandbox: dict[str, Any]) -> None:
        self.server.started(pid, sandbox)

    def heartbeat(
        self, progress: Progress, images_per_second: float | None, facts: dict[str, Any], sample: Sample | None = None
    ) -> bool:
        return self.server.heartbeat(progress, images_per_second, self.masker.value(facts), sample)

    def claim(self) -> Chunk | None:
        return self.server.claim()

    def read_asset(self, asset: ChunkAsset) -> bytes:
        return self.server.read_asset(asset)

    def read_annotations(self, index: int) -> bytes:
        return self.server.read_annotations(index)

    def read_version(self, parameter: str, after: str, limit: int) -> VersionAssets:
        return self.server.read_version(parameter, after, limit)

    def read_version_annotations(self, parameter: str, after: str, limit: int) -> bytes:
        return self.server.read_version_annotations(parameter, after, limit)

    def put_image(self, content: bytes) -> str:
        return self.server.put_image(content)

    def stage(self, index: int, chunk: StagedChunk) -> None:
        told = self.masker.text
        failed = [
            msgspec.structs.replace(each, reason=told(each.reason), traceback=each.traceback and told(each.traceback))
            for each in chunk.failed
        ]
        skipped = [msgspec.structs.replace(each, reason=told(each.reason)) for each in chunk.skipped]
        self.server.stage(index, msgspec.structs.replace(chunk, failed=failed, skipped=skipped))

    def append_log(self, offset: int, data: bytes) -> int:
        return self.server.append_log(offset, data)

    def add_events(self, events: Sequence[RunEvent]) -> None:
        told = [
            msgspec.structs.replace(
                each, message=self.masker.text(each.message), facts=self.masker.value(dict(each.facts))
            )
            for each in events
        ]
        self.server.add_events(told)

    def finish(self, finish: Finish) -> None:
        error = finish.error
        if error is not None:
            message, traceback = self.masker.text(error.message), self.masker.text(error.traceback)
            error = msgspec.structs.replace(error, message=message, traceback=traceback)
        self.server.finish(msgspec.structs.replace(finish, error=error))

    def is_slow(self) -> bool:
        return self.server.is_slow()
