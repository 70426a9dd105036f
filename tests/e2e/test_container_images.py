"""A container image as a Processing: pushed, run, and run again after its tag has moved."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmill.wire.jobs import Job, LogEvent
from tests.e2e.places import Place, placed_in
from tests.podman import Podman

PATIENCE_SECONDS = 240
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


MAKING = json.dumps(
    {
        "name": "copy-all",
        "command": [sys.executable, "/app/run.py"],
        "new_version": "fork",
        "parameters": [{"name": "harm", "type": "str", "default": ""}],
    }
)
MAKING_COMMAND = """
import json, os, shutil, struct, zlib
given, left = "/pixmill/input/images", "/pixmill/output"
harm = json.load(open("/pixmill/input/parameters.json"))["harm"]
names = sorted(os.listdir(given))
os.makedirs(f"{left}/images/copies")
copies = ["copies/" + name.removesuffix(".png") + ".copy.png" for name in names]
for name, copy in zip(names, copies):
    shutil.copyfile(f"{given}/{name}", f"{left}/images/{copy}")
if "file" in harm:
    open(f"{left}/images/{copies[0]}", "w").write("no image")
if "huge" in harm:
    def part(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = part(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0))
    pixels = part(b"IDAT", zlib.compress(bytes(1 << 20)))
    open(f"{left}/images/{copies[1]}", "wb").write(b"\\x89PNG\\r\\n\\x1a\\n" + header + pixels + part(b"IEND", b""))
if "same" in harm:
    os.rename(f"{left}/images/{copies[2]}", f"{left}/images/{names[2]}")
    copies[2] = names[2]
if "link" in harm:
    os.symlink("/etc/passwd", f"{left}/images/copies/passwd.png")
listed = copies + (["missing.png", "../up.png"] if "missing" in harm else [])
json.dump({
    "images": [{"id": n, "file_name": name, "width": 1, "height": 1} for n, name in enumerate(listed)],
    "categories": [{"id": 1, "name": "bright"}],
    "annotations": [{"id": n + 1, "image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0,
                     "score": 0.5} for n in range(len(listed))],
}, open(f"{left}/annotations.json", "w"))
json.dump({copy: ["copy"] for copy in copies}, open(f"{left}/tags.json", "w"))
"""


@pytest.fixture(scope="module")
def making(podman: Podman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A Pixmill with an image that makes a version of copies."""
    name = "localhost/pixmill-test-making:1"
    labels = {"io.pixmill.processing": MAKING}
    podman.add_layer(podman.plain_image, name, {"/app/run.py": MAKING_COMMAND.encode()}, labels)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PIXMILL_CONTAINER_ENGINE", podman.address)
        with placed_in(tmp_path_factory.mktemp("making")) as place:
            pushed = place.installation.pixmill("processings", "push", "--image", name)
            assert pushed.returncode == 0, pushed.stderr
            yield place


def run_of_making(place: Place, harm: str = "") -> tuple[Job, str]:
    """The Job at its end, and the address of the version that it was to make."""
    address = place.version(images=4, labels=["bright"])
    made = f"{address}-copies"
    client = place.installation.client()
    job = client.jobs.launch("copy-all", address, parameters={"harm": harm}, to=made)
    return client.jobs.wait(job.id, timeout_seconds=PATIENCE_SECONDS), made


def test_images_that_a_command_leaves_are_the_assets_of_a_new_version(making: Place) -> None:
    job, address = run_of_making(making)
    client = making.installation.client()
    assert job.runs[0].outcome == f"succeeded, 4 assets added to {address}"
    assert (job.runs[0].counts.assets_added, job.runs[0].counts.shapes_added) == (4, 4)
    assets = {asset.path: asset for asset in client.assets.list(address)}
    originals = sorted(asset.path for asset in client.assets.list(job.version))
    assert sorted(assets) == sorted([*originals, *(f"copies/{path[:-4]}.copy.png" for path in originals)])
    copy = client.assets.show(address, f"copies/{originals[0][:-4]}.copy.png")
    assert copy.tags == ["copy"]
    assert copy.metadata == {"derived_from": originals[0]}
    assert [(one.label, one.score) for one in copy.annotations] == [("bright", 0.5)]


def test_an_asset_fails_alone_where_what_was_made_of_it_is_no_image_and_the_rest_is_in_the_version(
    making: Place,
) -> None:
    job, address = run_of_making(making, "file huge same missing")
    client = making.installation.client()
    originals = sorted(asset.path for asset in client.assets.list(job.version))
    run = job.runs[0]
    assert run.status == "succeeded", run.outcome
    said = {each.path: (each.outcome, each.reason) for each in client.jobs.outcomes(job.id, 1)}
    assert {path: outcome for path, (outcome, _) in said.items()} == {
        originals[0]: "failed",
        originals[1]: "failed",
        originals[2]: "skipped",
    }
    assert "was refused" in said[originals[0]][1]
    assert "pixels" in said[originals[1]][1]
    assert "what was made of it was left out" in said[originals[2]][1]
    counts = run.counts
    assert (counts.done, counts.failed, counts.skipped, counts.assets_added) == (1, 2, 1, 1)
    paths = sorted(asset.path for asset in client.assets.list(address))
    assert paths == sorted([*originals, f"copies/{originals[3][:-4]}.copy.png"])
    left_out = {
        each.message
        for each in client.jobs.follow(job.id, 1)
        if isinstance(each, LogEvent) and each.kind == "output-left-out"
    }
    assert left_out == {
        "Left out: 1 results of images that are not in this Run.",
        "Left out: 1 entries of the COCO file: the image it names is not in the file.",
        "Left out: 1 entries of the COCO file: its name leaves its folder with '..'.",
    }


def test_a_link_in_the_output_fails_the_run_and_there_is_no_new_version(making: Place) -> None:
    job, address = run_of_making(making, "link")
    assert job.runs[0].status == "failed"
    assert "'passwd.png' in the output is a link" in job.runs[0].outcome
    assert address not in [version.address for version in making.installation.client().versions.list()]
