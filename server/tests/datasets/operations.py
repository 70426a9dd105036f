"""Operations on a version, each with what it does to the model."""

import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import replace

from pixmill.annotations import BoundingBox, Review
from pixmill_server.datasets import assets, edit, labels, maintain, revert
from pixmill_server.datasets.changes import ChangePart, Existing
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.stores import Datasets
from server.tests.datasets.building import IMPORT, asset_rows, boxes, id_of, run_commit
from server.tests.datasets.history_model import ACTOR, Box, LabelNow, Operation, State

BY_A_HUMAN = ("accepted", "edited")
_LABELS = itertools.count(1)


def import_assets(version_id: str, paths: Sequence[str]) -> Operation:
    def do(datasets: Datasets) -> None:
        run_commit(datasets, version_id, ChangePart(assets=asset_rows(datasets, paths)), origin=IMPORT)

    return Operation(do, lambda was: replace(was, assets=dict.fromkeys(paths, ()) | was.assets))


def commit_a_run(version_id: str, found: dict[str, float], existing: Existing) -> Operation:
    """One box of the Label car on each path, at the given x."""

    def do(datasets: Datasets) -> None:
        parts = [boxes([path], x=x) for path, x in found.items()]
        run_commit(datasets, version_id, *parts, existing=existing)

    def effect(was: State) -> State:
        annotated = {box.path for box in was.shapes.values()}
        there = {path: x for path, x in found.items() if path in was.assets}
        shapes = was.shapes
        if existing is Existing.KEEP:
            there = {path: x for path, x in there.items() if path not in annotated}
        if existing is Existing.REPLACE:
            shapes = {
                x: box
                for x, box in shapes.items()
                if box.path not in there or box.source != "run" or box.review in BY_A_HUMAN
            }
        # A label that is gone or renamed: the boxes are dropped (and reported).
        fresh = {x: Box(x, path, "car", "run", "unreviewed") for path, x in there.items() if "car" in was.label_names}
        return replace(was, shapes=shapes | fresh)

    return Operation(do, effect)


def save(datasets: Datasets, version_id: str, x_of: float, x: float, how: int) -> Operation:
    """Move, accept or delete the box at `x_of`; or add one to asset `a`, where there is none."""
    pinned = pin(datasets, version_id)
    table = datasets.tables.open(pinned.annotations).to_table(columns=["id", "asset_id", "attributes"])
    rows = {json.loads(row["attributes"])["first_x"]: row for row in table.to_pylist()}
    if x_of not in rows:
        return _add(version_id, x)
    asset_id, annotation_id = rows[x_of]["asset_id"], rows[x_of]["id"]
    moved = edit.MoveShape(asset_id, annotation_id, BoundingBox(x, 2, 3, 4))
    accepted = edit.SetReview(asset_id, annotation_id, Review.ACCEPTED)
    change: edit.Edit = (moved, accepted, edit.DeleteShape(asset_id, annotation_id))[how]

    def effect(was: State) -> State:
        if x_of not in was.shapes:
            return was
        box, others = was.shapes[x_of], {key: box for key, box in was.shapes.items() if key != x_of}
        after = (
            others | {x_of: box._replace(x=x, review="edited")},
            others | {x_of: box._replace(review="accepted")},
            others,
        )
        return replace(was, shapes=after[how])

    return Operation(lambda stores: edit.save(stores, ACTOR, version_id, edit.EditBatch([change])), effect)


def _add(version_id: str, x: float) -> Operation:
    def effect(was: State) -> State:
        if "a" not in was.assets:
            return was
        return replace(was, shapes=was.shapes | {x: Box(x, "a", was.labels[0].name, "human", "unreviewed")})

    def do(stores: Datasets) -> None:
        label = pin(stores, version_id).labels[0].name
        edits = [edit.AddShape(id_of("a"), label, BoundingBox(x, 2, 3, 4), {"first_x": x})]
        edit.save(stores, ACTOR, version_id, edit.EditBatch(edits))

    return Operation(do, effect)


def tag(version_id: str, path: str) -> Operation:
    def effect(was: State) -> State:
        if path not in was.assets or "night" in was.assets[path]:
            return was
        return replace(was, assets=was.assets | {path: (*was.assets[path], "night")})

    return Operation(lambda stores: assets.tag(stores, ACTOR, version_id, [id_of(path)], ["night"]), effect)


def remove(version_id: str, path: str) -> Operation:
    def effect(was: State) -> State:
        return replace(
            was,
            assets={key: tags for key, tags in was.assets.items() if key != path},
            shapes={x: box for x, box in was.shapes.items() if box.path != path},
        )

    return Operation(lambda stores: assets.remove(stores, ACTOR, version_id, [id_of(path)]), effect)


def undo(version_id: str, number: int, state: State) -> Operation:
    return Operation(lambda stores: revert.revert(stores, ACTOR, version_id, number), lambda _was: state)


def add_label(version_id: str, name: str) -> Operation:
    added = LabelNow(name, which=next(_LABELS))

    def effect(was: State) -> State:
        return was if name in was.label_names else replace(was, labels=(*was.labels, added))

    return Operation(lambda stores: labels.add_labels(stores, ACTOR, version_id, [name]), effect)


def rename_last_label(datasets: Datasets, version_id: str, head: State) -> Operation:
    """Rename the Label itself, whatever it is called by then."""
    label, name = pin(datasets, version_id).labels[-1], os.urandom(4).hex()
    last = head.labels[-1]
    assert last.name == label.name

    def effect(was: State) -> State:
        (old,) = (known.name for known in was.labels if known.which == last.which)
        after = tuple(replace(known, name=name) if known.which == last.which else known for known in was.labels)
        shapes = {x: box._replace(label=name) if box.label == old else box for x, box in was.shapes.items()}
        return replace(was, labels=after, shapes=shapes)

    return Operation(lambda stores: labels.rename_label(stores, ACTOR, version_id, label.id, name), effect)


def compact(version_id: str) -> Operation:
    return Operation(lambda stores: maintain.compact(stores, version_id), lambda was: was)
