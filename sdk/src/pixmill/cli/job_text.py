"""Jobs, Runs and plans as a person reads them."""

from collections.abc import Iterable, Iterator, Sequence

from pixmill.cli.output import print_rows, size_text
from pixmill.cli.timeouts import timeouts_text
from pixmill.client.jobs import Job, LaunchPlan, Run, RunMetrics, RunOutcome

MOST_OUTCOMES = 20
_MOST_NAMES = 12
_MINUTE = 60
_HOUR = 3600


def plan_lines(plan: LaunchPlan) -> Iterator[str]:
    """What a launch will do, before it is done."""
    with_model = f" with {plan.model}" if plan.model else ""
    yield f"{plan.processing}@{plan.processing_number}{with_model} on {plan.version}, on Compute '{plan.compute}'"
    yield f"  assets in scope: {plan.assets}"
    if plan.model:
        mapped = [name if name == label else f"{name} -> {label}" for name, label in plan.mapped.items()]
        yield f"  classes mapped: {_listed(mapped)}"
        yield f"  classes ignored: {_listed(plan.ignored)}"
        yield f"  Labels that get nothing: {_listed(plan.labels_without_class)}"
    for proposal in plan.proposals:
        yield f"  did you mean --map '{proposal.model_class}={proposal.label}'? ({proposal.why})"
    yield f"  parameters: {', '.join(f'{name}={value}' for name, value in plan.parameters.items()) or 'none'}"
    if plan.secrets:
        yield f"  secrets that the Run is told: {', '.join(plan.secrets)}"
    if plan.new_version:
        yield f"  makes the version {plan.new_version}; {plan.version} stays as it is"
    yield f"  existing annotations: {plan.existing}; failed assets: {plan.on_failure}"
    if plan.timeouts or plan.priority:
        yield f"  time-outs: {timeouts_text(plan.timeouts)}; priority: {plan.priority}"
    for note in plan.notes:
        yield f"  {note}"


def job_facts(job: Job) -> dict[str, object]:
    """A Job and its newest Run."""
    run = job.runs[0]
    counts = run.counts
    facts: dict[str, object] = {
        "job": job.id,
        "status": job.outcome,
        "processing": f"{job.processing}@{run.processing_number}  code {run.code_digest[:12]}",
        "version": f"{job.version}@{run.input_revision}",
        "model": _model(job),
        "compute": job.compute,
        "parameters": "\n".join(f"{name} = {value}" for name, value in run.parameters.items()) or "none",
        "mapped": ", ".join(f"{name} -> {label}" for name, label in job.mapped.items()) or "-",
        "scope": ", ".join(f"{name}: {value}" for name, value in job.scope.items()) or "all assets",
        "existing": job.existing.value,
        "on failure": run.on_failure,
        "time-outs": timeouts_text(run.timeouts),
        "priority": run.priority,
        "launched": f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC by {job.created_by}",
        "assets": _assets(run),
        "shapes": f"{counts.shapes_added} added, {counts.shapes_removed} removed, {counts.shapes_dropped} left out",
        "result": f"{run.new_version or job.version}@{run.result_revision}" if run.result_revision else "-",
        "partial results": _partial(job),
        "running time": f"{seconds_text(run.running_seconds)}, cost {run.cost:.4f}",
    }
    facts |= {name: _fact(value) for name, value in sorted(run.facts.items())}
    if run.error is not None:
        facts["error"] = f"{run.error.type}: {run.error.message}"
        facts["stack trace"] = run.error.traceback.rstrip() or "see its log"
    return facts


def taken_facts(metrics: RunMetrics) -> dict[str, object]:
    """What a Run took at most; nothing where nothing was sampled."""
    if metrics.begins_at is None:
        return {}
    return {"peak CPUs": f"{metrics.peak_cpus:.2f}", "peak memory": size_text(metrics.peak_memory_bytes)}


def print_runs(runs: Sequence[Run]) -> None:
    """Newest first."""
    print_rows(
        ["RUN", "STATUS", "CODE", "INPUT", "STARTED", "RUNNING"],
        (
            [
                str(run.number),
                run.outcome,
                f"@{run.processing_number} {run.code_digest[:12]}",
                f"@{run.input_revision}",
                f"{run.started_at:%Y-%m-%d %H:%M:%S}" if run.started_at else "-",
                seconds_text(run.running_seconds),
            ]
            for run in runs
        ),
    )


def outcome_lines(outcomes: Iterable[RunOutcome], *, most: int | None) -> Iterator[str]:
    """Failed or skipped assets: the first of them, or all (None)."""
    for place, outcome in enumerate(outcomes):
        if most is not None and place == most:
            yield "... and more: see them with --all"
            return
        where = "" if outcome.log_offset is None else f"  (log byte {outcome.log_offset})"
        yield f"{outcome.outcome}  {outcome.path or outcome.asset_id}: {outcome.reason}{where}"


def seconds_text(seconds: float) -> str:
    """`3.2 s`, `4 min 05 s`, `1 h 02 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02} s"
    return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE):02} min"


def _model(job: Job) -> str:
    if job.model is None:
        return "-"
    digests = ", ".join(f"{name} {digest[:12]}" for name, digest in job.runs[0].model_digests.items())
    return f"{job.model}  {digests}"


def _assets(run: Run) -> str:
    progress, counts = run.progress, run.counts
    told = [f"{progress.done} done", f"{progress.failed} failed", f"{progress.skipped} skipped"]
    if counts.not_reached:
        told.append(f"{counts.not_reached} not reached")
    again = f"; {counts.retried} of them when tried again" if counts.retried else ""
    carried = f"; {counts.carried} by the Run before" if counts.carried else ""
    return f"{', '.join(told)} of {progress.total}{again}{carried}"


def _partial(job: Job) -> str:
    run = job.runs[0]
    if run.partial != "kept":
        return run.partial or "-"
    return (
        f"kept: look at them with `pixmill jobs partial show {job.id}`,\n"
        f"go on with `pixmill jobs rerun {job.id} --resume`"
    )


def _fact(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_fact(part)}" for name, part in value.items())
    return str(value)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES]) or "none"
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown
