"""`pixmill jobs`: launch, follow, wait, list, show, log, run again, cancel."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from pixmill.cli.connect import connect
from pixmill.cli.job_progress import Silence, progress_bar
from pixmill.cli.job_text import job_facts, outcome_lines, plan_lines, print_runs, seconds_text
from pixmill.cli.main import ExitCode
from pixmill.cli.output import Json, print_facts, print_json, print_list, talk
from pixmill.cli.parameters import ParameterOptions, parameters_of
from pixmill.client import Client
from pixmill.client.jobs import Existing, Job, JobScope, LaunchJob, LogBytes, LogEvent
from pixmill.errors import InvalidInput

app = typer.Typer(help="Launches of Processings, and their Runs.")

_CODES = {"succeeded": ExitCode.WORKED, "failed": ExitCode.FAILED, "cancelled": ExitCode.CANCELLED}
_JOB = Annotated[str, typer.Argument(metavar="ID", help="A Job's id, or any beginning of it that only one Job has.")]
_FOLLOW = Annotated[bool, typer.Option("--follow", "-f", help="Print the log as it comes, and end as the Run does.")]


@app.command("launch")
def launch_job(
    processing: Annotated[str, typer.Argument(metavar="PROCESSING")],
    version: Annotated[str, typer.Argument(metavar="DATASET/VERSION")],
    *,
    model: Annotated[str | None, typer.Option(help="The ModelVersion, as in smart-city-yolo/1.")] = None,
    p: ParameterOptions = None,
    to: Annotated[
        list[str] | None, typer.Option("--map", metavar="CLASS=LABEL", help="Send a model class to a Label.")
    ] = None,
    assets: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Only these assets: one path or id a line.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Only assets with a shape of this Label.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only assets with this tag.")] = None,
    unannotated: Annotated[bool, typer.Option("--unannotated", help="Only assets without annotations.")] = False,
    where: Annotated[
        str, typer.Option("--filter", metavar="QUERY", help="Only assets of this filter, as in the grid's address.")
    ] = "",
    existing: Annotated[Existing, typer.Option(help="What becomes of annotations that are there.")] = Existing.KEEP,
    compute: Annotated[str | None, typer.Option(help="Where it goes.")] = None,
    follow: _FOLLOW = False,
    json: Json = False,
) -> None:
    """Launch a Processing on a DatasetVersion."""
    texts = parameters_of(p)
    with connect() as client:
        wish = LaunchJob(
            processing=processing,
            version=version,
            model=model,
            parameters=_values(client, processing, texts),
            map=_map(to or []),
            scope=JobScope(assets=_listed(assets), label=label, tag=tag, unannotated=unannotated, filter=where),
            existing=existing,
            compute=compute,
        )
        for line in plan_lines(client.jobs.plan(wish)):
            talk().print(line)
        job = client.jobs.send(wish)
        _after(client, job, follow=follow, json=json)


@app.command("ls")
def list_jobs(
    *,
    status: Annotated[str | None, typer.Option(help="pending, running, succeeded, failed or cancelled.")] = None,
    version: Annotated[
        str | None, typer.Option(metavar="DATASET/VERSION", help="Only Jobs of this DatasetVersion.")
    ] = None,
    processing: Annotated[str | None, typer.Option(help="Only Jobs of this Processing.")] = None,
    json: Json = False,
) -> None:
    """List Jobs, newest first."""
    with connect() as client:
        print_list(
            client.jobs.list(status=status, version=version, processing=processing),
            {
                "ID": lambda job: job.id,
                "STATUS": lambda job: job.outcome,
                "PROCESSING": lambda job: job.processing,
                "VERSION": lambda job: job.version,
                "MODEL": lambda job: job.model or "-",
                "BY": lambda job: job.created_by,
                "LAUNCHED": lambda job: f"{job.created_at:%Y-%m-%d %H:%M:%S}",
                "RUNNING": lambda job: seconds_text(job.running_seconds),
                "ASSETS": lambda job: f"{job.progress.done}/{job.progress.total}",
            },
            as_json=json,
            empty="No Jobs: launch one with `pixmill jobs launch PROCESSING DATASET/VERSION`.",
        )


@app.command("show")
def show_job(job_id: _JOB, *, json: Json = False) -> None:
    """Show a Job: its Runs, what went in and what came out, and the images that failed."""
    with connect() as client:
        job = client.jobs.show(job_id)
        if json:
            print_json(job)
            return
        print_facts(job_facts(job), as_json=None)
        print_runs(job.runs)
        for line in outcome_lines(client.jobs.outcomes(job.id, job.runs[0].number)):
            typer.echo(line)


@app.command("logs")
def show_log(
    job_id: _JOB,
    *,
    follow: _FOLLOW = False,
    run: Annotated[int | None, typer.Option(help="Which Run; the newest, unless said.")] = None,
) -> None:
    """Print what a Run wrote, byte for byte."""
    with connect() as client:
        job = client.jobs.show(job_id)
        number = job.runs[0].number if run is None else run
        if follow:
            raise typer.Exit(_follow(client, job.id, number, to_stderr=False))
        for piece in client.jobs.log(job.id, number):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


@app.command("rerun")
def rerun_job(job_id: _JOB, *, p: ParameterOptions = None, follow: _FOLLOW = False, json: Json = False) -> None:
    """Run a Job again, on the newest code, model and images; refused while a Run is pending or running."""
    texts = parameters_of(p)
    with connect() as client:
        values = _values(client, client.jobs.show(job_id).processing, texts)
        job = client.jobs.rerun(job_id, parameters=values)
        for line in job.runs[0].differs or ["nothing"]:
            talk().print(f"differs from Run {job.runs[0].number - 1}: {line}")
        _after(client, job, follow=follow, json=json)


@app.command("cancel")
def cancel_job(job_id: _JOB, *, json: Json = False) -> None:
    """End a Job's Run, whether it waits or works; nothing of it is kept on the version."""
    with connect() as client:
        job = client.jobs.wait(client.jobs.cancel(job_id).id)
    if json:
        print_json(job)
    else:
        talk().print(f"{job.id}: {job.outcome}.")


@app.command("wait")
def wait_for_job(
    job_id: _JOB,
    *,
    timeout: Annotated[float | None, typer.Option(metavar="SECONDS", help="Give up waiting after this time.")] = None,
    json: Json = False,
) -> None:
    """Wait until a Job's Run is over, and end as it did."""
    with connect() as client, progress_bar() as show:
        job = client.jobs.wait(job_id, timeout_seconds=timeout, on_look=show)
    _tell(job, json=json)


def _after(client: Client, job: Job, *, follow: bool, json: bool) -> None:
    number = job.runs[0].number
    if not follow:
        if json:
            print_json(job)
        else:
            typer.echo(job.id)
            talk().print(f"{job.outcome}. Follow it with: pixmill jobs logs {job.id} --follow")
        return
    talk().print(f"{job.id}, Run {number}: {job.outcome}")
    try:
        _follow(client, job.id, number, to_stderr=json)
    except KeyboardInterrupt:
        talk().print(f"{job.id} goes on. Follow it with: pixmill jobs logs {job.id} --follow")
        raise
    _tell(client.jobs.show(job.id), json=json)


def _follow(client: Client, job_id: str, number: int, *, to_stderr: bool) -> ExitCode:
    """The log as it comes, byte for byte; how the Run ended."""
    out = sys.stderr.buffer if to_stderr else sys.stdout.buffer
    with Silence(client, job_id) as silence:
        for message in client.jobs.follow(job_id, number):
            silence.heard()
            if isinstance(message, LogBytes):
                out.write(message.written)
                out.flush()
            elif isinstance(message, LogEvent):
                talk().print(f"pixmill: {message.message}")
            else:
                return _CODES[message.status]
    return ExitCode.FAILED


def _tell(job: Job, *, json: bool) -> None:
    newest = job.runs[0]
    if json:
        print_json(job)
    counts = newest.counts
    shapes = f"{counts.shapes_added} shapes added" if newest.status == "succeeded" else ""
    told = [f"{job.id}: {job.outcome}", shapes, seconds_text(newest.running_seconds)]
    talk().print("; ".join(part for part in told if part))
    raise typer.Exit(_CODES[job.status])


def _values(client: Client, processing: str, texts: Mapping[str, str]) -> dict[str, JsonValue]:
    return client.processings.values_from_text(processing.partition("@")[0], texts) if texts else {}


def _map(pairs: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in pairs:
        name, equals, label = pair.partition("=")
        if not (equals and name.strip() and label.strip()):
            raise InvalidInput(f"'--map {pair}' is not understood.", hint="Write it as --map pedestrian=person.")
        given[name.strip()] = label.strip()
    return given


def _listed(file: str | None) -> list[str] | None:
    if file is None:
        return None
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The list of assets '{file}' cannot be read: {error}.", field="assets") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
