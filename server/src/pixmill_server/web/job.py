"""A Job: its Runs, the live log of the chosen one, what went in and what came out."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import Conflict, PixmillError
from pixmill.parameters import values_from_text
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.run_effects import effect_of_run
from pixmill_server.jobs.ledger import FAILED, SKIPPED
from pixmill_server.jobs.lifecycle import RunStatus
from pixmill_server.jobs.metrics import metrics_of
from pixmill_server.jobs.new_version import taken_names
from pixmill_server.jobs.queries import JobRecord, RunRecord, find_job, find_run, outcomes_of, show_job
from pixmill_server.jobs.request import Again
from pixmill_server.jobs.rerun import rerun
from pixmill_server.jobs.resume import resume
from pixmill_server.jobs.runs import cancel
from pixmill_server.processings.queries import find_processing
from pixmill_server.processings.records import Processing
from pixmill_server.web.jobs import Progress, job_line, outcome_beside_status, progress_of
from pixmill_server.web.page import Services, Visitor, page_router, render
from pixmill_server.web.phrases import count_of, duration
from pixmill_server.web.process import Refusal, typed_form, version_addresses
from pixmill_server.web.process_form import (
    NEW_VERSION,
    PARAMETER_PREFIX,
    Field,
    free_name,
    parameter_fields,
    text_of,
)
from pixmill_server.web.run_charts import RunCharts, run_charts
from pixmill_server.web.run_result import RunResult, run_result

OUTCOMES_SHOWN = 200
DIGEST_SHOWN = 16
DONE = "done"

router = page_router()


@dataclass(frozen=True, slots=True)
class RunLine:
    """A Run in the list of its Job's."""

    number: int
    href: str
    status: str
    running_seconds: float


@dataclass(frozen=True, slots=True)
class OutcomeTab:
    """Assets of one outcome in the ledger."""

    outcome: str
    count: int
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class RunFailure:
    """What ended a Run: the last line first in sight, the whole stack trace below it."""

    last_line: str
    traceback: str


@dataclass(frozen=True, slots=True)
class RunShown:
    """The chosen Run."""

    number: int
    status: str
    is_active: bool
    outcome: str
    progress: Progress
    tiles: Sequence[tuple[str, str]]
    told: str
    """Changes when the ledger lists more."""
    charts: RunCharts | None
    """None: it took nothing that was seen."""
    error: RunFailure | None
    partial: str
    """What became of what it had done before it ended: `kept`, `committed`, ...; empty: there is nothing."""
    differs: Sequence[str]
    """What is not as in the Run before."""
    inputs: Sequence[tuple[str, str, str]]
    """Name, value, and where a link leads (empty: none)."""
    parameters: Sequence[tuple[str, str]]
    facts: Sequence[tuple[str, str]]
    state_href: str
    log_href: str
    log_stream_href: str


@router.get("/jobs/{job_id}")
def job_page(
    request: Request,
    services: Services,
    visitor: Visitor,
    job_id: str,
    run: int | None = None,
    outcome: str = "",
    after: str = "",
) -> Response:
    """A Job; `run` (None: the newest) chooses whose log and figures are shown.

    Of its ledger the assets of one `outcome` are listed (empty: those that failed, if any did), from `after` on.
    """
    return render(request, "job.html", **_page(services, visitor, job_id, run, outcome=outcome, after=after))


@router.get("/jobs/{job_id}/state")
def run_state(request: Request, services: Services, visitor: Visitor, job_id: str, run: int) -> Response:
    """Where a Run stands: what is asked again while it goes on."""
    record, chosen = _chosen(services, visitor, job_id, run)
    return render(request, "run_state.html", job=job_line(record), run=_run_shown(services, record, chosen))


@router.post("/jobs/{job_id}/cancel")
def cancel_job(services: Services, visitor: Visitor, job_id: str) -> Response:
    """Ask the active Run to end; nothing happens where it just did by itself."""
    with services.database.transaction() as session:
        job = find_job(session, visitor.organization_id, job_id)
        with suppress(Conflict):
            cancel(session, job.id, now=services.clock.now())
    return RedirectResponse(f"/jobs/{job_id}", HTTPStatus.SEE_OTHER)


@router.post("/jobs/{job_id}/rerun")
def rerun_job(
    request: Request,
    services: Services,
    visitor: Visitor,
    job_id: str,
    typed: Annotated[dict[str, str], Depends(typed_form)],
) -> Response:
    """Start a new Run with the same Parameters or those that were changed; a refusal shows the Job, with the reason."""
    try:
        again = Again(_edited(services, visitor, job_id, typed), to=typed.get(NEW_VERSION) or None)
        rerun(services.jobs, visitor, job_id, again)
    except PixmillError as error:
        return _refused(request, "refusal", error, _page(services, visitor, job_id, None, typed=typed))
    return RedirectResponse(f"/jobs/{job_id}", HTTPStatus.SEE_OTHER)


@router.post("/jobs/{job_id}/resume")
def resume_job(
    request: Request,
    services: Services,
    visitor: Visitor,
    job_id: str,
    typed: Annotated[dict[str, str], Depends(typed_form)],
) -> Response:
    """Go on where the newest Run stopped; a refusal shows the Job, with the reason."""
    try:
        resume(services.jobs, visitor, job_id, Again(to=typed.get(NEW_VERSION) or None))
    except PixmillError as error:
        return _refused(request, "resume_refusal", error, _page(services, visitor, job_id, None, typed=typed))
    return RedirectResponse(f"/jobs/{job_id}", HTTPStatus.SEE_OTHER)


def _refused(request: Request, form: str, error: PixmillError, page: Mapping[str, Any]) -> Response:
    """The Job again, with the reason in the form that was sent."""
    shown = {**page, form: Refusal(error.message, error.hint, getattr(error, "field", ""))}
    return render(request, "job.html", status=HTTPStatus.UNPROCESSABLE_ENTITY, **shown)


def _page(
    services: Services,
    visitor: Visitor,
    job_id: str,
    number: int | None,
    *,
    outcome: str = "",
    after: str = "",
    typed: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    record, chosen = _chosen(services, visitor, job_id, number)
    tabs = _outcome_tabs(record, chosen, outcome)
    listed = next((tab for tab in tabs if tab.is_current), None)
    with services.database.reading() as session:
        found = outcomes_of(
            session,
            chosen.row.id,
            outcome=listed.outcome if listed else None,
            after=after or None,
            limit=OUTCOMES_SHOWN + 1,
        )
    processing = find_processing(services.processings, visitor.organization_id, record.row.processing_id)
    more = found[OUTCOMES_SHOWN - 1].asset_id if len(found) > OUTCOMES_SHOWN else ""
    return {
        "job": job_line(record),
        "run": _run_shown(services, record, chosen),
        "runs": [_run_line(record, item) for item in record.runs],
        "result": _result(services, record, chosen),
        "outcomes": found[:OUTCOMES_SHOWN],
        "outcome_tabs": tabs,
        "more_href": more and listed and f"{listed.href}&after={more}",
        "fields": _fields(services, processing, record, typed),
        **_editing(processing),
        "new_version": _new_version_field(services, processing, record, typed),
        "refusal": None,
        "resume_refusal": None,
    }


def _fields(
    services: Services, processing: Processing, record: JobRecord, typed: Mapping[str, str] | None
) -> Sequence[Field]:
    """Those of the newest code, with what the newest Run was given, or what was typed since."""
    given = {PARAMETER_PREFIX + name: text_of(value) for name, value in record.runs[0].row.given.items()}
    labels = [label.name for label in pin(services.datasets, record.row.version_id).labels]
    versions = version_addresses(services, record.row.organization_id)
    return parameter_fields(processing, {**given, **(typed or {})}, labels=labels, versions=versions)


def _editing(processing: Processing) -> Mapping[str, str]:
    """Where the code is mended, or of a folder seen; nowhere where it is not one's own, or an image."""
    if processing.public or processing.newest.schema.get("image"):
        return {"edit_href": "", "edit_says": ""}
    if processing.newest.folder is not None:
        return {"edit_href": f"/processings/{processing.name}#code", "edit_says": "See the code"}
    return {"edit_href": f"/processings/{processing.name}/edit", "edit_says": "Edit the code"}


def _new_version_field(
    services: Services, processing: Processing, record: JobRecord, typed: Mapping[str, str] | None
) -> Field | None:
    """Its name before, where that is free, or a free one, or what was typed; None: the Processing makes none."""
    if not processing.newest.new_version:
        return None
    with services.database.reading() as session:
        taken = taken_names(session, record.row.version_id)
    before = record.runs[0].row.new_version
    name = before if before and before not in taken else free_name(taken)
    shown = (typed or {}).get(NEW_VERSION, name)
    return Field(NEW_VERSION, "Name of the new version", "text", shown, is_required=True)


def _edited(services: Services, visitor: Visitor, job_id: str, typed: Mapping[str, str]) -> dict[str, Any]:
    """The Parameters that were changed in the form."""
    record, _ = _chosen(services, visitor, job_id, None)
    processing = find_processing(services.processings, visitor.organization_id, record.row.processing_id)
    shown = {field.name: field.value for field in _fields(services, processing, record, None)}
    changed = {
        name.removeprefix(PARAMETER_PREFIX): text.strip()
        for name, text in typed.items()
        if name in shown and text.strip() != shown[name]
    }
    return dict(values_from_text(processing.newest.specs, changed))


def _chosen(services: Services, visitor: Visitor, job_id: str, number: int | None) -> tuple[JobRecord, RunRecord]:
    with services.database.reading() as session:
        job = find_job(session, visitor.organization_id, job_id)
        run = find_run(session, job.id, number)
        record = show_job(session, job, now=services.clock.now())
    return record, next(item for item in record.runs if item.row.number == run.number)


def _run_line(record: JobRecord, run: RunRecord) -> RunLine:
    href = f"/jobs/{record.row.id}?run={run.row.number}"
    return RunLine(run.row.number, href, run.row.status, run.running_seconds)


def _outcome_tabs(record: JobRecord, run: RunRecord, asked: str) -> list[OutcomeTab]:
    """Of the outcomes that there are; the one asked for is current, or else the first."""
    told = run.row.counts or run.row.progress or {}
    counts = {outcome: int(told.get(outcome) or 0) for outcome in (FAILED, SKIPPED)}
    there = [outcome for outcome, count in counts.items() if count]
    current = asked if asked in there else next(iter(there), "")
    href = f"/jobs/{record.row.id}?run={run.row.number}&outcome="
    return [OutcomeTab(outcome, counts[outcome], href + outcome, outcome == current) for outcome in there]


def _told(run: RunRecord) -> str:
    told = run.row.counts or run.row.progress or {}
    return f"{told.get(FAILED) or 0}-{told.get(SKIPPED) or 0}"


def _result(services: Services, record: JobRecord, run: RunRecord) -> RunResult | None:
    """None where the Run committed nothing, or no shapes."""
    row = run.row
    if row.result_number is None:
        return None
    version_id, into = row.new_version_id or record.row.version_id, run.new_version or record.version
    effect = effect_of_run(services.datasets, version_id, row.result_number, row.id)
    if effect is None or not any(label.added or label.replaced for label in effect.labels):
        return None
    return run_result(effect, version_href=f"/datasets/{into}", number=row.result_number, run_id=row.id)


def _run_shown(services: Services, record: JobRecord, run: RunRecord) -> RunShown:
    row = run.row
    with services.database.reading() as session:
        metrics = metrics_of(session, row.id)
    api = f"/api/v1/jobs/{record.row.id}/runs/{row.number}"
    return RunShown(
        number=row.number,
        status=row.status,
        is_active=row.state.is_active,
        outcome=f"waits for {run.waits_for}" if run.waits_for else outcome_beside_status(run),
        progress=progress_of(run),
        tiles=_tiles(run),
        told=_told(run),
        charts=run_charts(metrics),
        error=_failure(run),
        partial=row.partial or "",
        differs=row.differs,
        inputs=_inputs(record, run),
        parameters=[(name, str(value)) for name, value in row.parameters.items()],
        facts=_facts(row.facts or {}),
        state_href=f"/jobs/{record.row.id}/state?run={row.number}",
        log_href=f"{api}/log",
        log_stream_href=f"{api}/log/stream",
    )


def _tiles(run: RunRecord) -> list[tuple[str, str]]:
    row, progress = run.row, progress_of(run)
    speed = _images_per_second(run)
    tiles = [
        ("running time", duration(run.running_seconds)),
        ("assets", f"{count_of(progress.finished)} of {count_of(progress.total)}"),
    ]
    if speed:
        tiles.append(("images/s", f"{speed:.1f}"))
        if row.state.is_active:
            tiles.append(("left", duration((progress.total - progress.finished) / speed)))
    names = {
        "failed": "failed",
        "skipped": "skipped",
        "assets_added": "assets added",
        "shapes_added": "shapes added",
        "shapes_removed": "replaced",
    }
    counts = row.counts or row.progress or {}
    tiles += [(name, count_of(counts[key])) for key, name in names.items() if counts.get(key)]
    if row.price_per_hour:
        tiles.append(("cost", f"{run.cost:.4f}"))
    return tiles


def _images_per_second(run: RunRecord) -> float | None:
    """Lately, of one that runs; over all of its time, of one that has ended. None: nothing is known yet."""
    told = run.row.progress or {}
    if run.row.state.is_active:
        return told.get("images_per_second")
    # What the Runs before had settled took none of this one's time.
    worked = sum(told.get(name, 0) - run.row.carried.get(name, 0) for name in (DONE, FAILED))
    return worked / run.running_seconds if worked > 0 and run.running_seconds else None


def _failure(run: RunRecord) -> RunFailure | None:
    row = run.row
    if row.state is not RunStatus.FAILED:
        return None
    said = ": ".join(part for part in (row.error_type, row.error_message) if part)
    return RunFailure(said or row.message or row.reason or "failed", row.error_traceback or "")


def _inputs(record: JobRecord, run: RunRecord) -> list[tuple[str, str, str]]:
    row, version = run.row, f"/datasets/{record.version}"
    into = run.new_version or record.version
    result = f"{into}@{row.result_number}" if row.result_number else "nothing committed"
    inputs = [
        ("Revision", f"{record.version}@{row.input_number}", f"{version}/history"),
        ("Result", result, f"/datasets/{into}/history" if row.result_number else ""),
        ("Processing", f"{record.processing}, version {row.processing_number}", f"/processings/{record.processing}"),
        ("Code", row.code_digest[:DIGEST_SHOWN], ""),
    ]
    inputs += [("Model file", f"{name} {digest[:DIGEST_SHOWN]}", "") for name, digest in row.model_digests.items()]
    inputs += [("Class to Label", f"{name} \u2192 {label}", "") for name, label in (row.label_map or {}).items()]
    if run.new_version:
        inputs.insert(1, ("New version", run.new_version, f"/datasets/{into}" if row.new_version_id else ""))
    inputs.append(("Existing annotations", record.row.existing, ""))
    inputs.append(("On failure", record.row.on_failure, ""))
    return inputs


def _facts(facts: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    shown: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            shown += _facts(value, f"{prefix}{name} ")
        elif value not in (None, "", []):
            shown.append((f"{prefix}{name}".replace("_", " "), str(value)))
    return shown
