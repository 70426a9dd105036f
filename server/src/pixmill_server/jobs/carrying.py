"""The part of a ledger that a resumed Run takes over: chunks that were staged, and what whole ones say of assets."""

from sqlalchemy import insert, literal, null, select
from sqlalchemy.orm import Session

from pixmill_server.jobs.ledger import PARTIAL, STAGED, TODO, ledger_of
from pixmill_server.jobs.lifecycle import Ledger
from pixmill_server.jobs.tables import ChunkRow, RunOutcomeRow, RunRow

_KEPT = ("staged_key", "done_bitmap", "done", "failed", "skipped", "retried", "shapes", "dropped")


def carry_ledger(session: Session, before: RunRow, run: RunRow) -> Ledger:
    """Open the ledger of a Run with all chunks of the one before: staged ones are done, the others are to do again.

    Of partial ones the assets that were done count until the chunk is done again. What is known of the assets by the
    whole ones; the Run's `carried` and `progress` say so too.
    """
    of_before = ChunkRow.run_id == before.id
    place = (literal(run.id), ChunkRow.index, ChunkRow.first_row, ChunkRow.size)
    names = ["run_id", "index", "first_row", "size", "state", "fence"]
    staged = select(*place, ChunkRow.state, literal(0), *(getattr(ChunkRow, name) for name in _KEPT))
    session.execute(
        insert(ChunkRow).from_select([*names, *_KEPT], staged.where(of_before, ChunkRow.state == STAGED)),
    )
    ledger = ledger_of(session, run)
    # What failed or was skipped in them is tried again: it must not end a Run that has not come to it yet.
    counts = (ChunkRow.done, literal(0), literal(0), ChunkRow.retried, ChunkRow.shapes, ChunkRow.dropped)
    partial = select(*place, ChunkRow.state, literal(0), ChunkRow.staged_key, ChunkRow.done_bitmap, *counts)
    session.execute(
        insert(ChunkRow).from_select([*names, *_KEPT], partial.where(of_before, ChunkRow.state == PARTIAL)),
    )
    zeros = [literal(0)] * 5
    todo = select(*place, literal(TODO), literal(0), null(), null(), *zeros, ChunkRow.dropped)
    session.execute(
        insert(ChunkRow).from_select([*names, *_KEPT], todo.where(of_before, ChunkRow.state.not_in((STAGED, PARTIAL)))),
    )
    _carry_outcomes(session, before, run)
    run.carried = {"done": ledger.done, "failed": ledger.failed, "skipped": ledger.skipped}
    run.progress = dict(run.carried)
    return ledger


def _carry_outcomes(session: Session, before: RunRow, run: RunRow) -> None:
    names = ["asset_id", "chunk_index", "path", "outcome", "reason", "traceback"]
    of_staged = select(ChunkRow.index).where(ChunkRow.run_id == before.id, ChunkRow.state == STAGED)
    # Without the place in the log: that is the log of the Run before.
    rows = select(literal(run.id), *(getattr(RunOutcomeRow, name) for name in names)).where(
        RunOutcomeRow.run_id == before.id, RunOutcomeRow.chunk_index.in_(of_staged)
    )
    session.execute(insert(RunOutcomeRow).from_select(["run_id", *names], rows))
