"""A Run whose supervisor, worker or server is killed in the middle of it."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.e2e.places import Place
from tests.e2e.test_thin_thread import SLOW, push

PATIENCE_SECONDS = 60


def until(true: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


def launched(place: Place, folder: Path, images: int) -> tuple[str, str]:
    """The address and the Job, once it runs and has written something."""
    address = place.version(images=images, labels=["bright"])
    push(place, folder, SLOW)
    answer = place.installation.pixmill("jobs", "launch", "find-bright-slowly", address, "--json")
    job_id = str(json.loads(answer.stdout)["id"])
    client = place.installation.client()
    until(lambda: client.jobs.show(job_id).runs[0].log_bytes > 0, "it began")
    return address, job_id


def processes_of(place: Place, *words: str) -> list[psutil.Process]:
    """Those of this installation whose command line has all the words."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        line = process.info["cmdline"] or []
        here = str(place.installation.data) in f"{process.info['cwd']} {' '.join(line)}"
        if here and all(word in line for word in words):
            found.append(process)
    return found


def test_a_killed_supervisor_ends_its_run_as_lost_and_leaves_no_process(place: Place, tmp_path: Path) -> None:
    address, job_id = launched(place, tmp_path, 300)
    (supervisor,) = processes_of(place, "pixmill.runtime")
    below = supervisor.children(recursive=True)
    assert below
    supervisor.kill()
    client = place.installation.client()
    until(lambda: client.jobs.show(job_id).status == "failed", "it is over")
    assert client.jobs.show(job_id).runs[0].reason == "lost"
    assert place.annotations(address) == []
    until(lambda: not any(process.is_running() for process in below), "its children are gone")


def test_a_killed_worker_is_started_again_and_its_run_goes_on(place: Place, tmp_path: Path) -> None:
    address, job_id = launched(place, tmp_path, 30)
    (worker,) = processes_of(place, "pixmill_server", "worker")
    worker.kill()
    ended = place.installation.pixmill("jobs", "wait", job_id, "--timeout", str(PATIENCE_SECONDS))
    assert ended.returncode == 0, ended.stderr
    assert len(place.annotations(address)) == 30
    next_one = place.installation.pixmill("jobs", "rerun", job_id, "--follow")
    assert next_one.returncode == 0, next_one.stderr
