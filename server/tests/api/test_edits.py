"""A human's edits through the SDK: every kind of shape goes there and comes back."""

from collections.abc import Iterator
from pathlib import Path

import lance
import numpy as np
import pytest
from PIL import Image

from pixmill import Client
from pixmill.annotations import (
    BoundingBox,
    Classification,
    Keypoint,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Review,
    Ring,
    RotatedBox,
    Shape,
    Visibility,
    kind_of,
)
from pixmill.client.assets import shape_of
from pixmill.client.imports import ImportOptions
from pixmill.errors import InvalidInput, NotFound
from tests.running_server import RunningServer

SHAPES: list[Shape] = [
    Classification(),
    BoundingBox(1.5, 2.0, 10.25, 5.0),
    RotatedBox(20.0, 10.0, 8.0, 4.0, 30.0),
    Polygon((Ring(((0.0, 0.0), (9.0, 0.0), (9.0, 9.0))), Ring(((1.0, 0.5), (8.0, 0.5), (8.0, 7.0)), hole=True))),
    Mask(4, 6, b"48;0"),
    Line(((0.0, 0.0), (5.0, 5.0), (9.0, 2.0))),
    Point(3.0, 4.0),
    Keypoints(
        (Keypoint(1.0, 2.0, Visibility.VISIBLE), Keypoint(5.0, 6.0, Visibility.HIDDEN)),
        BoundingBox(1.0, 2.0, 4.0, 4.0),
    ),
]


@pytest.fixture
def client(server: RunningServer, tmp_path: Path) -> Iterator[Client]:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(np.full((24, 32, 3), 99, dtype=np.uint8)).save(folder / name)
    with Client(server.url, server.member.token) as opened:
        opened.imports.run(folder, ImportOptions(to="street/v1"))
        opened.labels.set("street/v1", ["person", "car"])
        yield opened


def test_a_shape_that_was_added_is_the_one_that_is_read(client: Client) -> None:
    asset = client.assets.show("street/v1", "a.png")
    for count, shape in enumerate(SHAPES, start=1):
        saved = client.annotations.add("street/v1", asset, "car", shape)
        assert (saved.changed, saved.counts.annotations, saved.counts.annotated_assets) == (True, count, 1)
    found = client.assets.show("street/v1", "a.png").annotations
    assert {annotation.kind: shape_of(annotation) for annotation in found} == {
        str(kind_of(shape)): shape for shape in SHAPES
    }
    assert {(annotation.label, annotation.source, annotation.score) for annotation in found} == {("car", "human", None)}


def test_a_shape_is_moved_relabelled_reviewed_and_deleted(client: Client) -> None:
    asset = client.assets.show("street/v1", "a.png")
    client.annotations.add("street/v1", asset, "car", BoundingBox(1, 1, 2, 2))
    (first,) = client.assets.show("street/v1", "a.png").annotations
    client.annotations.move("street/v1", asset, first, BoundingBox(5, 5, 3, 3))
    client.annotations.relabel("street/v1", asset, first, "person")
    client.annotations.review("street/v1", asset, first, Review.ACCEPTED)
    (second,) = client.assets.show("street/v1", "a.png").annotations
    assert (second.id, second.bbox, second.label, second.review) == (first.id, [5, 5, 3, 3], "person", "accepted")
    client.annotations.delete("street/v1", asset, second)
    assert client.assets.show("street/v1", "a.png").annotations == []
    steps = [revision.step.get("changed_annotations") for revision in client.versions.history("street/v1")]
    assert steps[1:4] == [1, 1, 1]


def test_what_is_gone_is_skipped_and_said(client: Client) -> None:
    asset = client.assets.show("street/v1", "a.png")
    client.annotations.add("street/v1", asset, "car", BoundingBox(1, 1, 2, 2))
    (annotation,) = client.assets.show("street/v1", "a.png").annotations
    client.annotations.delete("street/v1", asset, annotation)
    again = client.annotations.delete("street/v1", asset, annotation)
    assert [(skipped.id, skipped.reason) for skipped in again.skipped] == [(annotation.id, "it was deleted meanwhile")]


def test_an_unknown_label_changes_nothing(client: Client) -> None:
    asset, before = client.assets.show("street/v1", "a.png"), client.versions.show("street/v1")
    with pytest.raises(NotFound, match="dog"):
        client.annotations.add("street/v1", asset, "dog", BoundingBox(1, 1, 2, 2))
    assert client.versions.show("street/v1") == before


def test_a_polygon_needs_no_bounds(client: Client) -> None:
    asset, version = client.assets.show("street/v1", "a.png"), client.versions.show("street/v1")
    shape = {"kind": "polygon", "coordinates": [0, 0, 8, 0, 8, 6], "rings": [3]}
    wish = {"edits": [{"action": "add", "asset_id": asset.id, "label": "car", "shape": shape}]}
    answer = client.connection._http.post(f"/versions/{version.id}/annotations", json=wish)
    assert answer.status_code == 201, answer.text
    (found,) = client.assets.show("street/v1", "a.png").annotations
    assert (found.id, found.bbox) == (answer.json()["added"][0], [0, 0, 8, 6])


IMPOSSIBLE: list[dict[str, object]] = [
    {"kind": "box", "bbox": [1, 2, -3, 4]},
    {"kind": "box"},
    {"kind": "point", "coordinates": [1]},
    {"kind": "polygon", "coordinates": [0, 0, 1, 1, 2, 0], "rings": [2]},
    {"kind": "polygon", "coordinates": [], "rings": []},
    {"kind": "keypoints", "coordinates": [1, 2, 7], "bbox": [0, 0, 1, 1]},
    {"kind": "mask", "coordinates": [4.5, 6], "mask": "x"},
    {"kind": "circle", "coordinates": [1, 2, 3]},
]


def test_a_shape_that_cannot_be_is_refused(client: Client) -> None:
    asset, version = client.assets.show("street/v1", "a.png"), client.versions.show("street/v1")
    for shape in IMPOSSIBLE:
        wish = {"edits": [{"action": "add", "asset_id": asset.id, "label": "car", "shape": shape}]}
        answer = client.connection._http.post(f"/versions/{version.id}/annotations", json=wish)
        assert answer.status_code == 422, answer.text
    assert client.versions.show("street/v1") == version


def test_a_save_on_an_older_revision_is_refused_where_the_image_changed(client: Client) -> None:
    asset, looked_at = client.assets.show("street/v1", "a.png"), client.versions.show("street/v1")
    client.annotations.add("street/v1", asset, "car", BoundingBox(1, 1, 2, 2))
    shape = {"kind": "box", "bbox": [1, 2, 3, 4]}
    edits = [{"action": "add", "asset_id": asset.id, "label": "car", "shape": shape}]
    wish = {"edits": edits, "base": looked_at.revision}
    answer = client.connection._http.post(f"/versions/{looked_at.id}/annotations", json=wish)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:pixmill:problem:asset-changed")


def test_only_predictions_are_accepted_by_a_filter(client: Client) -> None:
    asset = client.assets.show("street/v1", "a.png")
    client.annotations.add("street/v1", asset, "car", BoundingBox(1, 1, 2, 2))
    before = client.versions.show("street/v1").revision
    done = client.annotations.review_all("street/v1", Review.ACCEPTED, where="label=car")
    assert (done.changed, done.revision) == (0, before)
    with pytest.raises(NotFound, match="dog"):
        client.annotations.review_all("street/v1", Review.REJECTED, where="label=dog")


def test_a_stranger_may_not_save(server: RunningServer, client: Client) -> None:
    asset, version = client.assets.show("street/v1", "a.png"), client.versions.show("street/v1")
    wish = {"edits": [{"action": "delete", "asset_id": asset.id, "annotation_id": "0" * 32}]}
    with Client(server.url, server.stranger.token) as stranger:
        assert stranger.connection._http.post(f"/versions/{version.id}/annotations", json=wish).status_code == 404


def test_a_version_is_opened_with_lance_as_it_was_pinned(client: Client) -> None:
    asset = client.assets.show("street/v1", "a.png")
    client.annotations.add("street/v1", asset, "car", BoundingBox(1, 1, 2, 2))
    tables = client.versions.to_lance("street/v1")
    client.annotations.add("street/v1", asset, "car", BoundingBox(3, 3, 2, 2))
    annotations = tables.annotations
    opened = lance.dataset(annotations.uri).checkout_version((annotations.branch, annotations.version))
    (row,) = opened.to_table().to_pylist()
    assert (row["bbox_x"], {label.id: label.name for label in tables.labels}[row["label_id"]]) == (1, "car")


def test_assets_are_filtered(client: Client) -> None:
    asset = client.assets.show("street/v1", "b.png")
    client.annotations.add("street/v1", asset, "car", BoundingBox(1, 1, 2, 2))
    assert [found.path for found in client.assets.list("street/v1", label="car")] == ["b.png"]
    assert [found.path for found in client.assets.list("street/v1", annotated=False)] == ["a.png"]
    with pytest.raises(InvalidInput):
        list(client.assets.list("no address"))
