"""`pixmill hub`: well-known models."""

from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from pixmill.cli.connect import connect
from pixmill.cli.output import Json, print_json, print_list, size_text, talk

app = typer.Typer(help="Well-known models that one command brings in, checked by SHA-256.")


@app.command("ls")
def list_hub(*, json: Json = False) -> None:
    """List the models that can be brought in."""
    with connect() as client:
        print_list(
            client.hub.list(),
            {
                "NAME": lambda model: model.name,
                "WHAT": lambda model: model.title,
                "TASK": lambda model: model.task,
                "FAMILY": lambda model: model.family,
                "CLASSES": lambda model: len(model.labels),
                "SIZE": lambda model: size_text(model.size_bytes),
                "LICENCE": lambda model: model.licence,
            },
            as_json=json,
            empty="The Hub's list is empty.",
        )


@app.command("pull")
def pull_model(
    name: str,
    *,
    to: Annotated[str | None, typer.Option(help="What the Model is called here; else as on the Hub.")] = None,
    json: Json = False,
) -> None:
    """Have the server bring one in, and verify it."""
    console = talk()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with (
        connect() as client,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task(name, total=None)
        version = client.hub.pull(
            name, to=to, progress=lambda received, total: progress.update(task, completed=received, total=total)
        )
    if json:
        print_json(version)
    else:
        console.print(f"{version.address}: verified, {version.licence}, {len(version.labels)} classes.")
