"""`pixmill jobs` against a server whose Runs are acted by hand."""

import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pixmill.cli.job_progress import progress_text
from server.tests.jobs.acting import PATHS, Stage
from tests.running_server import PATIENCE_SECONDS, RunningServer


@pytest.fixture
def stage(server: RunningServer) -> Stage:
    return Stage(server)


def command(stage: Stage, *words: str) -> tuple[list[str], dict[str, str]]:
    line = [sys.executable, "-c", "from pixmill.cli.main import main; main()", "jobs", *words]
    return line, {**os.environ, "PIXMILL_URL": stage.server.url, "PIXMILL_TOKEN": stage.server.owner.token}


def run(stage: Stage, *words: str) -> "subprocess.CompletedProcess[str]":
    line, environment = command(stage, *words)
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=240)


def test_a_launch_says_what_it_will_do_and_prints_the_job(stage: Stage) -> None:
    done = run(stage, "launch", "annotate", "street/v1", "-p", "threshold=0.9")
    assert done.returncode == 0
    assert done.stdout.strip() == stage.client.jobs.show("job_").id
    for said in ("annotate@1 on street/v1@3", "assets in scope: 6", "threshold=0.9", "existing annotations: keep"):
        assert said in done.stderr


def test_show_lists_runs_outcomes_and_what_came_out(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    supervisor.stage(chunk, failed=[{"asset_id": chunk["assets"][0]["id"], "reason": "it is truncated"}])
    supervisor.finish()
    shown = run(stage, "show", job_id).stdout
    assert "succeeded, 1 of 6 failed" in shown
    assert f"failed  {PATHS[0]}: it is truncated" in shown
    assert "5 added" in shown
    assert "street/v1@4" in shown


def test_a_failed_run_shows_its_stack_trace_and_ends_with_1(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    error = {"type": "ValueError", "message": "no", "traceback": "Traceback ...\nValueError: no\n"}
    supervisor.finish(exit_code=1, error=error)
    waited = run(stage, "wait", job_id, "--json")
    assert waited.returncode == 1
    assert json.loads(waited.stdout)["runs"][0]["error"]["type"] == "ValueError"
    assert "ValueError: no" in run(stage, "show", job_id).stdout


def test_waiting_ends_after_its_time_and_the_run_goes_on(stage: Stage) -> None:
    job_id = stage.launch()
    waited = run(stage, "wait", job_id, "--timeout", "0.2")
    assert (waited.returncode, "still pending" in waited.stderr) == (1, True)
    assert stage.client.jobs.show(job_id).status == "pending"


def test_with_json_the_log_goes_to_stderr_and_the_finished_job_to_stdout(stage: Stage) -> None:
    line, environment = command(stage, "launch", "annotate", "street/v1", "--follow", "--json")
    follower = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert follower.stderr is not None
    while b"Run 1: pending" not in follower.stderr.readline():
        pass
    supervisor = stage.supervisor()
    supervisor.send("PUT", "log?offset=0", raw=b"hello\r50%\n")
    supervisor.work()
    out, rest = follower.communicate(timeout=240)
    assert follower.returncode == 0
    assert b"hello\r50%\n" in rest
    assert json.loads(out)["status"] == "succeeded"


def test_a_list_of_assets_that_is_not_there_is_named(stage: Stage, tmp_path: Path) -> None:
    refused = run(stage, "launch", "annotate", "street/v1", "--assets", str(tmp_path / "missing.txt"))
    assert (refused.returncode, "missing.txt" in refused.stderr) == (1, True)


def test_on_a_terminal_waiting_shows_how_far_it_is(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    beat = {"progress": {"done": 3, "failed": 0, "skipped": 0, "total": 6}, "images_per_second": 1.5}
    supervisor.send("POST", "heartbeat", beat)
    assert progress_text(stage.client.jobs.show(job_id)) == "running, 3 of 6 assets, 1.5 images/s, about 2 s left"
    ours, theirs = pty.openpty()
    line, environment = command(stage, "wait", job_id)
    waiting = subprocess.Popen(line, env={**environment, "TERM": "xterm"}, stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    seen = bytearray()

    def read() -> None:
        while b"3/6" not in seen:
            seen.extend(os.read(ours, 4096))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(PATIENCE_SECONDS)
    assert b"3/6" in seen
    supervisor.stage_all()
    supervisor.finish()
    assert waiting.wait(PATIENCE_SECONDS) == 0
    os.close(ours)
