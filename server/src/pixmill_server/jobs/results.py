"""From staged chunks to a Revision: what a Run has done, committed by its end or, of one that failed, by a person."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill.annotations import AnnotationColumns, Origin, Source
from pixmill_server.datasets.changes import ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.errors import LeaseLost, NameTaken
from pixmill_server.datasets.make_version import NewVersion, make_version
from pixmill_server.datasets.queries import address_of, pinned
from pixmill_server.datasets.revise import Author, Committed, InTransaction, Skipped
from pixmill_server.jobs.access import Jobs
from pixmill_server.jobs.added import rows_of_added
from pixmill_server.jobs.ledger import SKIPPED, Outcome, add_outcomes, counts_of, dropped_of, ledger_of, staged_keys
from pixmill_server.jobs.new_version import NewVersionTaken
from pixmill_server.jobs.pins import PinnedProcessing, model_of_version, processing_of_version
from pixmill_server.jobs.staging import read_staged
from pixmill_server.jobs.tables import JobRow, RunRow
from pixmill_server.kernel.ids import new_id

ATTEMPTS: Final = 5
"""How often a commit is tried whose lease somebody else took meanwhile."""
CHUNKS_AT_ONCE: Final = 16
COMMIT_CHUNK: Final = -1
"""The `chunk_index` of outcomes that only the commit brought about."""


@dataclass(frozen=True, slots=True)
class StagedRun:
    """A Run with what it has staged."""

    run: RunRow
    job: JobRow
    processing: PinnedProcessing
    model: str
    """Empty where the Processing takes none."""
    keys: list[str]
    other_runs: tuple[str, ...]
    """Ids of the Job's other Runs: what they have committed is there before this, whatever their numbers."""
    label_ids: Mapping[str, str]
    """Ids by the names that the Labels had at the launch."""
    origins: dict[str, str] = field(default_factory=dict)
    """Of what is added to a new version, by path and by id: the id of what it was made of. Known as the parts are read.
    """


def staged_run(session: Session, run_id: str) -> StagedRun:
    """What there is to commit of a Run."""
    run = session.get_one(RunRow, run_id)
    job = session.get_one(JobRow, run.job_id)
    others = select(RunRow.id).where(RunRow.job_id == run.job_id, RunRow.id != run.id)
    return StagedRun(
        run=run,
        job=job,
        processing=processing_of_version(session, run.processing_version_id),
        model=model_of_version(session, run.model_version_id).name if run.model_version_id else "",
        keys=staged_keys(session, run.id),
        other_runs=tuple(session.scalars(others)),
        label_ids={label.name: label.id for label in pinned(session, job.version_id, run.input_number).labels},
    )


def commit_results(
    jobs: Jobs,
    staged: StagedRun,
    *,
    by: str | None = None,
    remark: str = "",
    on_part: Callable[[], None],
    in_transaction: InTransaction,
) -> Committed:
    """Make what the Run has staged visible as one Revision, by its existing-annotations policy; raises as `commit`.

    `by` is the user (None: who launched it). `on_part` is called now and then, `in_transaction` inside the transaction
    that moves the pointer.
    """
    run, processing = staged.run, staged.processing
    origin = Origin(Source.RUN, run_id=run.id, processing=processing.name, model=staged.model)

    def parts() -> Iterable[ChangePart]:
        return _parts(jobs, staged, on_part)

    author = Author(user_id=by or staged.job.created_by, run_id=run.id)
    summary = f"{processing.name}{f' with {staged.model}' if staged.model else ''}{remark}"
    existing = Existing(staged.job.existing)
    if run.new_version is not None:
        change = ChangeSource(parts, origin, label_ids=staged.label_ids)
        return _make_version(jobs, staged, change, author=author, summary=summary, in_transaction=in_transaction)
    change = ChangeSource(parts, origin, other_runs=staged.other_runs, label_ids=staged.label_ids)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return commit(
                jobs.datasets,
                staged.job.version_id,
                change,
                author=author,
                summary=summary,
                existing=existing,
                in_transaction=in_transaction,
            )
        except LeaseLost:
            # Upkeep or somebody else's commit came in between, because this one was slow. Nothing of it is visible.
            if attempt == ATTEMPTS:
                raise
    raise AssertionError


def _make_version(
    jobs: Jobs,
    staged: StagedRun,
    change: ChangeSource,
    *,
    author: Author,
    summary: str,
    in_transaction: InTransaction,
) -> Committed:
    run, name = staged.run, str(staged.run.new_version)
    new = NewVersion(
        id=new_id("ver"),
        base_id=staged.job.version_id,
        base_number=run.input_number,
        name=name,
        is_fork=staged.processing.new_version == "fork",
    )

    def settle(session: Session, committed: Committed) -> None:
        skipped = _by_origin(committed.outcome.skipped, staged.origins)
        in_transaction(session, replace(committed, outcome=replace(committed.outcome, skipped=skipped)))
        session.get_one(RunRow, run.id).new_version_id = new.id

    try:
        return make_version(
            jobs.datasets,
            new,
            change,
            author=author,
            summary=summary,
            existing=Existing(staged.job.existing),
            in_transaction=settle,
        )
    except NameTaken as error:
        with jobs.database.reading() as session:
            dataset = address_of(session, staged.job.version_id).dataset
        raise NewVersionTaken(f"There is a version '{dataset}/{name}' by now.", dataset=dataset) from error


def _by_origin(skipped: Iterable[Skipped], origins: Mapping[str, str]) -> tuple[Skipped, ...]:
    """Each asset of the scope once: what was made of it and left out is said of it."""
    said: dict[str, str] = {}
    for each in skipped:
        if each.asset in origins:
            said.setdefault(origins[each.asset], f"what was made of it was left out: {each.reason}")
        else:
            said[each.asset] = each.reason
    return tuple(Skipped(asset_id, reason) for asset_id, reason in said.items())


def write_changeset(session: Session, run: RunRow, committed: Committed) -> None:
    """What the Run did, in numbers and by asset, together with the commit."""
    outcome, step = committed.outcome, committed.outcome.step
    run.result_number = committed.number if committed.changed else None
    run.counts = counts_of(
        ledger_of(session, run),
        late=len(outcome.skipped),
        shapes_added=step.get("added_annotations", 0),
        shapes_removed=step.get("removed_annotations", 0),
        shapes_dropped=dropped_of(session, run.id) + sum(outcome.dropped.values()),
        assets_added=step.get("added_assets", 0),
    )
    skipped = [Outcome(each.asset, "", SKIPPED, each.reason) for each in outcome.skipped]
    add_outcomes(session, run.id, COMMIT_CHUNK, skipped)


def _parts(jobs: Jobs, staged: StagedRun, on_part: Callable[[], None]) -> Iterator[ChangePart]:
    """Many chunks at a time: the commit looks up the assets of a part all at once."""
    keys, annotates = staged.keys, staged.processing.annotates and staged.processing.new_version != "empty"
    for start in range(0, len(keys), CHUNKS_AT_ONCE):
        on_part()
        results = list(read_staged(jobs.objects, keys[start : start + CHUNKS_AT_ONCE]))
        columns = [found for each in results if (found := each.columns()) is not None]
        added = [asset for each in results for asset in each.added]
        staged.origins.update({name: asset.origin for asset in added for name in (asset.image.path, asset.id)})
        yield ChangePart(
            assets=rows_of_added(added, jobs.datasets) if added else None,
            annotations=AnnotationColumns.concatenate(columns) if columns else None,
            # A Processing that is not for shapes has not looked for any.
            done=[asset_id for each in results for asset_id in each.done] if annotates else (),
            tags={asset_id: tags for each in results for asset_id, tags in each.tags.items()},
            metadata={asset_id: values for each in results for asset_id, values in each.metadata.items()},
        )
