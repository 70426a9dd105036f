"""Children whose time is up."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from pixmill.environments import Environment
from pixmill.runtime.patience import Patience
from pixmill.runtime.plan import PlannedLimits, Progress
from tests.run_server import PATIENCE_SECONDS, make_run, serving, supervising

SLEEPS = """
import os, subprocess, sys, time
from pixmill.authoring import *

@processing(kind="pre-annotation")
class Processing:
    def __init__(self):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    def __call__(self, batch):
        if batch.assets[0].path == "0004.jpg":
            time.sleep(600)
"""


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"running_seconds": 2.0}, "it ran for more than 2 s"),
        ({"progress_seconds": 1.5}, "nothing of it was done for 1.5 s"),
    ],
)
def test_a_child_whose_time_is_up_is_ended_with_all_below_it_and_the_reason_is_told(
    limits: dict[str, float], said: str, plain_environment: Environment, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "images", limits={"cpus": 1, "memory_bytes": 0, **limits})
    source, scratch = tmp_path / "processing.py", tmp_path / "scratch"
    source.write_text(SLEEPS)
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert run.finished is not None
    assert (run.finished["limit"], run.finished["error"]["message"]) == ("time", said)
    assert [event["kind"] for event in run.events] == ["timed-out"]


PROGRESS_SECONDS = 8.0
"""Below the seconds for which a supervisor bears a silent server."""
SLOW_LOOK = """
from pixmill.authoring import *

@processing(kind="pre-annotation")
class Processing:
    def __call__(self, batch):
        print("a batch", flush=True)
"""


@dataclass
class SetClock:
    """In seconds; goes on when it is told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_time_for_which_a_server_is_slow_does_not_count_and_the_time_after_it_does() -> None:
    clock = SetClock()
    patience = Patience(PlannedLimits(cpus=1, memory_bytes=0, progress_seconds=8.0), clock)
    progress = Progress(done=4, total=8)
    assert patience.exceeded(progress, is_running=True, is_server_slow=False) is None
    for _ in range(100):
        clock.now += 5
        assert patience.exceeded(progress, is_running=True, is_server_slow=True) is None
    clock.now += 8
    assert patience.exceeded(progress, is_running=True, is_server_slow=False) is None
    clock.now += 1
    error = patience.exceeded(progress, is_running=True, is_server_slow=False)
    assert error is not None
    assert error.message == "nothing of it was done for 8 s"


def test_a_child_that_waits_for_the_server_is_not_held_to_progress(
    plain_environment: Environment, tmp_path: Path
) -> None:
    limits = {"cpus": 1, "memory_bytes": 0, "progress_seconds": PROGRESS_SECONDS}
    run = make_run(tmp_path / "images", images=400, chunk_size=4, limits=limits)
    source, scratch = tmp_path / "processing.py", tmp_path / "scratch"
    source.write_text(SLOW_LOOK)
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        run.wait_for(lambda run: run.staged)
        run.silent_calls = 1_000_000
        away_since = time.monotonic()
        # Nothing else shows that the supervisor, whose clock nobody can set, was told that the server is slow.
        run.wait_for(lambda _run: time.monotonic() - away_since > PROGRESS_SECONDS + 2)
        run.silent_calls = 0
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert run.finished is not None
    assert (run.finished["limit"], run.finished["ledger_complete"]) == (None, True)
    assert len(run.staged) == 100


def test_a_child_that_is_in_time_is_left_alone(plain_environment: Environment, tmp_path: Path) -> None:
    limits = {"cpus": 1, "memory_bytes": 0, "running_seconds": 600.0, "progress_seconds": 600.0}
    run = make_run(tmp_path / "images", images=4, limits=limits)
    source, scratch = tmp_path / "processing.py", tmp_path / "scratch"
    source.write_text(SLEEPS)
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert run.finished is not None
    assert (run.finished["limit"], run.finished["ledger_complete"]) == (None, True)
