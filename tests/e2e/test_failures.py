"""Runs that do not go well: one bad image, and one killed in the middle and resumed."""

import json
import signal
from pathlib import Path

from tests.e2e.browsing import until
from tests.e2e.places import Place
from tests.e2e.scenes import BRIGHT
from tests.e2e.test_kills import process_of
from tests.e2e.test_thin_thread import GATED, launch, push
from tests.gates import gate_in

NOT_THE_SAME = ("id", "asset_id", "run_id", "created_at", "processing")
STEADY = (
    GATED.replace("class FindBrightGated", "class FindBrightSteadily")
    .replace("threshold, gate", "threshold, gate\n        self.looked = 0")
    .replace("wait_at(self.gate)", 'self.looked += 1\n            wait_at(self.gate if self.looked > 400 else "")')
)


def canonical(place: Place, address: str) -> bytes:
    """All annotations without ids, times and Run; by path, Label and place."""
    rows = [{name: row[name] for name in row if name not in NOT_THE_SAME} for row in place.annotations(address)]
    labels: dict[str, str] = {label.id: label.name for label in place.head(address).labels}
    named = [{**row, "label_id": labels[str(row["label_id"])]} for row in rows]
    return "\n".join(sorted(json.dumps(row, sort_keys=True, default=str) for row in named)).encode()


def test_a_run_that_is_killed_at_60_percent_and_resumed_ends_as_one_that_nobody_disturbed(
    place: Place, tmp_path: Path
) -> None:
    push(place, tmp_path, STEADY)
    undisturbed = place.version(images=500, labels=["bright"])
    assert launch(place, "find-bright-steadily", undisturbed, "-p", "batch_size=8")["exit"] == 0
    address = place.version(images=500, labels=["bright"])
    installation, client = place.installation, place.installation.client()
    with gate_in(installation.data / "environments") as gate:
        parameters = ("-p", "batch_size=8", "-p", f"gate={gate.name}")
        answer = installation.pixmill("jobs", "launch", "find-bright-steadily", address, *parameters, "--json")
        job_id = str(json.loads(answer.stdout)["id"])
        until(lambda: client.jobs.show(job_id).progress.done >= 300, "60 % are done")
        process_of(place, "pixmill.runtime").send_signal(signal.SIGKILL)
        until(lambda: client.jobs.show(job_id).status == "failed", "it is over")
    assert place.annotations(address) == []
    done_before = client.jobs.show(job_id).runs[0].counts.done
    assert done_before >= 256
    resumed = installation.pixmill("jobs", "rerun", job_id, "--resume", "--follow", "--json")
    assert resumed.returncode == 0, resumed.stderr
    run = client.jobs.show(job_id).runs[0]
    assert (run.counts.carried, run.counts.done, run.counts.not_reached) == (done_before, 500, 0)
    looked_at = b"".join(client.jobs.log(job_id, 2)).count(b"looked at")
    assert looked_at == 500 - done_before
    assert canonical(place, address) == canonical(place, undisturbed)


def test_one_corrupt_image_among_100_fails_alone_and_changes_nothing_for_the_others(
    place: Place, tmp_path: Path
) -> None:
    push(place, tmp_path, BRIGHT)
    whole = place.version(images=100, labels=["bright"])
    assert launch(place, "find-bright", whole, "-p", "batch_size=8")["exit"] == 0
    address = place.version(images=100, labels=["bright"], corrupt="scene-042.png")
    job = launch(place, "find-bright", address, "-p", "batch_size=8")
    assert job["outcome"] == "succeeded, 1 of 100 failed"
    (failed,) = place.installation.client().jobs.outcomes(str(job["id"]), 1)
    assert (failed.path, failed.outcome, failed.reason) == ("scene-042.png", "failed", "the file is not an image")
    shown = place.installation.pixmill("jobs", "show", str(job["id"])).stdout
    assert "99 done, 1 failed, 0 skipped of 100" in shown
    assert "failed  scene-042.png: the file is not an image" in shown
    without = b"\n".join(row for row in canonical(place, whole).split(b"\n") if b"scene-042.png" not in row)
    assert canonical(place, address) == without
