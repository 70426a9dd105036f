"""A Pixmill that can be held, and whose clock can jump: `python -m tests.chaos.server LINE [MUTANT] -- ...`.

A mutant is Pixmill without one of its safeguards; the suite must notice.
"""

import faulthandler
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pixmill_server.__main__ as program
from pixmill_server import wiring
from pixmill_server.app import create_app
from pixmill_server.datasets import revise
from pixmill_server.datasets.stores import Datasets, Step
from pixmill_server.storage import tables
from pixmill_server.wiring import Services
from tests.chaos.holds import App, HeldApp, Holds

MUTANTS = {
    "without the compare-and-swap": (revise, "require_head", lambda _row, _base: None),
    "without the fence": (revise, "require_fence", lambda _row, _lease: None),
    "without the restore": (tables, "_restored", lambda newest, _ref, _properties: newest),
}


@dataclass(frozen=True, slots=True)
class JumpingClock:
    """The time, and as many seconds more as `clock` in the line's folder says."""

    line: Path

    def now(self) -> datetime:
        try:
            jump = float((self.line / "clock").read_text())
        except (FileNotFoundError, ValueError):
            jump = 0.0
        return datetime.now(UTC) + timedelta(seconds=jump)


def main() -> int:
    faulthandler.register(signal.SIGUSR1)
    line, rest = sys.argv[1], sys.argv
    split = rest.index("--")
    for name in rest[2:split]:
        module, attribute, mutant = MUTANTS[name]
        setattr(module, attribute, mutant)
    holds = Holds(Path(line))
    setattr(wiring, "SystemClock", partial(JumpingClock, Path(line)))  # noqa: B010 - a module's name, on purpose

    def at_step(step: Step) -> None:
        # A worker tends versions by the same steps: a Run's commit is the server's.
        if rest[split + 1] == "serve":
            holds.reach(f"commit: {step.value}")

    def held_app(services: Services) -> App:
        return HeldApp(create_app(services), holds)

    setattr(wiring, "Datasets", partial(Datasets, at_step=at_step))  # noqa: B010 - likewise
    setattr(program, "create_app", held_app)  # noqa: B010 - likewise
    return program.main(rest[split + 1 :])


if __name__ == "__main__":
    sys.exit(main())
