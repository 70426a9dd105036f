"""What a command does with a Job that it launched: names it, or follows its Run to the end."""

import sys
from typing import Annotated, Final

import typer

from pixmill.cli.job_progress import Silence
from pixmill.cli.job_text import seconds_text
from pixmill.cli.main import ExitCode
from pixmill.cli.output import print_json, talk
from pixmill.client import Client
from pixmill.client.jobs import Job, LogBytes, LogEvent, LogOmitted

FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Print the log as it comes, and end as the Run does.")
]
_CODES: Final = {"succeeded": ExitCode.WORKED, "failed": ExitCode.FAILED, "cancelled": ExitCode.CANCELLED}


def after_launch(client: Client, job: Job, *, follow: bool, json: bool) -> None:
    """Say where to look, or follow the Run to its end and end as it did."""
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
        follow_run(client, job.id, number, to_stderr=json)
    except KeyboardInterrupt:
        talk().print(f"{job.id} goes on. Follow it with: pixmill jobs logs {job.id} --follow")
        raise
    tell_end(client.jobs.show(job.id), json=json)


def follow_run(client: Client, job_id: str, number: int, *, to_stderr: bool) -> ExitCode:
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
            elif isinstance(message, LogOmitted):
                talk().print(f"pixmill: bytes {message.offset} to {message.end} of the log were not kept")
            else:
                return _CODES[message.status]
    return ExitCode.FAILED


def tell_end(job: Job, *, json: bool) -> None:
    """How a Job ended, and the exit code that says so."""
    newest = job.runs[0]
    if json:
        print_json(job)
    counts = newest.counts
    shapes = f"{counts.shapes_added} shapes added" if newest.status == "succeeded" else ""
    told = [f"{job.id}: {job.outcome}", shapes, seconds_text(newest.running_seconds)]
    talk().print("; ".join(part for part in told if part))
    raise typer.Exit(_CODES[job.status])
