"""The ledger of a Run: what became of every asset, chunk by chunk.

Done assets are bits; failed and skipped ones have a row each, with the reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import and_, case, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from pixmill_server.jobs.errors import ChunkMismatch
from pixmill_server.jobs.lifecycle import Ledger
from pixmill_server.jobs.scope import chunk_ranges
from pixmill_server.jobs.tables import ChunkRow, RunOutcomeRow, RunRow

TODO = "todo"
CLAIMED = "claimed"
STAGED = "staged"
PARTIAL = "partial"
"""The Run ended in the middle of it: what is told of it counts, and it is worked on again when the Run is resumed.

A resumed Run has it with fence 0 until it claims it, and it stays partial until it is staged anew."""
_TOLD = (STAGED, PARTIAL)

FAILED = "failed"
SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """An asset that was not done."""

    asset_id: str
    path: str
    outcome: str
    reason: str
    traceback: str | None = None
    log_offset: int | None = None


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What became of a chunk."""

    done: tuple[str, ...]
    """Asset ids."""
    outcomes: tuple[Outcome, ...]
    """The others."""
    shapes: int
    staged_key: str
    dropped: Mapping[str, int] = field(default_factory=dict)
    retried: int = 0
    """Of those that were done: how many only after their batch had failed."""
    partial: bool = False
    """The Run ended in the middle of the chunk: of some assets nothing is told."""


def open_ledger(session: Session, run_id: str, *, assets: int, size: int) -> int:
    """Write down every chunk as to do; how many there are."""
    rows = [
        {"run_id": run_id, "index": index, "first_row": first, "size": count, "state": TODO, "dropped": {}}
        for index, first, count in chunk_ranges(assets, size)
    ]
    if rows:
        session.execute(insert(ChunkRow), rows)
    return len(rows)


def claim_chunk(session: Session, run: RunRow, *, after: int | None) -> ChunkRow | None:
    """The next chunk beyond `after` that nobody else has; None when there is none left.

    One that this fence has claimed already is given again: the answer to that claim was lost.
    With None for `after` it is the first that nobody has claimed at all.
    """
    free = or_(ChunkRow.state == TODO, and_(ChunkRow.state == PARTIAL, ChunkRow.fence == 0))
    if after is not None:
        ours = and_(ChunkRow.state.in_((CLAIMED, PARTIAL)), ChunkRow.fence == run.fence)
        free = and_(ChunkRow.index > after, or_(free, ours))
    first = (
        select(ChunkRow.index)
        .where(ChunkRow.run_id == run.id, free)
        .order_by(ChunkRow.index)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = (
        update(ChunkRow)
        .where(ChunkRow.run_id == run.id, ChunkRow.index == first)
        .values(state=case((ChunkRow.state == PARTIAL, PARTIAL), else_=CLAIMED), fence=run.fence)
        .returning(ChunkRow)
        .execution_options(synchronize_session=False)
    )
    return session.scalars(statement).one_or_none()


def find_chunk(session: Session, run_id: str, index: int) -> ChunkRow:
    """A chunk by its index; raises `ChunkMismatch` where the Run has none such."""
    chunk = session.get(ChunkRow, (run_id, index))
    if chunk is None:
        raise ChunkMismatch(f"{run_id} has no chunk {index}.")
    return chunk


def record_chunk(session: Session, run: RunRow, index: int, asset_ids: list[str], result: ChunkResult) -> None:
    """Write down what became of a chunk; the last word counts, so that the same call twice changes nothing.

    Raises `ChunkMismatch` unless every asset of the chunk has exactly one outcome; at most one in a partial chunk.
    """
    _require_complete(index, asset_ids, result)
    chunk = find_chunk(session, run.id, index)
    chunk.state = PARTIAL if result.partial else STAGED
    chunk.fence, chunk.staged_key, chunk.retried = run.fence, result.staged_key, min(result.retried, len(result.done))
    chunk.done_bitmap = bitmap(asset_ids, frozenset(result.done))
    chunk.done, chunk.shapes, chunk.dropped = len(result.done), result.shapes, dict(result.dropped)
    chunk.failed = sum(outcome.outcome == FAILED for outcome in result.outcomes)
    chunk.skipped = len(result.outcomes) - chunk.failed
    session.execute(
        delete(RunOutcomeRow).where(RunOutcomeRow.run_id == run.id, RunOutcomeRow.chunk_index == index),
        execution_options={"synchronize_session": False},
    )
    add_outcomes(session, run.id, index, result.outcomes)


def add_outcomes(session: Session, run_id: str, index: int, outcomes: Iterable[Outcome]) -> None:
    """Write down assets that were not done."""
    rows = [
        {
            "run_id": run_id,
            "chunk_index": index,
            "asset_id": outcome.asset_id,
            "path": outcome.path,
            "outcome": outcome.outcome,
            "reason": outcome.reason,
            "traceback": outcome.traceback,
            "log_offset": outcome.log_offset,
        }
        for outcome in outcomes
    ]
    if rows:
        session.execute(insert(RunOutcomeRow), rows)


def ledger_of(session: Session, run: RunRow) -> Ledger:
    """What is known of all assets of a Run."""
    sums = session.execute(
        select(
            func.coalesce(func.sum(ChunkRow.done), 0),
            func.coalesce(func.sum(ChunkRow.failed), 0),
            func.coalesce(func.sum(ChunkRow.skipped), 0),
            func.coalesce(func.sum(ChunkRow.retried), 0),
        ).where(ChunkRow.run_id == run.id, ChunkRow.state.in_(_TOLD))
    ).one()
    return Ledger(run.assets, *(int(each) for each in sums))


def counts_of(ledger: Ledger, *, late: int = 0, **shapes: int) -> dict[str, int]:
    """The Changeset in numbers: done, failed, skipped and not reached are the scope. `late`: skipped by the commit."""
    return {
        "assets": ledger.assets,
        "done": ledger.done - late,
        "failed": ledger.failed,
        "skipped": ledger.skipped + late,
        "not_reached": ledger.open,
        "retried": ledger.retried,
        "shapes_added": 0,
        "shapes_removed": 0,
        "shapes_dropped": 0,
        **shapes,
    }


def dropped_of(session: Session, run_id: str) -> int:
    """Shapes that were left out because no Label takes their class."""
    of_run = select(ChunkRow.dropped).where(ChunkRow.run_id == run_id, ChunkRow.state.in_(_TOLD))
    counted = session.scalars(of_run)
    return sum(sum(dropped.values()) for dropped in counted)


def staged_keys(session: Session, run_id: str) -> list[str]:
    """Where the results of the chunks lie, in the order of the chunks."""
    return [
        key
        for key in session.scalars(
            select(ChunkRow.staged_key)
            .where(ChunkRow.run_id == run_id, ChunkRow.state.in_(_TOLD))
            .order_by(ChunkRow.index)
        )
        if key is not None
    ]


def bitmap(asset_ids: list[str], done: frozenset[str]) -> bytes:
    """One bit for each asset, the first in the lowest bit of the first byte."""
    bits = bytearray(-(-len(asset_ids) // 8))
    for place, asset_id in enumerate(asset_ids):
        if asset_id in done:
            bits[place // 8] |= 1 << (place % 8)
    return bytes(bits)


def _require_complete(index: int, asset_ids: list[str], result: ChunkResult) -> None:
    told = sorted([*result.done, *(outcome.asset_id for outcome in result.outcomes)])
    if result.partial and len(set(told)) == len(told) and set(told) <= set(asset_ids):
        return
    if told != sorted(asset_ids):
        raise ChunkMismatch(
            f"Each of the {len(asset_ids)} assets of chunk {index} has exactly one outcome: {len(told)} were given."
        )
