"""Children whose time is up."""

import time
from pathlib import Path

import pytest

from pixmill.environments import Environment
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


SLOW_LOOK = """
from pixmill.authoring import *

@processing(kind="pre-annotation")
class Processing:
    def __call__(self, batch):
        print("a batch", flush=True)
"""


def test_a_child_that_waits_for_the_server_is_not_held_to_progress(
    plain_environment: Environment, tmp_path: Path
) -> None:
    limits = {"cpus": 1, "memory_bytes": 0, "progress_seconds": 8.0}
    run = make_run(tmp_path / "images", images=400, chunk_size=4, limits=limits)
    source, scratch = tmp_path / "processing.py", tmp_path / "scratch"
    source.write_text(SLOW_LOOK)
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        run.wait_for(lambda run: run.staged)
        run.silent_calls = 1_000_000
        away_since = time.monotonic()
        run.wait_for(lambda _run: time.monotonic() - away_since > 10)
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
