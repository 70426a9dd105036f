"""What a failed or cancelled Run had done before it ended: looked at, committed on purpose, or dropped."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill.annotations import AnnotationColumns
from pixmill.errors import NotFound
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import assets_by_id
from pixmill_server.datasets.records import AssetRecord
from pixmill_server.datasets.revise import Committed
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.added import AddedAsset, record_of
from pixmill_server.jobs.errors import NoPartialResults
from pixmill_server.jobs.ledger import find_chunk, ledger_of
from pixmill_server.jobs.lifecycle import Ledger, PartialState
from pixmill_server.jobs.queries import find_job, find_run
from pixmill_server.jobs.results import commit_results, staged_run, write_changeset
from pixmill_server.jobs.runs import require_no_newer_result, require_none_active, settle_partial
from pixmill_server.jobs.staging import read_staged
from pixmill_server.jobs.tables import ChunkRow, JobRow, RunRow
from pixmill_server.jobs.upkeep import clear_away


@dataclass(frozen=True, slots=True)
class PartialResults:
    """What a Run had done, in numbers."""

    run: RunRow
    state: PartialState | None
    """None: the Run is not over, or succeeded."""
    ledger: Ledger
    shapes: int
    by_label: Mapping[str, int]
    """Shapes, by Label; empty once the results are gone."""
    added: int = 0
    """Assets for the version that the Run makes."""


@dataclass(frozen=True, slots=True)
class StagedNewAsset:
    """One for the version that the Run makes."""

    chunk: int
    """The index of that in which it is staged."""
    asset: AssetRecord
    """As it is to be."""
    columns: AnnotationColumns | None
    """Its shapes; None for none."""


@dataclass(frozen=True, slots=True)
class StagedAsset:
    """One asset that the Run had done, with what it found."""

    asset_id: str
    path: str
    columns: AnnotationColumns | None
    """Its shapes; None for none."""
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[StagedNewAsset, ...] = ()
    """What was made of it."""


def partial_results(jobs: Jobs, actor: Actor, job_id: str, number: int) -> PartialResults:
    """In numbers; all staged results are read for it, one chunk at a time."""
    with jobs.database.reading() as session:
        job = find_job(session, actor.organization_id, job_id)
        run = find_run(session, job.id, number)
        staged, ledger = staged_run(session, run.id), ledger_of(session, run)
    state = PartialState(run.partial) if run.partial else None
    by_label: Counter[str] = Counter()
    added = 0
    if state is PartialState.KEPT:
        for results in read_staged(jobs.objects, staged.keys):
            by_label.update(_by_label(results.columns()))
            added += len(results.added)
    return PartialResults(run, state, ledger, sum(by_label.values()), dict(by_label.most_common()), added)


def partial_assets(
    jobs: Jobs, actor: Actor, job_id: str, number: int, *, after: int, limit: int
) -> list[tuple[int, StagedAsset]]:
    """Assets that were done, in the order of the Run, each with its place (for `after`; -1: from the start).

    Empty once the results are gone.
    """
    with jobs.database.reading() as session:
        job = find_job(session, actor.organization_id, job_id)
        run = find_run(session, job.id, number)
        chunks = session.scalars(
            select(ChunkRow)
            .where(ChunkRow.run_id == run.id, ChunkRow.staged_key.is_not(None), ChunkRow.done > 0)
            .where(ChunkRow.first_row + ChunkRow.size > after + 1)
            .order_by(ChunkRow.index)
        ).all()
    if run.partial != PartialState.KEPT:
        return []
    found: list[tuple[int, StagedAsset]] = []
    for chunk in chunks:
        placed = enumerate(_assets_of(jobs, job, run, chunk), start=chunk.first_row)
        found += [(place, asset) for place, asset in placed if place > after]
        if len(found) >= limit:
            break
    return found[:limit]


def find_new_asset(jobs: Jobs, actor: Actor, job_id: str, number: int, *, chunk: int, asset_id: str) -> StagedNewAsset:
    """One of those that a Run made; raises `NotFound`, also once the results are gone."""
    with jobs.database.reading() as session:
        run = _found(session, actor, job_id, number)
        staged = find_chunk(session, run.id, chunk).staged_key if run.partial == PartialState.KEPT else None
    for results in read_staged(jobs.objects, [staged] if staged else []):
        for new in results.added:
            if new.id == asset_id:
                return _new_asset(jobs, chunk, new, results.columns())
    raise NotFound("image", asset_id)


def commit_partial(jobs: Jobs, actor: Actor, job_id: str, number: int) -> Committed:
    """Make them visible as one Revision by this user, as the Run's own commit would have been.

    Raises `NoPartialResults`, `NewerResultExists`, `ActiveRunExists`, and what a commit raises.
    """
    with jobs.database.reading() as session:
        run = _found(session, actor, job_id, number)
        require_none_active(session, run.job_id)
        staged = staged_run(session, run.id)
    if run.partial != PartialState.KEPT:
        raise NoPartialResults(run.number, f"they were {run.partial}" if run.partial else f"it is {run.status}")
    if not staged.keys:
        raise NoPartialResults(run.number, "nothing was done before it ended")
    with jobs.database.reading() as session:
        require_no_newer_result(session, run)

    def settle(session: Session, committed: Committed) -> None:
        row = settle_partial(session, run.id, PartialState.COMMITTED)
        require_none_active(session, row.job_id)
        require_no_newer_result(session, row)
        write_changeset(session, row, committed)

    with jobs.finishing.of(run.id):
        committed = commit_results(
            jobs,
            staged,
            by=actor.user_id,
            remark=f": partial results of Run {run.number}",
            on_part=lambda: None,
            in_transaction=settle,
        )
    clear_away(jobs.database, jobs.objects, now=jobs.clock.now())
    return committed


def drop_partial(jobs: Jobs, actor: Actor, job_id: str, number: int) -> None:
    """Forget them; the Run cannot be resumed any more. Raises `NoPartialResults`."""
    with jobs.database.transaction() as session:
        settle_partial(session, _found(session, actor, job_id, number).id, PartialState.DROPPED)
    clear_away(jobs.database, jobs.objects, now=jobs.clock.now())


def _found(session: Session, actor: Actor, job_id: str, number: int) -> RunRow:
    return find_run(session, find_job(session, actor.organization_id, job_id).id, number)


def _by_label(columns: AnnotationColumns | None) -> dict[str, int]:
    if columns is None:
        return {}
    counts = np.bincount(columns.label, minlength=len(columns.labels))
    return {name: int(count) for name, count in zip(columns.labels, counts, strict=True) if count}


def _assets_of(jobs: Jobs, job: JobRow, run: RunRow, chunk: ChunkRow) -> Iterator[StagedAsset]:
    (results,) = read_staged(jobs.objects, [chunk.staged_key or ""])
    pinned = pin(jobs.datasets, job.version_id, run.input_number)
    paths = {str(record.id): record.path for record in assets_by_id(jobs.datasets, pinned, list(results.done))}
    columns, made = results.columns(), defaultdict(list)
    for new in results.added:
        made[new.origin].append(_new_asset(jobs, chunk.index, new, columns))
    for asset_id in results.done:
        yield StagedAsset(
            asset_id,
            paths.get(asset_id, ""),
            _only(columns, asset_id),
            tuple(results.tags.get(asset_id, ())),
            results.metadata.get(asset_id, {}),
            tuple(made[asset_id]),
        )


def _new_asset(jobs: Jobs, chunk: int, new: AddedAsset, columns: AnnotationColumns | None) -> StagedNewAsset:
    return StagedNewAsset(chunk, record_of(new, created_at=jobs.clock.now()), _only(columns, new.id))


def _only(columns: AnnotationColumns | None, asset_id: str) -> AnnotationColumns | None:
    if columns is None or asset_id not in columns.assets:
        return None
    rows = np.flatnonzero(columns.asset == columns.assets.index(asset_id))
    return columns.take(rows) if len(rows) else None
