"""Reads of Jobs and Runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from pixmill.errors import NotFound
from pixmill_server.accounts.tables import UserRow
from pixmill_server.computes.tables import ComputeRow
from pixmill_server.datasets.queries import address_of
from pixmill_server.datasets.tables import VersionRow
from pixmill_server.jobs.errors import AmbiguousJob
from pixmill_server.jobs.lifecycle import ACTIVE, Ledger, RunStatus, Standing, sentence
from pixmill_server.jobs.tables import JobRow, RunOutcomeRow, RunRow, WorkerRow
from pixmill_server.jobs.workers import WORKER_SILENCE
from pixmill_server.model_registry.tables import ModelRow, ModelVersionRow
from pixmill_server.processings.tables import ProcessingRow

_ACTIVE = [str(status) for status in ACTIVE]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A Run, with what has to be worked out about it."""

    row: RunRow
    waits_for: str | None
    outcome: str
    """How it stands, in a sentence."""
    running_seconds: float
    new_version: str | None = None
    """The address of the version that it makes or made; None: it makes none."""

    @property
    def cost(self) -> float:
        """Running time x price."""
        return self.running_seconds / 3600 * self.row.price_per_hour


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A Job with the names of what it refers to, and Runs of it: the newest first."""

    row: JobRow
    version: str
    processing: str
    model: str | None
    compute: str
    created_by: str
    runs: Sequence[RunRecord]


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which Jobs; None is no condition."""

    status: RunStatus | None = None
    version_id: str | None = None
    processing: str | None = None
    """Its name or id."""
    model_version_id: str | None = None
    created_by: str | None = None
    """A user's id."""


@dataclass(frozen=True, slots=True)
class UsedInJobs:
    """What Jobs can be told apart by: names, or ids with their names; each in the order of the names."""

    processings: Sequence[str]
    versions: Sequence[str]
    """Addresses."""
    models: Sequence[tuple[str, str]]
    users: Sequence[tuple[str, str]]


def find_job(session: Session, organization_id: str, beginning: str) -> JobRow:
    """By id, or by any beginning of it that only one Job has; raises `NotFound`, `AmbiguousJob`."""
    wanted = beginning if beginning.startswith("job_") else f"job_{beginning}"
    found = session.scalars(
        select(JobRow)
        .where(JobRow.organization_id == organization_id, JobRow.id.startswith(wanted, autoescape=True))
        .order_by(JobRow.id)
        .limit(2)
    ).all()
    if not found:
        raise NotFound("Job", beginning, hint="See what there is with `pixmill jobs ls`.")
    if len(found) > 1 and found[0].id != wanted:
        raise AmbiguousJob(
            f"Several Jobs begin with '{beginning}': {found[0].id}, {found[1].id}.", hint="Give more of the id."
        )
    return found[0]


def find_run(session: Session, job_id: str, number: int | None) -> RunRow:
    """A Run of a Job (None: the newest); raises `NotFound`."""
    runs = select(RunRow).where(RunRow.job_id == job_id).order_by(RunRow.number.desc()).limit(1)
    if number is not None:
        runs = runs.where(RunRow.number == number)
    found = session.scalars(runs).one_or_none()
    if found is None:
        raise NotFound("Run", f"{job_id}, {number}", hint=f"See them with `pixmill jobs show {job_id}`.")
    return found


def places_of_runs(session: Session, run_ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Job id and number of each Run, by the Run's id."""
    rows = session.execute(select(RunRow.id, RunRow.job_id, RunRow.number).where(RunRow.id.in_(run_ids)))
    return {row.id: (row.job_id, row.number) for row in rows}


def show_job(session: Session, job: JobRow, *, now: datetime) -> JobRecord:
    """A Job with all its Runs."""
    runs = session.scalars(select(RunRow).where(RunRow.job_id == job.id).order_by(RunRow.number.desc())).all()
    return _record(session, job, runs, now)


def list_jobs(
    session: Session,
    organization_id: str,
    *,
    where: JobFilter,
    before: str | None,
    limit: int,
    now: datetime,
) -> list[JobRecord]:
    """Newest first, each with its newest Run; `before` is the id of the last one that is known (None: from the top)."""
    newer = aliased(RunRow)
    newest = ~select(newer.id).where(newer.job_id == RunRow.job_id, newer.number > RunRow.number).exists()
    query = (
        select(JobRow, RunRow)
        .join(RunRow, RunRow.job_id == JobRow.id)
        .where(JobRow.organization_id == organization_id, newest)
    )
    if where.status is not None:
        query = query.where(RunRow.status == where.status)
    if where.version_id is not None:
        query = query.where(JobRow.version_id == where.version_id)
    if where.processing is not None:
        named = select(ProcessingRow.id).where(
            (ProcessingRow.name == where.processing) | (ProcessingRow.id == where.processing)
        )
        query = query.where(JobRow.processing_id.in_(named))
    if where.model_version_id is not None:
        query = query.where(JobRow.model_version_id == where.model_version_id)
    if where.created_by is not None:
        query = query.where(JobRow.created_by == where.created_by)
    if before is not None:
        query = query.where(JobRow.id < before)
    found = session.execute(query.order_by(JobRow.id.desc()).limit(limit)).all()
    return [_record(session, job, [run], now) for job, run in found]


def used_in_jobs(session: Session, organization_id: str) -> UsedInJobs:
    """What the organization's Jobs were launched on and with, and by whom; versions that are gone are left out."""

    def distinct(column: InstrumentedAttribute[str | None] | InstrumentedAttribute[str]) -> list[str]:
        of_these = select(column).where(JobRow.organization_id == organization_id).distinct()
        return [value for value in session.scalars(of_these) if value is not None]

    processings = select(ProcessingRow.name).where(ProcessingRow.id.in_(distinct(JobRow.processing_id)))
    versions = select(VersionRow.id).where(
        VersionRow.id.in_(distinct(JobRow.version_id)), VersionRow.deleted_at.is_(None)
    )
    users = session.scalars(select(UserRow).where(UserRow.id.in_(distinct(JobRow.created_by))))
    models = [(model_id, str(_model_name(session, model_id))) for model_id in distinct(JobRow.model_version_id)]
    return UsedInJobs(
        processings=sorted(session.scalars(processings)),
        versions=sorted(str(address_of(session, version_id)) for version_id in session.scalars(versions)),
        models=sorted(models, key=lambda model: model[1]),
        users=sorted(((user.id, user.name) for user in users), key=lambda user: user[1]),
    )


def outcomes_of(
    session: Session, run_id: str, *, outcome: str | None = None, after: str | None, limit: int
) -> list[RunOutcomeRow]:
    """Assets that were not done, by id; `after` is the last id that is known (None: from the start).

    `outcome` is `failed` or `skipped`; None: both.
    """
    query = select(RunOutcomeRow).where(RunOutcomeRow.run_id == run_id)
    if outcome is not None:
        query = query.where(RunOutcomeRow.outcome == outcome)
    if after is not None:
        query = query.where(RunOutcomeRow.asset_id > after)
    return list(session.scalars(query.order_by(RunOutcomeRow.asset_id).limit(limit)))


def status_of(session: Session, run_id: str) -> RunStatus:
    """Of a Run, without reading the rest of it."""
    return RunStatus(session.scalars(select(RunRow.status).where(RunRow.id == run_id)).one())


def record_of(session: Session, run: RunRow, *, now: datetime) -> RunRecord:
    """A Run, with what has to be worked out about it."""
    waits_for = waiting_for(session, run, now=now)
    counts = run.counts or {}
    told = [counts.get(name, 0) for name in ("done", "failed", "skipped", "retried")]
    ledger = Ledger(run.assets, *told)
    partial_number = run.result_number if run.partial else None
    new_version = _new_version(session, run)
    standing = Standing(
        run.state,
        ledger,
        counts.get("shapes_added", 0),
        waits_for,
        run.message,
        partial_number,
        new_version,
        counts.get("assets_added", 0),
    )
    return RunRecord(run, waits_for, sentence(standing), running_seconds(run, now=now), new_version)


def running_seconds(run: RunRow, *, now: datetime) -> float:
    """From the child's first sign of life to the end, or to now."""
    if run.started_at is None:
        return 0.0
    return max(((run.ended_at or now) - run.started_at).total_seconds(), 0.0)


def waiting_for(session: Session, run: RunRow, *, now: datetime) -> str | None:
    """Why a Run is still pending; None for one that is not."""
    if run.state is not RunStatus.PENDING:
        return None
    if run.cancel_requested_at is not None:
        return "its worker to stop"
    if run.lease_expires_at is not None and run.lease_expires_at >= now:
        return run.waits_for
    compute = session.get_one(ComputeRow, run.compute_id)
    on_compute = select(func.count()).select_from(RunRow).where(RunRow.compute_id == run.compute_id)
    busy = session.scalar(on_compute.where(RunRow.status.in_(_ACTIVE), RunRow.lease_expires_at >= now)) or 0
    if busy >= compute.concurrency:
        ahead = on_compute.where(
            RunRow.status == RunStatus.PENDING,
            RunRow.lease_owner.is_(None),
            (RunRow.priority > run.priority) | ((RunRow.priority == run.priority) & (RunRow.id < run.id)),
        )
        position = (session.scalar(ahead) or 0) + 1
        return f"a place on Compute '{compute.name}' ({busy} of {compute.concurrency} in use); position {position}"
    seen = session.scalar(select(func.max(WorkerRow.seen_at)))
    if seen is None or seen < now - WORKER_SILENCE:
        return "a worker: none is running (`pixmill up` has one)"
    return "a worker"


def _record(session: Session, job: JobRow, runs: Sequence[RunRow], now: datetime) -> JobRecord:
    user = session.get(UserRow, job.created_by)
    return JobRecord(
        row=job,
        version=str(address_of(session, job.version_id)),
        processing=session.get_one(ProcessingRow, job.processing_id).name,
        model=_model_name(session, runs[0].model_version_id),
        compute=session.get_one(ComputeRow, job.compute_id).name,
        created_by=user.name if user else job.created_by,
        runs=[record_of(session, run, now=now) for run in runs],
    )


def _new_version(session: Session, run: RunRow) -> str | None:
    """As the version is called now, or is to be called."""
    if run.new_version is None:
        return None
    if run.new_version_id is not None:
        return str(address_of(session, run.new_version_id))
    return f"{address_of(session, session.get_one(JobRow, run.job_id).version_id).dataset}/{run.new_version}"


def _model_name(session: Session, model_version_id: str | None) -> str | None:
    if model_version_id is None:
        return None
    version = session.get_one(ModelVersionRow, model_version_id)
    return f"{session.get_one(ModelRow, version.model_id).name}/{version.name}"
