"""`pixmill jobs`: launch, follow, wait, list, show, log, run again, cancel."""

import sys
from typing import Annotated

import typer

from pixmill.cli.connect import connect
from pixmill.cli.job_following import FollowOption, after_launch, follow_run, tell_end
from pixmill.cli.job_partial import partial
from pixmill.cli.job_progress import progress_bar
from pixmill.cli.job_text import MOST_OUTCOMES, job_facts, outcome_lines, print_runs, seconds_text, taken_facts
from pixmill.cli.launch import POLICY, ToOption, launch_job, values_of
from pixmill.cli.output import Json, print_facts, print_json, print_list, talk
from pixmill.cli.parameters import ParameterOptions, parameters_of
from pixmill.cli.timeouts import TimeoutOption
from pixmill.parameters.timeouts import parse_timeouts

app = typer.Typer(help="Launches of Processings, and their Runs.")
app.command("launch")(launch_job)
app.add_typer(partial, name="partial")

_JOB = Annotated[str, typer.Argument(metavar="ID", help="A Job's id, or any beginning of it that only one Job has.")]


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
def show_job(
    job_id: _JOB,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every asset that failed or was skipped, however many.")] = False,
    json: Json = False,
) -> None:
    """Show a Job: its Runs, what went in and what came out, and the images that failed."""
    with connect() as client:
        job = client.jobs.show(job_id)
        if json:
            print_json(job)
            return
        taken = client.jobs.metrics(job.id, job.runs[0].number)
        print_facts({**job_facts(job), **taken_facts(taken)}, as_json=None)
        print_runs(job.runs)
        for outcome in ("failed", "skipped"):
            found = client.jobs.outcomes(job.id, job.runs[0].number, outcome=outcome)
            for line in outcome_lines(found, most=None if every else MOST_OUTCOMES):
                typer.echo(line)


@app.command("logs")
def show_log(
    job_id: _JOB,
    *,
    follow: FollowOption = False,
    run: Annotated[int | None, typer.Option(help="Which Run; the newest, unless said.")] = None,
) -> None:
    """Print what a Run wrote, byte for byte."""
    with connect() as client:
        job = client.jobs.show(job_id)
        number = job.runs[0].number if run is None else run
        if follow:
            raise typer.Exit(follow_run(client, job.id, number, to_stderr=False))
        for piece in client.jobs.log(job.id, number):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()


@app.command("rerun")
def rerun_job(
    job_id: _JOB,
    *,
    p: ParameterOptions = None,
    on_failure: Annotated[str | None, typer.Option(metavar=POLICY, help="As at launch, unless said.")] = None,
    priority: Annotated[int | None, typer.Option(min=-100, max=100, help="As before, unless said.")] = None,
    timeout: TimeoutOption = None,
    to: ToOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the Run before stopped: same code, model and parameters.")
    ] = False,
    follow: FollowOption = False,
    json: Json = False,
) -> None:
    """Run a Job again, on the newest code, model and images; refused while a Run is pending or running."""
    texts, limits = parameters_of(p), parse_timeouts(timeout or [])
    with connect() as client:
        values = values_of(client, client.jobs.show(job_id).processing, texts)
        if resume:
            job = client.jobs.resume(
                job_id, parameters=values, on_failure=on_failure, priority=priority, timeouts=limits, to=to
            )
            counts = job.runs[0].counts
            talk().print(
                f"goes on with Run {job.runs[0].number - 1}: {counts.carried} of {counts.assets} assets are done"
            )
        else:
            job = client.jobs.rerun(
                job_id, parameters=values, on_failure=on_failure, priority=priority, timeouts=limits, to=to
            )
            for line in job.runs[0].differs or ["nothing"]:
                talk().print(f"differs from Run {job.runs[0].number - 1}: {line}")
        after_launch(client, job, follow=follow, json=json)


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
    tell_end(job, json=json)
