"""A Run whose supervisor, worker or server is killed in the middle of it."""

import json
from pathlib import Path

import psutil

from tests.e2e.browsing import PATIENCE_SECONDS, until
from tests.e2e.places import Place
from tests.e2e.test_thin_thread import GATED, push
from tests.gates import Gate, gate_in


def launched(place: Place, folder: Path, gate: Gate) -> tuple[str, str]:
    """The address and the Job, once it has written something and waits at the gate."""
    address = place.version(images=30, labels=["bright"])
    push(place, folder, GATED)
    answer = place.installation.pixmill(
        "jobs", "launch", "find-bright-gated", address, "-p", f"gate={gate.name}", "--json"
    )
    job_id = str(json.loads(answer.stdout)["id"])
    client = place.installation.client()
    until(lambda: client.jobs.show(job_id).runs[0].log_bytes > 0, "it began")
    return address, job_id


def process_of(place: Place, *words: str) -> psutil.Process:
    """The one of this installation whose command line has all the words."""
    found = {}
    for process in psutil.process_iter(["cmdline", "cwd"]):
        line = process.info["cmdline"] or []
        here = str(place.installation.data) in f"{process.info['cwd']} {' '.join(line)}"
        if here and all(word in line for word in words):
            found[process.pid] = process
    # A process that has just been forked looks like its parent until it is something else.
    (one,) = (process for process in found.values() if process.ppid() not in found)
    return one


def test_a_killed_supervisor_ends_its_run_as_lost_and_leaves_no_process(place: Place, tmp_path: Path) -> None:
    with gate_in(place.installation.data / "environments") as gate:
        address, job_id = launched(place, tmp_path, gate)
        supervisor = process_of(place, "pixmill.runtime")
        below = supervisor.children(recursive=True)
        assert below
        supervisor.kill()
        client = place.installation.client()
        until(lambda: client.jobs.show(job_id).status == "failed", "it is over")
        assert client.jobs.show(job_id).runs[0].reason == "lost"
        assert place.annotations(address) == []
        until(lambda: not any(process.is_running() for process in below), "its children are gone")


def test_a_killed_worker_is_started_again_and_its_run_goes_on(place: Place, tmp_path: Path) -> None:
    with gate_in(place.installation.data / "environments") as gate:
        address, job_id = launched(place, tmp_path, gate)
        process_of(place, "pixmill_server", "worker").kill()
    ended = place.installation.pixmill("jobs", "wait", job_id, "--timeout", str(PATIENCE_SECONDS))
    assert ended.returncode == 0, ended.stderr
    assert len(place.annotations(address)) == 30
    next_one = place.installation.pixmill("jobs", "rerun", job_id, "--follow")
    assert next_one.returncode == 0, next_one.stderr
