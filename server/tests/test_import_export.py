"""Import and export through the command line, each command a process of its own, against a real server."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pycocotools import mask as reference

from pixmill import Client
from pixmill.annotations import BoundingBox
from pixmill_server.datasets.edit import EditBatch, MoveShape, save
from server.tests.datasets.pictures import BAD, photograph, write_bad
from tests.running_server import RunningServer

Json = dict[str, Any]
Done = subprocess.CompletedProcess[str]
Pixmill = Callable[..., Done]
MAIN = "from pixmill.cli.main import main; main()"


def environment_of(server: RunningServer, home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "PIXMILL_URL": server.url,
        "PIXMILL_TOKEN": server.owner.token,
        "PATH": os.environ["PATH"],
    }


@pytest.fixture
def pixmill(server: RunningServer, tmp_path: Path) -> Pixmill:
    def run(*arguments: str | Path) -> Done:
        command = [sys.executable, "-c", MAIN, *map(str, arguments)]
        return subprocess.run(
            command, env=environment_of(server, tmp_path), capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def client(server: RunningServer) -> Client:
    return Client(server.url, server.owner.token)


def assets_of(client: Client, address: str) -> list[Json]:
    version = client.versions.show(address)
    answer = client.connection.raw("GET", f"/versions/{version.id}/assets", parameters={"limit": 1000})
    items: list[Json] = json.loads(answer.content)["items"]
    return items


def folder_of_images(folder: Path, names: tuple[str, ...] = ("a.jpg", "sub/b.jpg")) -> Path:
    for at, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(photograph(colour=f"#{at * 40:06x}"))
    return folder


def coco_folder(folder: Path, annotations: list[Json], **more: object) -> Path:
    folder_of_images(folder / "images", ("a.jpg", "b.jpg"))
    images = [{"id": at, "file_name": f"{name}.jpg", "width": 40, "height": 30} for at, name in enumerate("ab", 1)]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "person"}], **more}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def box(**more: object) -> Json:
    return {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], **more}


def report_of(done: Done) -> Json:
    report: Json = json.loads(done.stdout)
    return report


def move_first_box(server: RunningServer, client: Client, address: str) -> int:
    """A human draws the first shape of the version anew, as a box; its id in the imported file."""
    asset = assets_of(client, address)[0]
    shape = asset["annotations"][0]
    move = MoveShape(asset["id"], shape["id"], BoundingBox(1.5, 2.5, 30, 40))
    version_id = client.versions.show(address).id
    save(server.services.datasets, server.owner.actor, version_id, EditBatch([move]))
    return int(shape["external_id"])


def overlap(uncompressed: Any, compressed: Any) -> float:
    packed = reference.frPyObjects(uncompressed, *uncompressed["size"])
    ious: Any = reference.iou([packed], [compressed], [0])
    return float(ious[0][0])


def test_a_folder_of_images_becomes_a_version(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    done = pixmill("datasets", "import", folder_of_images(tmp_path / "in"), "--to", "street/v1")
    assert done.returncode == 0, done.stderr
    assert "street/v1@2: added 2 images, 0 annotations" in done.stderr
    assets = assets_of(client, "street/v1")
    assert [(asset["path"], asset["width"], asset["height"]) for asset in assets] == [
        ("a.jpg", 40, 30),
        ("sub/b.jpg", 40, 30),
    ]
    answer = client.connection.raw("GET", assets[0]["image"].removeprefix("/api/v1"))
    assert answer.content == (tmp_path / "in" / "a.jpg").read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    part = client.connection.raw("GET", assets[0]["image"].removeprefix("/api/v1"), headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, answer.content[2:6])
    thumbnail = client.connection.raw("GET", assets[0]["thumbnail"].removeprefix("/api/v1"))
    assert thumbnail.headers["content-type"] == "image/webp"


def test_the_same_import_again_changes_nothing(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    folder = coco_folder(tmp_path / "in", [box()])
    pixmill("datasets", "import", folder, "--to", "street/v1")
    done = pixmill("datasets", "import", folder, "--to", "street/v1", "--json")
    assert done.returncode == 0, done.stderr
    committed = report_of(done)["committed"]
    assert (committed["added_assets"], committed["unchanged_assets"], committed["added_annotations"]) == (0, 2, 0)
    assert committed["skipped"] == [{"reason": "it has annotations already", "count": 1, "names": ["a.jpg"]}]
    assert client.versions.show("street/v1").revision == 2


def test_another_image_under_a_known_path_is_refused_unless_asked_for(
    pixmill: Pixmill, client: Client, tmp_path: Path
) -> None:
    folder = folder_of_images(tmp_path / "in", ("a.jpg",))
    pixmill("datasets", "import", folder, "--to", "street/v1")
    (folder / "a.jpg").write_bytes(photograph(width=80, height=60))
    done = pixmill("datasets", "import", folder, "--to", "street/v1")
    assert done.returncode == 1
    assert "the version has another image of this path: a.jpg" in done.stderr
    assert assets_of(client, "street/v1")[0]["width"] == 40
    done = pixmill("datasets", "import", folder, "--to", "street/v1", "--replace")
    assert done.returncode == 0, done.stderr
    assert assets_of(client, "street/v1")[0]["width"] == 80


def test_bad_images_are_named_with_the_reason_and_the_rest_is_imported(
    pixmill: Pixmill, client: Client, tmp_path: Path
) -> None:
    folder = folder_of_images(tmp_path / "in")
    write_bad(folder)
    done = pixmill("datasets", "import", folder, "--to", "street/v1")
    assert done.returncode == 1
    for name, (_content, reason) in BAD.items():
        assert any(name in line and reason in line for line in done.stderr.splitlines()), (name, done.stderr)
    assert [asset["path"] for asset in assets_of(client, "street/v1")] == ["a.jpg", "sub/b.jpg"]


def test_nothing_but_bad_images_writes_nothing(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_bad(tmp_path / "in")
    done = pixmill("datasets", "import", tmp_path / "in", "--to", "street/v1")
    assert done.returncode == 1
    assert "Nothing was written" in done.stderr
    assert "truncated.jpg" in done.stderr
    assert list(client.versions.list()) == []


def test_a_zip_is_imported_without_what_leaves_its_folder(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../evil.jpg", photograph())
        archive.writestr("bomb.jpg", bytes(40 << 20))
        archive.writestr("good/a.jpg", photograph())
    done = pixmill("datasets", "import", tmp_path / "in.zip", "--to", "street/v1")
    assert done.returncode == 1
    assert "'..': ../evil.jpg" in done.stderr
    assert "would unpack to" in done.stderr
    assert [asset["path"] for asset in assets_of(client, "street/v1")] == ["good/a.jpg"]


def test_a_missing_path_is_named(pixmill: Pixmill, client: Client) -> None:
    done = pixmill("datasets", "import", "/no/such/folder", "--to", "street/v1")
    assert done.returncode == 1
    assert "There is no file or folder '/no/such/folder'" in done.stderr
    assert list(client.versions.list()) == []


@pytest.mark.parametrize("address", ["street", "street/v1@3", "a b/c", "../x/y"])
def test_an_address_that_is_none_is_refused(pixmill: Pixmill, tmp_path: Path, address: str) -> None:
    done = pixmill("datasets", "import", folder_of_images(tmp_path / "in"), "--to", address)
    assert done.returncode == 1
    assert address in done.stderr


def test_a_broken_coco_file_writes_nothing(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"id": 1')
    done = pixmill("datasets", "import", tmp_path / "a.json", "--to", "street/v1")
    assert done.returncode == 1
    assert "a.json" in done.stderr
    assert list(client.versions.list()) == []


def test_bad_annotations_are_named_and_the_rest_is_imported(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    bad = [
        box(id=11, category_id=99),
        box(id=12, image_id=99),
        box(id=13, bbox=[1, 1, -5, 2]),
        box(id=14, bbox=[float("nan"), 1, 5, 2]),
    ]
    done = pixmill("datasets", "import", coco_folder(tmp_path / "in", [*bad, box()]), "--to", "street/v1")
    assert done.returncode == 1
    for annotation in bad:
        assert f"annotation {annotation['id']} (image" in done.stderr
    first, second = assets_of(client, "street/v1")
    assert [shape["external_id"] for shape in first["annotations"]] == [1]
    assert second["annotations"] == []


def test_shapes_on_an_image_that_was_refused_are_said_so(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    folder = coco_folder(tmp_path / "in", [box(), box(id=2, image_id=2)])
    (folder / "images" / "b.jpg").write_bytes(b"a text")
    done = pixmill("datasets", "import", folder, "--to", "street/v1", "--json")
    assert done.returncode == 1
    reasons = {one["reason"]: one["names"] for one in report_of(done)["committed"]["refused"]}
    assert reasons["the image that its shapes are on was not imported"] == ["b.jpg"]
    (only,) = assets_of(client, "street/v1")
    assert len(only["annotations"]) == 1


def test_annotations_alone_go_to_the_images_that_the_version_has(
    pixmill: Pixmill, client: Client, tmp_path: Path
) -> None:
    folder = coco_folder(tmp_path / "in", [box(), box(id=2, image_id=2)])
    pixmill("datasets", "import", folder / "images", "--to", "street/v1")
    (tmp_path / "alone").mkdir()
    shutil.copy(folder / "annotations.json", tmp_path / "alone" / "annotations.json")
    done = pixmill("datasets", "import", tmp_path / "alone" / "annotations.json", "--to", "street/v1")
    assert done.returncode == 0, done.stderr
    assert [len(asset["annotations"]) for asset in assets_of(client, "street/v1")] == [1, 1]


def test_an_image_whose_file_is_nowhere_is_named(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    folder = coco_folder(tmp_path / "in", [box()])
    (folder / "images" / "b.jpg").unlink()
    done = pixmill("datasets", "import", folder, "--to", "street/v1")
    assert done.returncode == 1
    assert "its file is not there: b.jpg" in done.stderr
    assert len(assets_of(client, "street/v1")) == 1


def test_a_dry_run_says_what_it_would_read_and_writes_nothing(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    done = pixmill("datasets", "import", coco_folder(tmp_path / "in", [box()]), "--to", "street/v1", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "read 2 images, 1 annotations" in done.stderr
    assert "person" in done.stderr
    assert list(client.versions.list()) == []


def test_a_locked_version_is_not_imported_into(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    folder = folder_of_images(tmp_path / "in")
    pixmill("datasets", "import", folder, "--to", "street/v1")
    client.versions.lock("street/v1")
    done = pixmill("datasets", "import", folder, "--to", "street/v1")
    assert done.returncode == 1
    assert "locked" in done.stderr


def test_annotations_drawn_on_the_stored_pixels_of_a_turned_photograph_are_turned(
    pixmill: Pixmill, client: Client, tmp_path: Path
) -> None:
    folder = coco_folder(tmp_path / "in", [box(bbox=[0, 0, 10, 5])])
    (folder / "images" / "a.jpg").write_bytes(photograph(width=40, height=30, orientation=6))
    done = pixmill("datasets", "import", folder, "--to", "street/v1")
    assert done.returncode == 0, done.stderr
    assert "turned by the photograph's orientation" in done.stderr
    first = assets_of(client, "street/v1")[0]
    assert (first["width"], first["height"]) == (30, 40)
    assert first["annotations"][0]["bbox"] == [25, 0, 5, 10]


def test_the_stranger_sees_nothing_of_it(
    server: RunningServer, pixmill: Pixmill, client: Client, tmp_path: Path
) -> None:
    pixmill("datasets", "import", folder_of_images(tmp_path / "in"), "--to", "street/v1")
    (asset, _) = assets_of(client, "street/v1")
    headers = {"Authorization": f"Bearer {server.stranger.token}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as stranger:
        for path in (asset["image"], asset["thumbnail"], asset["image"].rpartition("/assets")[0] + "/export"):
            assert stranger.get(path).status_code == 404


def test_images_by_reference_need_a_listed_folder(pixmill: Pixmill, client: Client, tmp_path: Path) -> None:
    done = pixmill("datasets", "import", folder_of_images(tmp_path / "in"), "--to", "street/v1", "--by-reference")
    assert done.returncode == 1
    assert "PIXMILL_REFERENCE_ROOTS" in done.stderr
    assert list(client.versions.list()) == []


def test_a_killed_import_leaves_nothing_visible_and_goes_on_when_started_again(
    server: RunningServer, pixmill: Pixmill, client: Client, tmp_path: Path
) -> None:
    folder = folder_of_images(tmp_path / "in", tuple(f"{at:04}.jpg" for at in range(900)))
    command = [sys.executable, "-c", MAIN, "datasets", "import", str(folder), "--to", "street/v1"]
    killed = subprocess.Popen(command, env=environment_of(server, tmp_path), stderr=subprocess.DEVNULL)
    while not any("images-000001" in named.key for named in server.services.objects.list_named("imports")):
        assert killed.poll() is None
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert list(client.versions.list()) == []
    staged = {named.key for named in server.services.objects.list_named("imports")}
    done = pixmill("datasets", "import", folder, "--to", "street/v1", "--json")
    assert done.returncode == 0, done.stderr
    assert report_of(done)["committed"]["added_assets"] == 900
    assert staged
    assert list(server.services.objects.list_named("imports")) == []


def test_coco_in_and_out_is_the_same_but_for_what_was_changed(
    server: RunningServer, pixmill: Pixmill, client: Client, test_data: Path, tmp_path: Path
) -> None:
    done = pixmill("datasets", "import", test_data / "coco_tiny_val", "--to", "street/v1", "--json")
    assert done.returncode == 0, done.stderr
    assert report_of(done)["committed"]["added_annotations"] == 815
    client.labels.rename("street/v1", "car", "automobile")
    moved = move_first_box(server, client, "street/v1")
    done = pixmill("datasets", "fork", "street/v1", "street/v2")
    assert done.returncode == 0, done.stderr
    done = pixmill("datasets", "export", "street/v2", "--format", "coco", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    before = json.loads((test_data / "coco_tiny_val" / "annotations.json").read_text())
    after = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert after["categories"] == [
        {**category, "name": "automobile"} if category["name"] == "car" else category
        for category in before["categories"]
    ]
    assert sorted(after["images"], key=lambda one: one["id"]) == sorted(before["images"], key=lambda one: one["id"])
    found = {annotation["id"]: annotation for annotation in after["annotations"]}
    assert len(found) == len(after["annotations"]) == 815
    for annotation in before["annotations"]:
        again = found[annotation["id"]]
        if annotation["id"] == moved:
            assert again["bbox"] == [1.5, 2.5, 30, 40]
            assert again["area"] == pytest.approx(1200, abs=1e-3)
            continue
        if isinstance(annotation["segmentation"], dict):
            assert overlap(annotation["segmentation"], again["segmentation"]) == 1.0
            again["segmentation"] = annotation["segmentation"]
        assert again == annotation
    for image in before["images"]:
        original = test_data / "coco_tiny_val" / "images" / image["file_name"]
        assert (tmp_path / "out" / "images" / image["file_name"]).read_bytes() == original.read_bytes()


def test_yolo_in_and_out_is_the_same_for_what_it_can_hold(
    pixmill: Pixmill, test_data: Path, tmp_path: Path, client: Client
) -> None:
    pixmill("datasets", "import", test_data / "coco_tiny_val", "--to", "street/v1")
    done = pixmill("datasets", "export", "street/v1", "--format", "yolo", "--out", tmp_path / "yolo", "--json")
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    assert {"masks: written as the boxes around them", "attributes named 'iscrowd'"} <= {
        one["reason"] for one in report["unsupported"]
    }
    done = pixmill("datasets", "import", tmp_path / "yolo", "--to", "street/v2", "--json")
    assert done.returncode == 0, done.stderr
    assert report_of(done)["committed"]["added_annotations"] == 815
    first, second = assets_of(client, "street/v1"), assets_of(client, "street/v2")
    assert [asset["path"] for asset in first] == [asset["path"] for asset in second]
    for one, other in zip(first, second, strict=True):
        assert [shape["label"] for shape in one["annotations"]] == [shape["label"] for shape in other["annotations"]]
        for shape, again in zip(one["annotations"], other["annotations"], strict=True):
            if shape["kind"] == again["kind"] == "polygon" and len(shape["rings"]) == 1:
                assert again["coordinates"] == pytest.approx(shape["coordinates"], abs=1e-3)


def test_an_export_into_a_folder_that_holds_one_is_refused(pixmill: Pixmill, tmp_path: Path) -> None:
    pixmill("datasets", "import", coco_folder(tmp_path / "in", [box()]), "--to", "street/v1")
    arguments = ("datasets", "export", "street/v1", "--format", "coco", "--out", tmp_path / "out", "--no-images")
    assert pixmill(*arguments).returncode == 0
    assert not (tmp_path / "out" / "images").exists()
    done = pixmill(*arguments)
    assert done.returncode == 1
    assert "exists already" in done.stderr


def test_an_unknown_format_or_version_is_named(pixmill: Pixmill, tmp_path: Path) -> None:
    done = pixmill("datasets", "export", "moon/v1", "--format", "coco", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "moon" in done.stderr
    pixmill("datasets", "import", folder_of_images(tmp_path / "in"), "--to", "street/v1")
    done = pixmill("datasets", "export", "street/v1", "--format", "voc", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "'voc'" in done.stderr
