"""`python -m bench [NAME ...]`: run the benchmarks, each in a process of its own, and show one table."""

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from bench.report import Figure, render_markdown, show

FOLDER = Path(__file__).parent
console = Console()


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Benchmarks to run; all of them by default.")] = None,
    only_into: Annotated[Path | None, typer.Option(hidden=True)] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the table there, for the documentation.")] = None,
) -> None:
    """Exit with 1 where a floor is not reached, or a benchmark fails."""
    if only_into is not None:
        measure_into(only_into, *(names or []))
        return
    figures: list[Figure] = []
    failed = []
    for name in names or benchmarks():
        console.rule(name)
        with tempfile.TemporaryDirectory() as folder:
            into = Path(folder) / "figures.json"
            done = subprocess.run([sys.executable, "-m", "bench", name, "--only-into", str(into)], check=False)
            if done.returncode == 0:
                figures += msgspec.json.decode(into.read_bytes(), type=list[Figure])
            else:
                failed.append(name)
    show(figures, console=console)
    if markdown is not None:
        markdown.write_text(render_markdown(figures))
    if failed:
        console.print(f"failed: {', '.join(failed)}")
    if failed or not all(figure.is_met for figure in figures):
        raise typer.Exit(1)


def benchmarks() -> list[str]:
    """The names of all benchmarks: the modules here that have `measure`."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if "\ndef measure(" in path.read_text())


def measure_into(path: Path, name: str) -> None:
    """Run one benchmark in this process."""
    path.write_bytes(msgspec.json.encode(list(importlib.import_module(f"bench.{name}").measure())))


if __name__ == "__main__":
    typer.run(main)
