"""Figures, and how they are shown: value, baseline, ratio, floor, and the machine that they were measured on."""

import os
import platform
import subprocess
import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent


class Better(StrEnum):
    """Which direction of a figure is good."""

    HIGHER = "higher"
    LOWER = "lower"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One thing measured.

    `baseline` is what the same machine did with the least code that does the same, in the same run and unit, and
    `baseline_name` says what that was. `floor` is the value that must be reached (for `LOWER`: not exceeded), and
    `ratio_floor` the same for value / baseline.
    """

    name: str
    value: float
    unit: str
    better: Better = Better.HIGHER
    baseline: float | None = None
    baseline_name: str = ""
    floor: float | None = None
    ratio_floor: float | None = None

    @property
    def ratio(self) -> float | None:
        """Value divided by baseline; None without a baseline."""
        return self.value / self.baseline if self.baseline else None

    @property
    def is_met(self) -> bool:
        """Whether every floor that is stated is reached."""
        pairs = [(self.value, self.floor), (self.ratio, self.ratio_floor)]
        return all(self._reaches(got, floor) for got, floor in pairs if got is not None and floor is not None)

    def _reaches(self, got: float, floor: float) -> bool:
        return got >= floor if self.better is Better.HIGHER else got <= floor


class MemoryHighWater:
    """The most memory that process trees held together, in bytes, while the block ran.

    Shared pages are counted once (proportional set size), read every `interval_seconds`.
    """

    def __init__(self, *roots: int, interval_seconds: float = 0.1, alone: bool = False) -> None:
        """`alone`: only the processes themselves, not those below them."""
        self.bytes = 0
        self._roots = roots or (os.getpid(),)
        self._alone = alone
        self._interval = interval_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(self._interval):
            self._look()

    def _look(self) -> None:
        processes: dict[int, psutil.Process] = {}
        for root in self._roots:
            try:
                process = psutil.Process(root)
                tree = [process, *([] if self._alone else process.children(recursive=True))]
            except psutil.NoSuchProcess:
                continue
            processes |= {member.pid: member for member in tree}
        self.bytes = max(self.bytes, sum(_memory(process) for process in processes.values()))


def machine_line() -> str:
    """The processor, its cores, the memory, the kernel and Python of this machine."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = names[0].partition(":")[2].strip() if names else platform.machine()
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def commit_line() -> str:
    """The commit measured, marked where the work tree differs from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "no git"


def show(figures: Sequence[Figure], *, console: Console) -> None:
    """The table that `make bench` ends with."""
    table = Table(title=f"{machine_line()}\ncommit {commit_line()}", title_justify="left")
    table.add_column("figure")
    for column in ("value", "baseline", "ratio", "floor"):
        table.add_column(column, justify="right")
    table.add_column("met")
    for figure in figures:
        table.add_row(*_cells(figure))
    console.print(table)


def render_markdown(figures: Sequence[Figure]) -> str:
    """The same table for a page of the documentation."""
    lines = ["| figure | value | baseline | ratio | floor | met |", "| --- | ---: | ---: | ---: | ---: | --- |"]
    lines += ["| " + " | ".join(_cells(figure)) + " |" for figure in figures]
    return "\n".join([f"Measured on {machine_line()}, commit `{commit_line()}`.", "", *lines, ""])


def _cells(figure: Figure) -> tuple[str, ...]:
    at = "≥" if figure.better is Better.HIGHER else "≤"
    floors = [] if figure.floor is None else [f"{at} {_number(figure.floor)} {figure.unit}"]
    floors += [] if figure.ratio_floor is None else [f"{at} {figure.ratio_floor:.2f} x"]
    baseline = "" if figure.baseline is None else f"{_number(figure.baseline)} {figure.unit} ({figure.baseline_name})"
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f} x"
    met = "" if not floors else ("yes" if figure.is_met else "NO")
    return (figure.name, f"{_number(figure.value)} {figure.unit}", baseline, ratio, ", ".join(floors), met)


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
