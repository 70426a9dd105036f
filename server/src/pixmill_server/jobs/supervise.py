"""The server's side of the Run protocol: what a supervisor is told, and what it may say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pixmill.annotations import AnnotationColumns
from pixmill_server.computes.tables import ComputeRow
from pixmill_server.datasets.changes import Existing
from pixmill_server.datasets.commit import ANNOTATED, VANISHED
from pixmill_server.datasets.existing import ID_DIGITS, KnownIds
from pixmill_server.datasets.queries import address_of, pin
from pixmill_server.datasets.read import asset_by_id, assets_by_id
from pixmill_server.datasets.records import AssetRecord, Pinned
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.added import Added, without
from pixmill_server.jobs.errors import ChunkMismatch
from pixmill_server.jobs.ledger import (
    FAILED,
    SKIPPED,
    ChunkResult,
    Outcome,
    claim_chunk,
    find_chunk,
    ledger_of,
    record_chunk,
)
from pixmill_server.jobs.lifecycle import Ledger
from pixmill_server.jobs.matching import wanted_classes
from pixmill_server.jobs.metrics import Sample, note_sample
from pixmill_server.jobs.pins import PinnedModel, PinnedProcessing, model_of_version, processing_of_version
from pixmill_server.jobs.policy import FailurePolicy
from pixmill_server.jobs.queue import held, put_off_deadline, renew
from pixmill_server.jobs.read_versions import read_of, shapes_of
from pixmill_server.jobs.scope import chunk_ranges, read_scope
from pixmill_server.jobs.staging import StagedResults, checked_columns, require_labels, require_results_of_done, stage
from pixmill_server.jobs.tables import JobRow, RunRow

_COUNTED = ("done", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who speaks: the supervisor of a Run, under a fence."""

    run_id: str
    fence: int


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a supervisor has to know."""

    run: RunRow
    organization_id: str
    processing: PinnedProcessing
    model: PinnedModel | None
    wanted: tuple[int, ...] | None
    version: str
    """`street/v1@17`."""
    read_versions: tuple[tuple[str, str, Pinned], ...]
    """Of each: the Parameter, its address, and what is read."""
    chunks: int
    cpus: float
    memory_bytes: int
    processes: int
    scratch_bytes: int
    gpus: int
    failures_allowed: int | None
    """So many assets may fail from here on; None: any number."""


def plan_of(jobs: Jobs, caller: Caller) -> RunPlan:
    """The same answer for the whole life of a Run, but for what its Compute grants."""
    with jobs.database.reading() as session:
        run = session.get_one(RunRow, caller.run_id)
        job = session.get_one(JobRow, run.job_id)
        processing = processing_of_version(session, run.processing_version_id)
        model = model_of_version(session, run.model_version_id) if run.model_version_id else None
        compute = session.get_one(ComputeRow, run.compute_id)
        address = address_of(session, job.version_id)
        session.expunge(compute)
    wanted = None
    if model is not None and processing.annotates:
        wanted = wanted_classes(model.labels, run.label_map or {})
    return RunPlan(
        run=run,
        organization_id=job.organization_id,
        processing=processing,
        model=model,
        wanted=wanted,
        version=f"{address}@{run.input_number}",
        read_versions=tuple(
            (name, str(run.parameters[name]), pin(jobs.datasets, *read_of(run, name))) for name in run.read_versions
        ),
        chunks=sum(1 for _ in chunk_ranges(run.assets, run.chunk_size)),
        cpus=compute.cpus,
        memory_bytes=compute.memory_bytes,
        processes=compute.processes,
        scratch_bytes=compute.scratch_bytes,
        gpus=compute.gpus,
        failures_allowed=_failures_allowed(run),
    )


def _failures_allowed(run: RunRow) -> int | None:
    allowed = FailurePolicy.parse(run.on_failure).failures_allowed(run.assets)
    return None if allowed is None else allowed - run.carried.get("failed", 0)


def heartbeat(
    jobs: Jobs, caller: Caller, *, progress: Mapping[str, Any], facts: Mapping[str, Any], sample: Sample | None = None
) -> bool:
    """A sign of life; whether the Run is to be cancelled."""
    with jobs.database.transaction() as session:
        now = jobs.clock.now()
        run = renew(session, caller.run_id, caller.fence, now=now)
        told = {**progress, **{name: count + int(progress.get(name, 0)) for name, count in run.carried.items()}}
        if any(run.progress.get(name, 0) != told.get(name, 0) for name in _COUNTED):
            put_off_deadline(run, progressed_at=now)
        if run.progress != told:
            run.progress = told
        if any(run.facts.get(name) != fact for name, fact in facts.items()):
            run.facts = {**run.facts, **facts}
        if sample is not None:
            note_sample(session, run.id, sample, now=jobs.clock.now())
        return run.cancel_requested_at is not None


@dataclass(frozen=True, slots=True)
class ClaimedChunk:
    """A piece of work."""

    index: int
    assets: tuple[AssetRecord, ...]


def next_chunk(jobs: Jobs, caller: Caller, *, after: int | None) -> ClaimedChunk | None:
    """The next piece of work; None when there is none left. With the same `after` it is the same one again.

    Under `keep`, assets that have annotations already are written down as skipped, and are no work.
    """
    while True:
        with jobs.database.transaction() as session:
            run = renew(session, caller.run_id, caller.fence, now=jobs.clock.now())
            job = session.get_one(JobRow, run.job_id)
            processing = processing_of_version(session, run.processing_version_id)
            chunk = claim_chunk(session, run, after=after)
        if chunk is None:
            return None
        ids = read_scope(jobs.objects, run.files_id, chunk.first_row, chunk.size)
        pinned = pin(jobs.datasets, job.version_id, run.input_number)
        left_out = _left_out(jobs, pinned, ids, job, processing)
        if len(left_out) < len(ids):
            records = {str(record.id): record for record in assets_by_id(jobs.datasets, pinned, ids)}
            work = tuple(records[asset_id] for asset_id in ids if asset_id in records and asset_id not in left_out)
            return ClaimedChunk(chunk.index, work)
        stage_chunk(jobs, caller, chunk.index, StagedOutcome(done=()))


@dataclass(frozen=True, slots=True)
class NotDone:
    """An asset that was not done, as the supervisor says."""

    asset_id: str
    reason: str
    traceback: str | None = None
    log_offset: int | None = None


@dataclass(frozen=True, slots=True)
class StagedOutcome:
    """What became of a chunk, as the supervisor says."""

    done: Sequence[str]
    failed: Sequence[NotDone] = ()
    skipped: Sequence[NotDone] = ()
    annotations: bytes = b""
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    retried: int = 0
    partial: bool = False
    added: Added = field(default_factory=Added)
    """To the version that the Run makes."""

    def without_refused(self) -> "StagedOutcome":
        """Assets of which no image was made are not done: they have failed, with that reason."""
        refused = self.added.refused
        if not refused:
            return self
        columns = AnnotationColumns.from_bytes(self.annotations) if self.annotations else None
        return replace(
            self,
            done=[asset_id for asset_id in self.done if asset_id not in refused],
            failed=[*self.failed, *(NotDone(asset_id, why) for asset_id, why in refused.items())],
            annotations=without(columns, refused).to_bytes() if columns else b"",
            tags={asset_id: tags for asset_id, tags in self.tags.items() if asset_id not in refused},
            metadata={asset_id: values for asset_id, values in self.metadata.items() if asset_id not in refused},
        )


def stage_chunk(jobs: Jobs, caller: Caller, index: int, told: StagedOutcome) -> None:
    """Keep the results of a chunk until the end of the Run; the same call twice changes nothing.

    Assets that were no work are skipped, with the reason. Raises `ChunkMismatch` for what does not fit the chunk.
    """
    with jobs.database.reading() as session:
        run, chunk = session.get_one(RunRow, caller.run_id), find_chunk(session, caller.run_id, index)
    ids = read_scope(jobs.objects, run.files_id, chunk.first_row, chunk.size)
    require_results_of_done(told.done, told.tags, told.metadata, dict.fromkeys(told.added.refused))
    told = told.without_refused()
    _require_may_add(run, told)
    shapes = checked_columns(told.annotations, done=told.done, labels=run.labels)
    shapes += 0 if told.added.annotations is None else len(told.added.annotations)
    outcomes = _outcomes(jobs, run, ids, told)
    key = stage(jobs.objects, run.files_id, index, f"{run.number}-{caller.fence}", _results(told))
    done = tuple(told.done)
    result = ChunkResult(done, outcomes, shapes, key, told.dropped, retried=told.retried, partial=told.partial)
    with jobs.database.transaction() as session:
        holder = held(session, caller.run_id, caller.fence)
        record_chunk(session, holder, index, ids, result)
        session.flush()
        _show_progress(holder, ledger_of(session, holder))


def asset_of(jobs: Jobs, caller: Caller, asset_id: str) -> AssetRecord:
    """An asset of the Run's input Revision; raises `AssetNotFound`."""
    with jobs.database.reading() as session:
        run = session.get_one(RunRow, caller.run_id)
        version_id = session.get_one(JobRow, run.job_id).version_id
    return asset_by_id(jobs.datasets, pin(jobs.datasets, version_id, run.input_number), asset_id)


def chunk_annotations(jobs: Jobs, caller: Caller, index: int) -> bytes:
    """Of the assets of a chunk, by id, as the input Revision has them; without shapes that a human rejected."""
    with jobs.database.reading() as session:
        run, chunk = session.get_one(RunRow, caller.run_id), find_chunk(session, caller.run_id, index)
        version_id = session.get_one(JobRow, run.job_id).version_id
    pinned = pin(jobs.datasets, version_id, run.input_number)
    ids = read_scope(jobs.objects, run.files_id, chunk.first_row, chunk.size)
    return shapes_of(jobs.datasets, pinned, ids)


def other_version(jobs: Jobs, caller: Caller, parameter: str) -> tuple[str, int]:
    """The Revision that a Parameter of the Run is, by the version's id; raises `NotFound`."""
    with jobs.database.reading() as session:
        return read_of(session.get_one(RunRow, caller.run_id), parameter)


def require_makes_version(jobs: Jobs, caller: Caller) -> None:
    """Raise `ChunkMismatch` for a Run that makes no version that anything could be added to."""
    with jobs.database.reading() as session:
        if session.get_one(RunRow, caller.run_id).new_version is None:
            raise ChunkMismatch("The Run makes no version that assets could be added to.")


def _require_may_add(run: RunRow, told: StagedOutcome) -> None:
    if told.added.assets and run.new_version is None:
        raise ChunkMismatch("The Run makes no version that assets could be added to.")
    require_results_of_done(told.done, {added.origin: added for added in told.added.assets})
    if told.added.annotations is not None:
        require_labels(told.added.annotations, run.labels)


def _left_out(jobs: Jobs, pinned: Pinned, ids: list[str], job: JobRow, processing: PinnedProcessing) -> set[str]:
    """Assets that are no work, because they have annotations already."""
    if not (processing.annotates and job.existing == Existing.KEEP and ids and pinned.counts.annotations):
        return set()
    known = KnownIds(jobs.datasets.tables.open(pinned.annotations), "asset_id")
    has = known.among(np.array([asset_id.encode() for asset_id in ids], dtype=f"S{ID_DIGITS}"))
    return {asset_id for asset_id, annotated in zip(ids, has, strict=True) if annotated}


def _show_progress(run: RunRow, ledger: Ledger) -> None:
    known = {"done": ledger.done, "failed": ledger.failed, "skipped": ledger.skipped}
    ahead = {name: count for name, count in known.items() if count > run.progress.get(name, 0)}
    if ahead:
        run.progress = {**run.progress, **ahead}


def _results(told: StagedOutcome) -> StagedResults:
    return StagedResults(
        done=list(told.done),
        annotations=_joined(told),
        added=list(told.added.assets),
        tags={asset_id: list(tags) for asset_id, tags in told.tags.items()},
        metadata={asset_id: dict(values) for asset_id, values in told.metadata.items()},
    )


def _joined(told: StagedOutcome) -> bytes:
    added = told.added.annotations
    if added is None or not len(added):
        return told.annotations
    of_done = [AnnotationColumns.from_bytes(told.annotations)] if told.annotations else []
    return AnnotationColumns.concatenate([*of_done, added]).to_bytes()


def _outcomes(jobs: Jobs, run: RunRow, ids: list[str], told: StagedOutcome) -> tuple[Outcome, ...]:
    named = {*told.done, *(each.asset_id for each in (*told.failed, *told.skipped))}
    silent = [asset_id for asset_id in ids if asset_id not in named]
    if not (told.failed or told.skipped or silent):
        return ()
    with jobs.database.reading() as session:
        job = session.get_one(JobRow, run.job_id)
        processing = processing_of_version(session, run.processing_version_id)
    pinned = pin(jobs.datasets, job.version_id, run.input_number)
    # Of others nothing is known: the Run ended before it came to them.
    annotated = _left_out(jobs, pinned, silent, job, processing)
    paths = {str(record.id): record.path for record in assets_by_id(jobs.datasets, pinned, ids)}
    said = [
        *((FAILED, each) for each in told.failed),
        *((SKIPPED, each) for each in told.skipped),
        *((SKIPPED, NotDone(asset_id, ANNOTATED)) for asset_id in silent if asset_id in annotated),
        *((SKIPPED, NotDone(asset_id, VANISHED)) for asset_id in silent if asset_id not in paths),
    ]
    return tuple(
        Outcome(each.asset_id, paths.get(each.asset_id, ""), outcome, each.reason, each.traceback, each.log_offset)
        for outcome, each in said
    )
