"""Two Revisions of a Dataset are compared by ids: what came, what went, what is another than before."""

import numpy as np
import pyarrow as pa
import pytest

from pixmill.annotations import BoundingBox, ColumnsBuilder, Polygon, Review, Ring
from pixmill.errors import InvalidInput
from pixmill_server.accounts.actor import Actor
from pixmill_server.datasets import differences, labels, maintain, read, versions
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.differences import Change, compare
from pixmill_server.datasets.edit import DeleteShape, Edit, EditBatch, MoveShape, Relabel, SetReview, save
from pixmill_server.datasets.fingerprints import fingerprints
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.stores import Datasets
from server.tests.datasets.building import asset_rows, boxes, id_of, run_commit, street


def by_label(found: differences.Difference) -> dict[str, Change]:
    return {one.name: one.annotations for one in found.labels if one.annotations.total}


@pytest.mark.parametrize("rows_at_once", [differences.ROWS_AT_ONCE, 2])
def test_every_kind_of_change_is_counted_for_its_label(
    datasets: Datasets, actor: Actor, rows_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "ROWS_AT_ONCE", rows_at_once)
    version_id = street(datasets, actor)
    on_all = ["a.jpg", "b.jpg", "c.jpg"]
    run_commit(datasets, version_id, boxes(on_all), boxes(on_all, label="person", x=9))
    before = pin(datasets, version_id)
    rows = read.annotations_of(datasets, before, [id_of(path) for path in on_all]).to_pylist()
    names = {label.id: label.name for label in before.labels}
    of = {(row["asset_id"], names[row["label_id"]]): row["id"] for row in rows}
    a, b, c = (id_of(path) for path in on_all)
    edits: list[Edit] = [
        DeleteShape(a, of[a, "car"]),
        MoveShape(b, of[b, "car"], BoundingBox(1, 2, 3, 5)),
        Relabel(c, of[c, "car"], "person"),
        SetReview(a, of[a, "person"], Review.ACCEPTED),
    ]
    save(datasets, actor, version_id, EditBatch(edits))
    run_commit(datasets, version_id, ChangePart(assets=asset_rows(datasets, ["d.jpg"])), boxes(["d.jpg"]))
    found = compare(datasets, before, pin(datasets, version_id))
    assert by_label(found) == {"car": Change(1, 1, 1), "person": Change(0, 0, 2)}
    assert (found.assets, found.added_paths, found.removed_paths) == (Change(1, 0, 0), ["d.jpg"], [])
    back = compare(datasets, pin(datasets, version_id), before)
    assert (back.assets, back.removed_paths) == (Change(0, 1, 0), ["d.jpg"])
    assert by_label(back) == {"car": Change(1, 1, 2), "person": Change(0, 0, 1)}


def test_a_version_and_its_fork_differ_by_what_was_done_since(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    run_commit(datasets, version_id, boxes(["a.jpg"]))
    fork_id = versions.fork(datasets, actor, pin(datasets, version_id), "v2").id
    assert compare(datasets, pin(datasets, version_id), pin(datasets, fork_id)).annotations == Change()
    run_commit(datasets, fork_id, boxes(["b.jpg"], label="person"))
    found = compare(datasets, pin(datasets, version_id), pin(datasets, fork_id))
    assert (by_label(found), found.assets) == ({"person": Change(1, 0, 0)}, Change())


def test_compaction_changes_nothing(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    for path in ("a.jpg", "b.jpg"):
        run_commit(datasets, version_id, boxes([path]))
    before = pin(datasets, version_id)
    assert maintain.compact(datasets, version_id)
    after = pin(datasets, version_id)
    assert after.annotations != before.annotations
    assert compare(datasets, before, after).annotations == Change()


def test_labels_that_came_went_or_were_renamed_are_named(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    before = pin(datasets, version_id)
    labels.rename_label(datasets, actor, version_id, before.label_named("car").id, "vehicle")
    labels.remove_label(datasets, actor, version_id, before.label_named("person").id)
    labels.add_labels(datasets, actor, version_id, ["bus"])
    found = compare(datasets, before, pin(datasets, version_id))
    assert [(one.name, one.old_name, one.is_gone) for one in found.labels] == [
        ("vehicle", "car", False),
        ("bus", "", False),
        ("person", "person", True),
    ]


def test_versions_of_two_datasets_are_not_compared(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    other_id = versions.create_version(datasets, actor, "park/v1").id
    with pytest.raises(InvalidInput, match="two Datasets"):
        compare(datasets, pin(datasets, version_id), pin(datasets, other_id))


def test_a_point_that_moves_inside_its_bounding_box_changes_the_fingerprint(datasets: Datasets, actor: Actor) -> None:
    version_id = street(datasets, actor)
    before = pin(datasets, version_id)
    for inner in (4.0, 5.0):
        ring = Ring(((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (inner, 5.0), (0.0, 10.0)))
        part = ColumnsBuilder().append("a.jpg", "car", Polygon((ring,)))
        run_commit(datasets, version_id, ChangePart(annotations=part.build()))
    rows = read.annotations_of(datasets, pin(datasets, version_id), [id_of("a.jpg")]).combine_chunks().to_batches()[0]
    plain, whole = fingerprints(rows, ["bbox_x", "bbox_width"]), fingerprints(rows, ["bbox_x", "coordinates"])
    assert (plain[0] == plain[1], whole[0] == whole[1]) == (True, False)
    assert compare(datasets, before, pin(datasets, version_id)).annotations == Change(2, 0, 0)


def test_the_fingerprint_of_a_row_does_not_depend_on_the_rows_around_it() -> None:
    rows = pa.RecordBatch.from_pylist(
        [
            {"text": text, "numbers": numbers, "score": score, "tags": tags, "bytes": content}
            for text, numbers, score, tags, content in [
                ("", [], None, [], b""),
                ("a", [1.0, 2.0], 0.5, ["x", "y"], b"\x00\x01"),
                ("", [2.0, 1.0], 0.25, ["xy"], b"\x01\x00"),
                ("", [0.0], None, [], b"\x00"),
            ]
        ],
        schema=pa.schema(
            [
                ("text", pa.string()),
                ("numbers", pa.list_(pa.float64())),
                ("score", pa.float64()),
                ("tags", pa.list_(pa.string())),
                ("bytes", pa.binary()),
            ]
        ),
    )
    every = fingerprints(rows, rows.schema.names)
    alone = np.concatenate([fingerprints(rows.slice(at, 1), rows.schema.names) for at in range(len(rows))])
    assert (every == alone).all()
    assert len(set(every.tolist())) == len(rows)
    for name in rows.schema.names:
        print_of = fingerprints(rows, [name]).tolist()
        assert print_of[1] != print_of[2], name
