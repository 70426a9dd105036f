"""How commands print: data on stdout (a table, or JSON), talk on stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, JsonValue
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object (an array for lists) on stdout.")]
T = TypeVar("T", bound=BaseModel)

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")
_KIBI = 1024


def talk() -> Console:
    """For what is said to a person: stderr."""
    return Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


def print_json(value: JsonValue | BaseModel | Sequence[BaseModel]) -> None:
    """One JSON value on stdout."""
    if isinstance(value, BaseModel):
        plain: object = value.model_dump(mode="json")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        plain = [one.model_dump(mode="json") if isinstance(one, BaseModel) else one for one in value]
    else:
        plain = value
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_list(items: Iterable[T], columns: Mapping[str, Callable[[T], object]], *, as_json: bool, empty: str) -> None:
    """A list; `empty` says on stderr what belongs here and how it gets there."""
    found = list(items)
    if as_json:
        print_json(found)
        return
    if not found:
        talk().print(empty)
        return
    print_rows(list(columns), ([str(column(item)) for column in columns.values()] for item in found))


def print_rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere a line a row with tabs between, which other programs can read."""
    if not sys.stdout.isatty():
        for row in [header, *rows]:
            sys.stdout.write("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def print_facts(facts: Mapping[str, object], *, as_json: BaseModel | None) -> None:
    """One thing: its facts a line each, or the model itself as JSON (None: as facts)."""
    if as_json is not None:
        print_json(as_json)
        return
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        first, *more = str(value).splitlines() or [""]
        lines = [f"{name:<{width}}  {first}", *(" " * (width + 2) + line for line in more)]
        sys.stdout.write("".join(line.rstrip() + "\n" for line in lines))


@contextmanager
def transfer_progress(what: str, total_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr (on a terminal); call what it gives with the bytes that came since."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = talk()
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total_bytes)
        yield lambda more: progress.advance(task, more)


def size_text(size_bytes: int) -> str:
    """`3.5 MiB`."""
    size, unit = float(size_bytes), 0
    while size >= _KIBI and unit < len(_UNITS) - 1:
        size, unit = size / _KIBI, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"
