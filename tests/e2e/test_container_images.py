"""A container image as a Processing: pushed, run, and run again after its tag has moved."""

import json
import sys
from pathlib import Path

import pytest

from tests.e2e.places import placed_in
from tests.podman import Podman

NAME = "localhost/pixmill-test-story:latest"
DECLARATION = json.dumps(
    {
        "name": "box-all",
        "title": "Box every image",
        "command": [sys.executable, "/app/run.py"],
        "parameters": [{"name": "score", "type": "float", "default": 0.5, "minimum": 0, "maximum": 1}],
    }
)
COMMAND = """
import json, os
score = json.load(open("/pixmill/input/parameters.json"))["score"]
names = sorted(os.listdir("/pixmill/input/images"))
print("release {release}")
json.dump({{
    "images": [{{"id": n, "file_name": name, "width": 1, "height": 1}} for n, name in enumerate(names)],
    "categories": [{{"id": 1, "name": "bright"}}],
    "annotations": [{{"id": n + 1, "image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0,
                      "score": score}} for n in range(len(names))],
}}, open("/pixmill/output/annotations.json", "w"))
"""


def release(podman: Podman, number: int) -> None:
    files = {"/app/run.py": COMMAND.format(release=number).encode()}
    podman.add_layer(podman.plain_image, NAME, files, {"io.pixmill.processing": DECLARATION})


def test_an_image_annotates_a_version_and_a_rerun_takes_the_image_that_its_tag_means_now(
    podman: Podman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXMILL_CONTAINER_ENGINE", podman.address)
    release(podman, 1)
    with placed_in(tmp_path) as place:
        pixmill = place.installation.pixmill
        pushed = pixmill("processings", "push", "--image", NAME, "--flag=--env=GREETING=hello")
        assert pushed.returncode == 0, pushed.stderr
        address = place.version(images=4, labels=["bright"])
        ran = pixmill("jobs", "launch", "box-all", address, "-p", "score=0.25", "--follow")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "release 1" in ran.stdout + ran.stderr
        assert [row["score"] for row in place.annotations(address)] == [0.25] * 4
        job = place.newest_job(address)
        first = place.installation.client().jobs.show(job).runs[0]
        assert first.facts["image"]
        release(podman, 2)
        again = pixmill("jobs", "rerun", job, "--follow")
        assert again.returncode == 0, again.stdout + again.stderr
        assert "release 2" in again.stdout + again.stderr
        newest = place.installation.client().jobs.show(job).runs[0]
        assert newest.number == 2
        assert any(each.startswith("image: ") for each in newest.differs)
