"""Pictures in, a Processing of ten lines pushed and launched, its log followed live, and the version annotated."""

import json
from pathlib import Path

import pytest

from tests.e2e.browsing import until
from tests.e2e.places import Place
from tests.e2e.scenes import BRIGHT, rectangle_of
from tests.gates import WAIT, gate_in

LOOKED = 'print(f"looked at {asset.path}", flush=True)'
# Waits after its first picture until the gate is open.
GATED = (
    BRIGHT.replace("class FindBright", "class FindBrightGated")
    .replace("*, threshold: int = 128)", '*, threshold: int = 128, gate: str = "")')
    .replace("self.threshold = threshold", "self.threshold, self.gate = threshold, gate")
    .replace(LOOKED, f"{LOOKED}\n            wait_at(self.gate)")
    .replace("\n\n@processing", f"\n{WAIT}\n\n@processing", 1)
)
FAILING = (
    BRIGHT.replace("class FindBright", "class FailLater")
    .replace("        self.threshold = threshold", "        self.threshold, self.batches = threshold, 0")
    .replace(
        "        for asset, image in zip",
        "        self.batches += 1\n        if self.batches > 2 or len(batch.assets) < 4:\n"
        '            raise ValueError("no more of this")\n        for asset, image in zip',
    )
)
MENDED = BRIGHT.replace("class FindBright", "class FailLater")


def push(place: Place, folder: Path, source: str) -> None:
    file = folder / "processing.py"
    file.write_text(source)
    pushed = place.installation.pixmill("processings", "push", str(file))
    assert pushed.returncode == 0, pushed.stderr


def launch(place: Place, *arguments: str) -> dict[str, object]:
    """The finished Job."""
    ended = place.installation.pixmill("jobs", "launch", *arguments, "--follow", "--json")
    assert ended.stdout, ended.stderr
    job: dict[str, object] = json.loads(ended.stdout)
    job["exit"] = ended.returncode
    return job


def test_a_version_is_annotated_each_shape_with_its_score_and_its_run(place: Place, tmp_path: Path) -> None:
    address = place.version(images=10, labels=["bright"])
    push(place, tmp_path, BRIGHT)
    ended = place.installation.pixmill("jobs", "launch", "find-bright", address, "--follow")
    assert ended.returncode == 0, ended.stderr
    assert "assets in scope: 10" in ended.stderr
    assert ended.stdout.splitlines() == [f"looked at scene-{number:03}.png" for number in range(10)]
    run = place.installation.client().jobs.show(place.newest_job(address)).runs[0]
    assert run.outcome == "succeeded"
    assert run.counts.model_dump() == {
        "assets": 10,
        "done": 10,
        "failed": 0,
        "skipped": 0,
        "not_reached": 0,
        "carried": 0,
        "retried": 0,
        "shapes_added": 10,
        "shapes_removed": 0,
        "shapes_dropped": 0,
        "assets_added": 0,
    }
    found = place.annotations(address)
    assert len(found) == 10
    for number, shape in enumerate(found):
        box = tuple(shape[f"bbox_{side}"] for side in ("x", "y", "width", "height"))
        assert box == rectangle_of(number)
        assert (shape["score"], shape["run_id"], shape["source"]) == (0.5, run.id, "run")


def test_lines_arrive_while_the_run_is_running(place: Place, tmp_path: Path) -> None:
    address = place.version(images=20, labels=["bright"])
    push(place, tmp_path, GATED)
    with gate_in(place.installation.data / "environments") as gate:
        follower = place.installation.start(
            "jobs", "launch", "find-bright-gated", address, "-p", f"gate={gate.name}", "--follow"
        )
        assert follower.stdout is not None
        assert follower.stdout.readline() == b"looked at scene-000.png\n"
        assert place.installation.client().jobs.show(place.newest_job(address)).status == "running"
    assert follower.stdout.readline() == b"looked at scene-001.png\n"
    rest = follower.stdout.read()
    assert rest.count(b"\n") == 18
    assert follower.wait() == 0


def test_the_log_is_read_back_byte_for_byte_and_in_parts(place: Place, tmp_path: Path) -> None:
    address = place.version(images=2, labels=["bright"])
    push(place, tmp_path, BRIGHT.replace('print(f"looked at {asset.path}", flush=True)', r'print("50%\r100%")'))
    assert launch(place, "find-bright", address)["exit"] == 0
    job_id = place.newest_job(address)
    client = place.installation.client()
    assert b"".join(client.jobs.log(job_id, 1)) == b"50%\r100%\n50%\r100%\n"
    assert b"".join(client.jobs.log(job_id, 1, offset=9)) == b"50%\r100%\n"
    shown = place.installation.start("jobs", "logs", job_id)
    assert shown.communicate()[0] == b"50%\r100%\n50%\r100%\n"


def test_a_processing_that_fails_is_mended_pushed_and_run_again(place: Place, tmp_path: Path) -> None:
    address = place.version(images=24, labels=["bright"])
    push(place, tmp_path, FAILING)
    failed = place.installation.pixmill("jobs", "launch", "fail-later", address, "--follow")
    assert failed.returncode == 1
    assert "Traceback" in failed.stdout
    assert "ValueError: no more of this" in failed.stdout
    job_id = place.newest_job(address)
    assert place.annotations(address) == []
    push(place, tmp_path, MENDED)
    again = place.installation.pixmill("jobs", "rerun", job_id, "--follow")
    assert again.returncode == 0, again.stderr
    assert "code:" in again.stderr
    job = place.installation.client().jobs.show(job_id)
    assert [(run.number, run.status, run.processing_number) for run in job.runs] == [
        (2, "succeeded", 2),
        (1, "failed", 1),
    ]
    assert job.runs[0].code_digest != job.runs[1].code_digest
    assert job.runs[1].error is not None
    assert job.runs[1].error.type == "ValueError"
    assert len(place.annotations(address)) == 24


def test_a_rerun_is_refused_while_a_run_is_active_and_a_cancelled_run_leaves_nothing(
    place: Place, tmp_path: Path
) -> None:
    address = place.version(images=20, labels=["bright"])
    push(place, tmp_path, GATED)
    pixmill, client = place.installation.pixmill, place.installation.client()
    with gate_in(place.installation.data / "environments") as gate:
        launched = pixmill("jobs", "launch", "find-bright-gated", address, "-p", f"gate={gate.name}", "--json")
        job_id = str(json.loads(launched.stdout)["id"])
        refused = pixmill("jobs", "rerun", job_id)
        assert refused.returncode == 1
        assert "pending or running" in refused.stderr
        until(lambda: client.jobs.show(job_id).runs[0].log_bytes > 0, "it began")
        cancelled = pixmill("jobs", "cancel", job_id)
        assert cancelled.returncode == 0, cancelled.stderr
        assert pixmill("jobs", "wait", job_id).returncode == 3
    assert client.jobs.show(job_id).outcome.startswith("cancelled")
    assert place.annotations(address) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-thing"], "no Processing 'no-such-thing'"),
        (["find-bright", "-p", "threshold=high"], "threshold"),
        (["find-bright", "-p", "colour=red"], "colour"),
        (["find-bright", "--label", "nobody"], "nobody"),
        (["find-bright", "--model", "yolo/1"], "takes no model"),
        (["find-bright", "--compute", "moon"], "moon"),
        (["find-bright", "--tag", "night"], "in scope"),
    ],
)
def test_a_launch_that_cannot_be_is_refused_by_name(
    place: Place, tmp_path: Path, arguments: list[str], said: str
) -> None:
    address = place.version(images=1, labels=["bright"])
    push(place, tmp_path, BRIGHT)
    refused = place.installation.pixmill("jobs", "launch", arguments[0], address, *arguments[1:])
    assert refused.returncode == 1
    assert said in refused.stderr


def test_listed_assets_and_those_without_annotations_are_annotated_alone(place: Place, tmp_path: Path) -> None:
    address = place.version(images=6, labels=["bright"])
    push(place, tmp_path, BRIGHT)
    listed = place.installation.pixmill(
        "jobs", "launch", "find-bright", address, "--assets", "-", "--follow", stdin="scene-001.png\nscene-004.png\n"
    )
    assert listed.returncode == 0, listed.stderr
    assert [shape["path"] for shape in place.annotations(address)] == ["scene-001.png", "scene-004.png"]
    rest = launch(place, "find-bright", address, "--unannotated")
    assert rest["runs"][0]["counts"]["done"] == 4  # type: ignore[index] # JSON
    assert len(place.annotations(address)) == 6
    kept = launch(place, "find-bright", address)
    assert kept["outcome"] == "succeeded, 6 of 6 skipped, no shapes were added"
    unknown = place.installation.pixmill(
        "jobs", "launch", "find-bright", address, "--assets", "-", stdin="scene-001.png\nscene-009.png\n"
    )
    assert "scene-009.png" in unknown.stderr
    assert unknown.returncode == 1
