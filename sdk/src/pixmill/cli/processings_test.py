"""`pixmill processings test`: try a Processing on a folder of images, without a server."""

import json as json_text
import os
import signal
import sys
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from pixmill.cli.output import Json, print_json, print_rows, talk
from pixmill.cli.parameters import ParameterOptions, parameters_of
from pixmill.errors import InvalidInput
from pixmill.runtime.plan import Progress
from pixmill.runtime.process_tree import adopt_orphans
from pixmill.runtime.trial import TrialReport, TrialRequest, try_processing
from pixmill.runtime.trial_export import export_coco

app = typer.Typer()
_SHOWN_FAILURES = 10

ModelOption = Annotated[Path | None, typer.Option(metavar="FILE", help="The model, for a Processing that takes one.")]
ModelLabelsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Class names, one a line, for a model that does not say them.")
]
LabelsOption = Annotated[
    str, typer.Option(metavar="A,B", help="The Labels to pretend that the version has; else the model's classes.")
]
OutOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write report.json and annotations.json (COCO) there.")
]


@app.command("test")
def try_on_folder(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A Python file, or a folder with a pyproject.toml.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Images, also in folders below.")],
    *,
    p: ParameterOptions = None,
    model: ModelOption = None,
    model_labels: ModelLabelsOption = None,
    labels: LabelsOption = "",
    out: OutOption = None,
    cpus: Annotated[int, typer.Option(min=0, help="CPU threads it may use; 0: all of this machine's.")] = 0,
    sandbox: Annotated[str, typer.Option(help="auto, bubblewrap, landlock or none.")] = "auto",
    json: Json = False,
) -> None:
    """Try a Processing on a folder of images; nothing real is touched. Its log goes to stdout (with --json: stderr)."""
    if out is not None and out.exists() and any(out.iterdir()):
        raise InvalidInput(f"'{out}' is not empty.", hint="Give a folder that is empty or not there.")
    request = TrialRequest(
        file,
        folder,
        parameters=parameters_of(p),
        model=model,
        model_labels=() if model_labels is None else _names(model_labels),
        labels=tuple(name.strip() for name in labels.split(",") if name.strip()),
        sandbox=sandbox,
        cpus=cpus or len(os.sched_getaffinity(0)),
        variables=os.environ,
        new_images=None if out is None else out / "images",
    )
    console = talk()
    report = _run(request, console, to_stderr=json)
    if out is not None:
        _write(report, out, console)
    if json:
        print_json(report.as_json())
    else:
        _print(report, console)
    if not report.succeeded:
        raise typer.Exit(1)


def _write(report: TrialReport, out: Path, console: Console) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(json_text.dumps(report.as_json(), indent=2) + "\n")
    export_coco(report, out)
    console.print(f"Written: {out / 'report.json'}, {out / 'annotations.json'}.")


def _names(file: Path) -> tuple[str, ...]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"'{file}' cannot be read as class names: {error}.", hint="Give a text file, one name a line."
        ) from error
    return tuple(line.strip() for line in lines if line.strip())


def _run(request: TrialRequest, console: Console, *, to_stderr: bool) -> TrialReport:
    cancel = Event()
    adopt_orphans()
    before = signal.signal(signal.SIGINT, lambda *_: cancel.set())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with ProgressBar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("Preparing", total=None)

            def show(progress: Progress) -> None:
                reached = progress.done + progress.failed + progress.skipped
                bar.update(task, completed=reached, total=progress.total or None)

            return try_processing(
                request,
                log=(sys.stderr if to_stderr else sys.stdout).buffer,
                on_step=lambda step: bar.update(task, description=step),
                on_progress=show,
                cancel=cancel,
            )
    finally:
        signal.signal(signal.SIGINT, before)
        if cancel.is_set():
            raise KeyboardInterrupt


def _print(report: TrialReport, console: Console) -> None:
    if report.shapes:
        scores = {label: report.median_score(label) for label in report.labels}
        rows = [
            [label, str(report.shapes[label]), "-" if scores[label] is None else f"{scores[label]:.2f}"]
            for label in report.labels
            if report.shapes[label]
        ]
        print_rows(["LABEL", "SHAPES", "MEDIAN SCORE"], rows)
    for tag, count in report.tags.most_common():
        console.print(f"tag {tag}: {count} images")
    for failure in report.failed[:_SHOWN_FAILURES]:
        console.print(f"failed: {failure.asset_id}: {failure.reason}")
    if report.new_images is not None:
        console.print(f"{len(report.added)} images for the new version, in {report.new_images}.")
    if report.dropped:
        left_out = ", ".join(f"{name} {count}" for name, count in report.dropped.most_common())
        console.print(f"Left out, for no Label takes them (--labels): {left_out}.")
    rate = f", {report.done / report.seconds:.1f} images/s" if report.seconds and report.done else ""
    console.print(
        f"{'Succeeded' if report.succeeded else 'Failed'}: {report.done} done, {len(report.failed)} failed, "
        f"{report.skipped} skipped of {report.assets}; {sum(report.shapes.values())} shapes in {report.seconds:.1f} s"
        f"{rate} (sandbox: {report.sandbox or 'not reached'})."
    )
    if report.end is not None and report.end.error is not None:
        console.print(f"{report.end.error.type}: {report.end.error.message}")
