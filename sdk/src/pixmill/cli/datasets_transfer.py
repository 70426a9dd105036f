"""`pixmill datasets import` and `export`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer
from pydantic import JsonValue
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pixmill.cli.connect import connect
from pixmill.cli.output import Json, print_json, talk
from pixmill.client.imports import ImportOptions, ImportResult, Stage
from pixmill.formats import AUTO, Findings, Report, format_names

app = typer.Typer()

_NAMES_SHOWN = 5
_LABELS_SHOWN = 8
_PER_CENT = 100
_Section = tuple[str, Mapping[str, tuple[int, Sequence[str]]]]


@app.command("import")
def import_dataset(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder, a zip, or an annotation file.")],
    *,
    to: Annotated[str, typer.Option(metavar="DATASET/VERSION", help="Where to; made where there is none.")],
    format_name: Annotated[
        str, typer.Option("--format", help=f"{AUTO} looks at the content; or {', '.join(format_names())}.")
    ] = AUTO,
    by_reference: Annotated[
        bool,
        typer.Option(
            "--by-reference",
            help="Leave images where they are: the server reads them there, and trusts the file's sizes until then.",
        ),
    ] = False,
    existing: Annotated[
        Literal["keep", "add"],
        typer.Option(
            help="Images that have annotations already: keep those and skip the new ones, or add the new ones."
        ),
    ] = "keep",
    replace: Annotated[
        bool, typer.Option("--replace", help="Take another image under a path that the version has.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything, write nothing.")] = False,
    json: Json = False,
) -> None:
    """Import images and annotations; what is wrong is named and left out, and the rest becomes one Revision.

    Started again after it was cut off, it goes on. Exit code 1 where anything was wrong.
    """
    options = ImportOptions(to, format_name, by_reference, existing, replace)
    with connect() as client, _stages() as say:
        run = client.imports.preview if dry_run else client.imports.run
        result = run(path, options, progress=say)
    if json:
        print_json(_as_json(result, to))
    else:
        _tell(result, to, dry_run=dry_run)
    if result.refused_count or (result.committed is None and not dry_run):
        raise typer.Exit(1)


@app.command("export")
def export_dataset(
    address: Annotated[str, typer.Argument(metavar="DATASET/VERSION", help="Like street/v1, or street/v1@17.")],
    *,
    format_name: Annotated[str, typer.Option("--format", help=f"One of {', '.join(format_names())}.")],
    out: Annotated[Path, typer.Option(help="An empty or new folder.")],
    images: Annotated[bool, typer.Option(help="Also write the image files.")] = True,
    json: Json = False,
) -> None:
    """Export a version, and say what the format cannot hold."""
    with connect() as client, _bar("images") as say:
        result = client.exports.run(address, format_name, out, with_images=images, progress=say)
    report = result.report
    if json:
        plain: dict[str, JsonValue] = {
            "version": result.address,
            "format": format_name,
            "out": str(out),
            "images": report.images,
            "annotations": report.annotations,
            "skipped": _listed(_counts(report.skipped)),
            "unsupported": _listed(_counts(report.unsupported)),
            "notes": _listed(_counts(report.notes)),
        }
        print_json(plain)
    else:
        talk().print(f"{result.address}: {report.images} images, {report.annotations} annotations in {out}")
        _print_sections(_report_sections(report))
    if report.skipped:
        raise typer.Exit(1)


def _tell(result: ImportResult, to: str, *, dry_run: bool) -> None:
    console, read, done = talk(), result.read, result.committed
    console.print(f"{result.format_name}: read {read.images} images, {read.annotations} annotations")
    sections = _report_sections(read)
    if done is not None:
        sections += [
            ("refused", {one.reason: (one.count, one.names) for one in done.refused}),
            ("skipped", {one.reason: (one.count, one.names) for one in done.skipped}),
            ("note", {one.reason: (one.count, one.names) for one in done.notes}),
        ]
    _print_sections(sections)
    if done is not None:
        unchanged = f", {done.unchanged_assets} were there already" if done.unchanged_assets else ""
        more = ", ..." if len(done.new_labels) > _LABELS_SHOWN else ""
        labels = f", {len(done.new_labels)} new Labels ({', '.join(done.new_labels[:_LABELS_SHOWN])}{more})"
        console.print(
            f"{to}@{done.revision}: added {done.added_assets} images{unchanged}, "
            f"{done.added_annotations} annotations{labels if done.new_labels else ''}"
        )
    elif dry_run:
        console.print(f"Nothing was written (--dry-run). Labels in the file: {', '.join(result.labels) or 'none'}.")
    else:
        console.print("Nothing was written: there was nothing right to import.")


def _as_json(result: ImportResult, to: str) -> JsonValue:
    read, done = result.read, result.committed
    return {
        "version": to,
        "format": result.format_name,
        "labels": list(result.labels),
        "read": {
            "images": read.images,
            "annotations": read.annotations,
            "skipped": _listed(_counts(read.skipped)),
            "unsupported": _listed(_counts(read.unsupported)),
            "notes": _listed(_counts(read.notes)),
        },
        "committed": done.model_dump(mode="json") if done is not None else None,
    }


def _report_sections(report: Report) -> list[_Section]:
    return [
        ("refused", _counts(report.skipped)),
        ("cannot be held", _counts(report.unsupported)),
        ("note", _counts(report.notes)),
    ]


def _counts(findings: Mapping[str, Findings]) -> dict[str, tuple[int, Sequence[str]]]:
    return {reason: (found.count, found.names) for reason, found in findings.items()}


def _listed(counts: Mapping[str, tuple[int, Sequence[str]]]) -> JsonValue:
    return [{"reason": reason, "count": count, "names": list(names)} for reason, (count, names) in counts.items()]


def _print_sections(sections: Sequence[_Section]) -> None:
    console = talk()
    for title, counts in sections:
        for reason, (count, names) in counts.items():
            more = ", ..." if len(names) > _NAMES_SHOWN else ""
            console.print(f"{title} ({count}): {reason}: {', '.join(names[:_NAMES_SHOWN])}{more}")


@contextmanager
def _stages() -> Iterator[Callable[[Stage, float, float], None]]:
    """A progress bar for each stage of an import, on stderr, on a terminal."""
    with _progress() as progress:
        tasks = {stage: progress.add_task(stage, total=None, visible=False) for stage in get_args(Stage)}

        def say(stage: Stage, done: float, total: float) -> None:
            scale = _PER_CENT if stage == "annotations" else 1
            progress.update(tasks[stage], completed=done * scale, total=total * scale, visible=True)

        yield say


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    with _progress() as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _progress() -> Progress:
    console = talk()
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
