"""Jobs, Runs and plans as they are told in JSON."""

from collections.abc import Mapping
from typing import Literal, get_args

from pixmill.parameters.timeouts import TimeoutName, Timeouts
from pixmill.wire import jobs as wire
from pixmill.wire.runtime import Progress
from pixmill.wire.timeouts import TimeoutSeconds
from pixmill_server.api.dependencies import Services
from pixmill_server.jobs.lifecycle import PartialState
from pixmill_server.jobs.queries import JobRecord, RunRecord
from pixmill_server.jobs.request import LaunchPlan
from pixmill_server.jobs.tables import RunOutcomeRow

_OUTCOMES: dict[str, Literal["failed", "skipped"]] = {"failed": "failed", "skipped": "skipped"}


def job_of(services: Services, record: JobRecord) -> wire.Job:
    """A Job; it stands as its newest Run does."""
    job, newest = record.row, record.runs[0]
    return wire.Job(
        id=job.id,
        status=newest.row.state.value,
        waits_for=newest.waits_for,
        outcome=newest.outcome,
        version_id=job.version_id,
        version=record.version,
        processing=record.processing,
        model=record.model,
        compute=record.compute,
        parameters=newest.row.parameters,
        mapped=newest.row.label_map or {},
        scope=job.scope,
        existing=wire.Existing(job.existing),
        on_failure=newest.row.on_failure,
        created_by=record.created_by,
        created_at=job.created_at,
        running_seconds=newest.running_seconds,
        progress=_progress(newest),
        runs=[run_of(services, run) for run in record.runs],
    )


def run_of(services: Services, record: RunRecord) -> wire.Run:
    """A Run."""
    row = record.row
    return wire.Run(
        id=row.id,
        number=row.number,
        status=row.state.value,
        waits_for=record.waits_for,
        reason=row.reason,
        outcome=record.outcome,
        input_revision=row.input_number,
        result_revision=row.result_number,
        new_version=record.new_version,
        new_version_id=row.new_version_id,
        partial=PartialState(row.partial).value if row.partial else None,
        continues=row.continues_id is not None,
        on_failure=row.on_failure,
        priority=row.priority,
        timeouts=timeouts_of(row.timeouts),
        processing_number=row.processing_number,
        code_digest=row.code_digest,
        model_digests=row.model_digests,
        parameters=row.parameters,
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        running_seconds=record.running_seconds,
        exit_code=row.exit_code,
        error=_error(record),
        progress=_progress(record),
        images_per_second=row.progress.get("images_per_second"),
        counts=wire.RunCounts(**{"assets": row.assets, "carried": sum(row.carried.values()), **row.counts}),
        facts=row.facts,
        usage_seconds=record.running_seconds,
        cost=record.cost,
        log_bytes=services.jobs.logs.length(row.id),
        differs=row.differs,
    )


def plan_of(plan: LaunchPlan) -> wire.LaunchPlan:
    """What a launch would do."""
    matching = plan.matching
    return wire.LaunchPlan(
        version=plan.version,
        processing=plan.processing,
        processing_number=plan.processing_number,
        model=plan.model,
        compute=plan.compute,
        parameters=dict(plan.parameters),
        assets=plan.assets,
        mapped=matching.mapped if matching else {},
        ignored=list(matching.ignored) if matching else [],
        labels_without_class=list(matching.labels_without_class) if matching else [],
        proposals=[
            wire.LabelProposal(model_class=each.model_class, label=each.label, why=each.why)
            for each in (matching.proposals if matching else ())
        ],
        existing=wire.Existing(plan.existing),
        on_failure=plan.on_failure,
        priority=plan.priority,
        timeouts=timeouts_of(plan.timeouts),
        secrets=list(plan.secrets),
        new_version=plan.new_version,
        notes=list(plan.notes),
    )


def limits_of(timeouts: TimeoutSeconds) -> dict[str, float | None]:
    """Time-outs as they were asked for."""
    return {str(name): seconds for name, seconds in timeouts.items()}


def timeouts_of(limits: Mapping[str, float]) -> Timeouts:
    """Limits by name, in seconds."""
    names: dict[str, TimeoutName] = {name: name for name in get_args(TimeoutName)}
    return {names[name]: seconds for name, seconds in limits.items() if name in names}


def outcome_of(row: RunOutcomeRow, path: str) -> wire.RunOutcome:
    """An asset that was not done."""
    return wire.RunOutcome(
        asset_id=row.asset_id,
        path=path,
        outcome=_OUTCOMES[row.outcome],
        reason=row.reason,
        traceback=row.traceback,
        log_offset=row.log_offset,
    )


def _progress(record: RunRecord) -> Progress:
    row = record.row
    told = (row.counts if row.state.is_over else {}) or row.progress
    counted = {name: int(told.get(name, 0)) for name in ("done", "failed", "skipped")}
    return Progress(**counted, total=row.assets)


def _error(record: RunRecord) -> wire.RunErrorText | None:
    row = record.row
    if row.error_type is None:
        return None
    return wire.RunErrorText(type=row.error_type, message=row.error_message or "", traceback=row.error_traceback or "")
