"""Time-outs as options, and as a person reads them."""

from typing import Annotated

import typer

from pixmill.parameters.timeouts import Timeouts, time_text

TimeoutOption = Annotated[
    list[str] | None,
    typer.Option(
        "--timeout",
        metavar="NAME=TIME",
        help="A limit, as in running=2h or progress=none: queue, start, running or progress. Again and again.",
    ),
]
PriorityOption = Annotated[int, typer.Option(min=-100, max=100, help="Greater goes first.")]


def timeouts_text(timeouts: Timeouts) -> str:
    """`running 2 h, progress 10 min`."""
    held = [f"{name} {time_text(seconds)}" for name, seconds in timeouts.items() if seconds is not None]
    return ", ".join(held) or "none"
