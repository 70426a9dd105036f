"""`pixmill jobs partial`: what a failed or cancelled Run had done, to be looked at, committed or dropped."""

from typing import Annotated

import typer

from pixmill.cli.connect import connect
from pixmill.cli.output import Json, print_facts, print_json, talk
from pixmill.client.partial import PartialResults

partial = typer.Typer(no_args_is_help=True, help="What a failed or cancelled Run had done before it ended.")

_JOB = Annotated[str, typer.Argument(metavar="ID", help="A Job's id, or any beginning of it that only one Job has.")]
_RUN = Annotated[int | None, typer.Option("--run", help="Which Run; the newest, unless said.")]


@partial.command("show")
def show_partial(job_id: _JOB, *, run: _RUN = None, json: Json = False) -> None:
    """Show what was done: assets, and shapes by Label."""
    with connect() as client:
        found = client.jobs.partial.show(job_id, run)
    if json:
        print_json(found)
    else:
        print_facts(_facts(found), as_json=None)


@partial.command("commit")
def commit_partial(job_id: _JOB, *, run: _RUN = None, json: Json = False) -> None:
    """Commit it as one Revision, as the Run itself would have; the Run stays failed and cannot be resumed."""
    with connect() as client:
        job = client.jobs.partial.commit(job_id, run)
        found = client.jobs.partial.show(job_id, run)
    if json:
        print_json(job)
        return
    where = f"{job.version}@{found.revision}" if found.revision else "nothing: it changed nothing"
    talk().print(f"{job.id}: committed {where}.")


@partial.command("drop")
def drop_partial(job_id: _JOB, *, run: _RUN = None, json: Json = False) -> None:
    """Forget it; the Run cannot be resumed any more."""
    with connect() as client:
        job = client.jobs.partial.drop(job_id, run)
    if json:
        print_json(job)
    else:
        talk().print(f"{job.id}: its partial results are dropped.")


def _facts(found: PartialResults) -> dict[str, object]:
    total = found.done + found.failed + found.skipped + found.not_reached
    told = f"{found.done} done, {found.failed} failed, {found.skipped} skipped, {found.not_reached} not reached"
    return {
        "partial results": found.state or "none: the Run is not over, or succeeded",
        "revision": found.revision or "-",
        "assets": f"{told} of {total}",
        "shapes": found.shapes,
        **({"assets made": found.assets_added} if found.assets_added else {}),
        "by Label": "\n".join(f"{label} {count}" for label, count in found.by_label.items()) or "-",
    }
