"""Runs that make a version: it is there with their commit, whole, or not at all."""

import io
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
from PIL import Image

from pixmill.annotations import AnnotationColumns, BoundingBox, ColumnsBuilder, Review
from pixmill.errors import Conflict, InvalidInput, NotFound
from pixmill_server.datasets.edit import EditBatch, SetReview, save
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import annotations_of, assets_page
from pixmill_server.datasets.records import AssetRecord
from pixmill_server.datasets.versions import lock
from server.tests.jobs.acting import PATHS, Stage, Supervisor
from tests.running_server import RunningServer

WIDTH, HEIGHT = 12, 9


@pytest.fixture
def stage(server: RunningServer) -> Iterator[Stage]:
    stage = Stage(server)
    stage.processing("copy", kind="augmentation", new_version="fork")
    stage.processing("cut", kind="tiling", new_version="empty")
    yield stage
    stage.client.close()


def picture(shade: int) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (shade, shade, shade)).save(written, "PNG")
    return written.getvalue()


def send_image(supervisor: Supervisor, content: bytes) -> str:
    answer = supervisor.send("POST", "images", raw=content)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["digest"])


def copies(supervisor: Supervisor, chunk: dict[str, Any], *, folder: str = "copies", **told: Any) -> dict[str, Any]:
    """What is staged of a chunk where a copy is made of each asset, with a box; each copy of another shade."""
    shapes, added = ColumnsBuilder(), []
    for asset in chunk["assets"]:
        path = f"{folder}/{asset['path'].removesuffix('.jpg')}.png"
        digest = send_image(supervisor, picture(int(asset["path"][:2])))
        added.append({"origin": asset["id"], "path": path, "digest": digest, "tags": ["copy"], "metadata": {"of": 1}})
        shapes.append(path, "car", BoundingBox(1, 2, 3, 4), score=0.5)
    return {
        "done": [asset["id"] for asset in chunk["assets"]],
        "added": added,
        "added_annotations": shapes.build().to_bytes(),
        **told,
    }


def put(supervisor: Supervisor, chunk: dict[str, Any], staged: dict[str, Any]) -> int:
    return supervisor.send("PUT", f"chunks/{chunk['index']}", raw=msgspec.msgpack.encode(staged)).status_code


def claimed(supervisor: Supervisor) -> dict[str, Any]:
    chunk = supervisor.claim()
    assert chunk is not None
    return chunk


def stage_copies(supervisor: Supervisor, **told: Any) -> None:
    supervisor.start()
    chunk = claimed(supervisor)
    assert put(supervisor, chunk, copies(supervisor, chunk, **told)) == 204


def assets_of(stage: Stage, address: str) -> dict[str, AssetRecord]:
    datasets = stage.server.services.datasets
    head = pin(datasets, stage.client.versions.show(address).id)
    return {asset.path: asset for asset in assets_page(datasets, head, after=None, limit=100).items}


def shapes_of(stage: Stage, address: str) -> list[tuple[str, str, str]]:
    """Path, Run and Processing of every shape."""
    datasets = stage.server.services.datasets
    head = pin(datasets, stage.client.versions.show(address).id)
    paths = {asset.id: path for path, asset in assets_of(stage, address).items()}
    rows = annotations_of(datasets, head, list(paths)).to_pylist()
    return [(paths[row["asset_id"]], row["run_id"], row["processing"]) for row in rows]


def versions(stage: Stage) -> list[str]:
    return [version.address for version in stage.client.versions.list()]


def test_the_version_is_there_with_the_commit_and_the_one_that_was_read_stays_as_it_is(stage: Stage) -> None:
    job_id = stage.launch(processing="copy", to="street/v2")
    before = pin(stage.server.services.datasets, stage.version_id).number
    supervisor = stage.supervisor()
    stage_copies(supervisor)
    assert versions(stage) == ["street/v1"]
    assert supervisor.finish().json() == {"status": "succeeded"}
    added = {f"copies/{path.removesuffix('.jpg')}.png" for path in PATHS}
    found = assets_of(stage, "street/v2")
    assert set(found) == {*PATHS, *added}
    one = found["copies/03.png"]
    assert (one.width, one.height, one.media_type, one.tags) == (WIDTH, HEIGHT, "image/png", ("copy",))
    assert one.metadata == {"of": 1}
    assert shapes_of(stage, "street/v2") == [(path, supervisor.run.run_id, "copy") for path in sorted(added)]
    made, read = stage.client.versions.show("street/v2"), stage.client.versions.show("street/v1")
    assert (made.head, made.forked_from, read.head) == (1, f"street/v1@{before}", before)
    run = stage.client.jobs.show(job_id).runs[0]
    assert (run.new_version, run.new_version_id, run.result_revision) == ("street/v2", made.id, 1)
    assert (run.counts.assets_added, run.counts.shapes_added) == (6, 6)
    assert run.outcome == "succeeded, 6 assets added to street/v2"


def test_a_version_that_begins_empty_has_what_was_added_and_the_labels(stage: Stage) -> None:
    stage.launch(processing="cut", to="v2")
    supervisor = stage.supervisor()
    stage_copies(supervisor)
    supervisor.finish()
    assert sorted(assets_of(stage, "street/v2")) == [f"copies/{path.removesuffix('.jpg')}.png" for path in PATHS]
    assert [label.name for label in stage.client.versions.show("street/v2").labels] == ["car", "person"]


def test_a_locked_version_can_be_read_for_a_new_one(stage: Stage) -> None:
    services = stage.server.services
    lock(services.datasets, stage.server.owner.actor, stage.version_id)
    stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    stage_copies(supervisor)
    assert supervisor.finish().json() == {"status": "succeeded"}


REFUSED: Final[tuple[tuple[dict[str, Any], str], ...]] = (
    ({"processing": "copy"}, "copy makes a new version, and no name is given for it"),
    ({"processing": "copy", "to": "street/v1"}, "There is a version 'street/v1' already"),
    ({"processing": "copy", "to": "lane/v2"}, "is made in the Dataset of the one that is processed"),
    ({"processing": "copy", "to": "street/v2@3"}, "is made in the Dataset of the one that is processed"),
    ({"processing": "copy", "to": "street/v 2"}, "'street/v 2' is not an address"),
    ({"to": "street/v2"}, "annotate makes no new version"),
)


def test_a_name_that_cannot_be_is_refused_at_the_launch(stage: Stage) -> None:
    for wish, said in REFUSED:
        with pytest.raises((InvalidInput, Conflict), match=said):
            stage.launch(**wish)
    assert list(stage.client.jobs.list()) == []


def test_a_name_that_another_run_is_about_to_take_is_refused(stage: Stage) -> None:
    job_id = stage.launch(processing="copy", to="street/v2")
    with pytest.raises(Conflict, match=f"{job_id} is making a version 'street/v2' right now"):
        stage.launch(processing="copy", to="street/v2")


def test_a_name_that_was_taken_meanwhile_fails_the_run_which_goes_on_under_another(stage: Stage) -> None:
    job_id = stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    stage_copies(supervisor)
    stage.client.versions.fork("street/v1", "street/v2")
    assert supervisor.finish().json() == {"status": "failed"}
    run = stage.client.jobs.show(job_id).runs[0]
    assert (run.reason, run.partial) == ("commit", "kept")
    assert "There is a version 'street/v2' by now." in run.outcome
    assert "--to street/NAME" in run.outcome
    assert sorted(assets_of(stage, "street/v2")) == sorted(PATHS)
    with pytest.raises(Conflict, match="already"):
        stage.client.jobs.resume(job_id)
    stage.client.jobs.resume(job_id, to="street/v3")
    second = stage.supervisor()
    second.start()
    assert second.claim() is None
    assert second.finish().json() == {"status": "succeeded"}
    assert len(assets_of(stage, "street/v3")) == 12


def test_an_asset_of_which_no_image_was_made_has_failed_and_the_others_go_on(stage: Stage) -> None:
    job_id = stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = claimed(supervisor)
    staged = copies(supervisor, chunk, tags={chunk["assets"][0]["id"]: ["seen"]})
    staged["added"][0]["digest"] = send_image(supervisor, picture(1)[:50])
    assert put(supervisor, chunk, staged) == 204
    assert supervisor.finish().json() == {"status": "succeeded"}
    (failed,) = stage.client.jobs.outcomes(job_id, 1)
    assert (failed.path, failed.outcome) == ("00.jpg", "failed")
    assert "'copies/00.png' that was made of it was refused: it is truncated" in failed.reason
    found = assets_of(stage, "street/v2")
    assert ("copies/00.png" in found, len(found), found["00.jpg"].tags) == (False, 11, ())
    assert len(shapes_of(stage, "street/v2")) == 5


def test_of_two_assets_with_one_path_the_second_is_left_out_and_that_is_said(stage: Stage) -> None:
    job_id = stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = claimed(supervisor)
    staged = copies(supervisor, chunk)
    staged["added"][1]["path"] = "02.jpg"
    staged["added"][2]["path"] = staged["added"][3]["path"]
    staged["added_annotations"] = b""
    put(supervisor, chunk, staged)
    supervisor.finish()
    told = {outcome.path: (outcome.outcome, outcome.reason) for outcome in stage.client.jobs.outcomes(job_id, 1)}
    assert told["01.jpg"] == ("skipped", "what was made of it was left out: the version has another image of this path")
    assert {path: outcome for path, (outcome, _) in told.items()} == {
        "01.jpg": "skipped",
        "02.jpg": "failed",
        "03.jpg": "failed",
    }
    assert "a path is there once" in told["02.jpg"][1]
    run = stage.client.jobs.show(job_id).runs[0]
    assert (run.counts.done, run.counts.failed, run.counts.skipped, run.counts.assets_added) == (3, 2, 1, 3)


def test_a_run_again_needs_another_name_once_its_version_is_there(stage: Stage) -> None:
    job_id = stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    stage_copies(supervisor)
    supervisor.finish()
    with pytest.raises(Conflict, match="There is a version 'street/v2' already"):
        stage.client.jobs.rerun(job_id)
    stage.client.jobs.rerun(job_id, to="street/v3")
    second = stage.supervisor()
    stage_copies(second)
    second.finish()
    assert len(shapes_of(stage, "street/v3")) == 6
    assert {run_id for _, run_id, _ in shapes_of(stage, "street/v3")} == {second.run.run_id}
    stage.client.versions.delete("street/v2")
    stage.client.jobs.rerun(job_id, to="street/v2")


def test_nothing_is_there_after_a_cancel_and_what_was_done_can_become_the_version_on_purpose(stage: Stage) -> None:
    job_id = stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    stage_copies(supervisor)
    stage.client.jobs.cancel(job_id)
    assert supervisor.finish().json() == {"status": "cancelled"}
    with pytest.raises(NotFound):
        stage.client.versions.show("street/v2")
    assert stage.client.jobs.partial.show(job_id).assets_added == 6
    first = next(iter(stage.client.jobs.partial.assets(job_id)))
    (made,) = first.added
    assert (first.path, made.path, made.width, made.height, made.tags) == ("00.jpg", "copies/00.png", 12, 9, ["copy"])
    assert [(shape.label, shape.score) for shape in made.shapes] == [("car", 0.5)]
    stage.client.jobs.partial.commit(job_id, 1)
    assert len(assets_of(stage, "street/v2")) == 12
    assert "what was done is committed as street/v2" in stage.client.jobs.show(job_id).outcome


def test_a_run_that_makes_no_version_has_no_place_for_images(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    assert supervisor.send("POST", "images", raw=picture(1)).status_code == 422
    chunk = claimed(supervisor)
    digest = stage.server.services.objects.put(picture(1))
    added = {"origin": chunk["assets"][0]["id"], "path": "new.png", "digest": digest}
    assert supervisor.stage(chunk, added=[added]).status_code == 422


def test_what_no_supervisor_of_ours_says_is_refused(stage: Stage) -> None:
    stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = claimed(supervisor)
    never_sent = copies(supervisor, chunk)
    never_sent["added"][0]["digest"] = "f" * 64
    of_another = copies(supervisor, chunk)
    of_another["added"][0]["origin"] = "0" * 32
    unknown_label = copies(supervisor, chunk)
    unknown_label["added_annotations"] = (
        ColumnsBuilder().append("copies/00.png", "boat", BoundingBox(1, 2, 3, 4)).build().to_bytes()
    )
    for told in (never_sent, of_another, unknown_label):
        assert put(supervisor, chunk, told) == 422
    outside = copies(supervisor, chunk)
    outside["added"][0]["path"] = "../outside.png"
    outside["added_annotations"] = b""
    assert put(supervisor, chunk, outside) == 204
    supervisor.finish()
    assert len(assets_of(stage, "street/v2")) == 11


def test_a_supervisor_is_told_the_annotations_of_its_chunk_without_rejected_ones(stage: Stage) -> None:
    stage.launch()
    stage.supervisor().work()
    datasets = stage.server.services.datasets
    head = pin(datasets, stage.version_id)
    found = assets_of(stage, "street/v1")
    rejected = annotations_of(datasets, head, [found["00.jpg"].id]).to_pylist()[0]
    review = SetReview(found["00.jpg"].id, rejected["id"], Review.REJECTED)
    save(datasets, stage.server.owner.actor, stage.version_id, EditBatch((review,)))
    stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    chunk = claimed(supervisor)
    columns = AnnotationColumns.from_bytes(supervisor.send("GET", f"chunks/{chunk['index']}/annotations").content)
    assert {found[path].id for path in PATHS[1:]} == set(columns.assets)
    assert len(columns) == 5
