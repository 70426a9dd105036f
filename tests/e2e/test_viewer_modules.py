"""The pure modules of the viewer in the browser's own engine: geometry, masks, history, and what a save says."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from pixmill.annotations.rle import compress
from tests.running_server import RunningServer

BOX = {"kind": "box", "bbox": [10, 20, 30, 40], "coordinates": [], "rings": [], "mask": ""}
SIZE = [100, 100]
SQUARE = [10, 10, 50, 10, 50, 50, 10, 50]
HOLE = [20, 20, 30, 20, 30, 30]
POLYGON = {"kind": "polygon", "bbox": [10, 10, 40, 40], "coordinates": SQUARE + HOLE, "rings": [4, -3], "mask": ""}


@pytest.fixture(scope="module")
def server(one_server: RunningServer) -> RunningServer:
    return one_server


@pytest.fixture(scope="module")
def modules(browser: Browser, server: RunningServer) -> Iterator[Page]:
    """A page that may import them."""
    page = browser.new_page()
    page.goto(f"{server.url}/sign-in")
    yield page
    page.close()


def call(page: Page, module: str, body: str, *arguments: object) -> Any:
    """What `body` returns, with the module as `m` and the arguments as `a`."""
    script = f"async (a) => {{ const m = await import('/static/js/viewer/{module}.js'); {body} }}"
    return page.evaluate(script, list(arguments))


def test_a_shape_moves_by_whole_steps_and_not_out_of_the_image(modules: Page) -> None:
    move = "return m.moved(a[0], a[1], a[2], a[3])"
    assert call(modules, "geometry", move, BOX, 5, -7, SIZE)["bbox"] == [15, 13, 30, 40]
    assert call(modules, "geometry", move, BOX, 500, -500, SIZE)["bbox"] == [70, 0, 30, 40]
    moved = call(modules, "geometry", move, POLYGON, 1, 2, SIZE)
    assert moved["bbox"] == [11, 12, 40, 40]
    assert moved["coordinates"][:4] == [11, 12, 51, 12]


def test_points_that_are_not_labeled_stay_where_they_are(modules: Page) -> None:
    keypoints = BOX | {"kind": "keypoints", "coordinates": [15, 25, 2, 0, 0, 0]}
    moved = call(modules, "geometry", "return m.moved(a[0], 3, 4, a[1])", keypoints, SIZE)
    assert moved["coordinates"] == [18, 29, 2, 0, 0, 0]


def test_a_box_that_is_pulled_over_its_own_edge_is_turned_inside_out(modules: Page) -> None:
    pull = "return m.withHandleAt(a[0], a[1], a[2], a[3], a[4]).bbox"
    assert call(modules, "geometry", pull, BOX, 4, 60, 90, SIZE) == [10, 20, 50, 70]
    assert call(modules, "geometry", pull, BOX, 0, 70, 80, SIZE) == [40, 60, 30, 20]
    assert call(modules, "geometry", pull, BOX, 3, 55, 999, SIZE) == [10, 20, 45, 40]
    assert call(modules, "geometry", pull, BOX, 4, 900, 900, SIZE) == [10, 20, 90, 80]


def test_vertices_are_added_and_removed_in_their_own_ring(modules: Page) -> None:
    added = call(modules, "geometry", "return m.withVertex(a[0], 4, 25, 15)", POLYGON)
    assert added["rings"] == [4, -4]
    assert added["coordinates"] == [*SQUARE, 20, 20, 25, 15, *HOLE[2:]]
    removed = call(modules, "geometry", "return m.withoutVertex(a[0], 1)", POLYGON)
    assert (removed["rings"], removed["coordinates"][:4]) == ([3, -3], [10, 10, 50, 50])


def test_a_hole_of_three_points_goes_as_a_whole_and_an_outline_stays(modules: Page) -> None:
    without = call(modules, "geometry", "return m.withoutVertex(a[0], 5)", POLYGON)
    assert (without["rings"], without["coordinates"]) == ([4], SQUARE)
    triangle = POLYGON | {"coordinates": HOLE, "rings": [3]}
    assert call(modules, "geometry", "return m.withoutVertex(a[0], 0)", triangle) is None


def test_the_outline_of_a_mask_covers_exactly_its_ones(modules: Page) -> None:
    picture = np.random.default_rng(7).random((23, 31)) < 0.55
    picture[5:15, 4:20] = True
    picture[8:11, 7:9] = False
    flat = picture.T.ravel()
    changes = np.flatnonzero(np.diff(flat.astype(np.int8))) + 1
    runs = np.diff(np.r_[0, changes, len(flat)])
    text = compress([0, *runs] if flat[0] else runs.tolist()).decode()
    drawn = call(
        modules,
        "mask",
        """const canvas = new OffscreenCanvas(a[1], a[2]), pen = canvas.getContext("2d");
        pen.fill(new Path2D(m.outlineOf(a[0], a[2])), "evenodd");
        return [...pen.getImageData(0, 0, a[1], a[2]).data].filter((_, place) => place % 4 === 3);""",
        text,
        picture.shape[1],
        picture.shape[0],
    )
    assert (np.array(drawn).reshape(picture.shape) > 127).tolist() == picture.tolist()


def test_steps_are_undone_and_redone_and_a_new_step_forgets_what_was_undone(modules: Page) -> None:
    told = call(
        modules,
        "history",
        """const h = new m.History("a"), seen = [];
        for (const state of ["b", "c", "d"]) h.push(state);
        for (const step of ["undo", "undo", "redo", "undo", "undo", "undo"]) { h[step](); seen.push(h.now); }
        h.redo(); h.push("e"); h.redo();
        return [...seen, h.now, h.canRedo];""",
    )
    assert told == ["c", "b", "c", "b", "a", "a", "e", False]


def test_nudges_of_one_shape_are_one_step(modules: Page) -> None:
    told = call(
        modules,
        "history",
        """const h = new m.History(0);
        for (let n = 1; n < 5; n += 1) h.push(n, "nudge x");
        h.push(5, "nudge y"); h.undo(); const first = h.now; h.undo();
        return [first, h.now, h.canUndo];""",
    )
    assert told == [4, 0, False]


def shape(key: str, **other: object) -> dict[str, object]:
    plain = {"key": key, "label": "car", "review": "unreviewed", "attributes": {}, "source": "run", "score": 0.5}
    return BOX | plain | other


def test_a_save_says_what_is_different_and_nothing_else(modules: Page) -> None:
    saved = [shape("same"), shape("gone"), shape("moved"), shape("named"), shape("accepted")]
    now = [
        shape("same"),
        shape("moved", bbox=[1, 2, 3, 4], review="edited"),
        shape("named", label="person", review="accepted"),
        shape("accepted", review="accepted"),
        shape("new", label="person"),
    ]
    edits = call(modules, "edits", 'return m.editsBetween(a[0], a[1], "asset", (key) => `id-${key}`)', saved, now)
    told = [(edit["action"], edit.get("annotation_id"), edit.get("label") or edit.get("review")) for edit in edits]
    assert told == [
        ("move", "id-moved", None),
        ("relabel", "id-named", "person"),
        ("review", "id-named", "accepted"),
        ("review", "id-accepted", "accepted"),
        ("add", None, "person"),
        ("delete", "id-gone", None),
    ]
    assert edits[0]["shape"] == {"kind": "box", "bbox": [1, 2, 3, 4], "coordinates": [], "rings": [], "mask": ""}


def test_my_edits_on_top_of_theirs_lose_neither(modules: Page) -> None:
    saved = [shape("both"), shape("theirs"), shape("mine"), shape("dropped"), shape("rescued")]
    mine = [
        shape("both", label="person", review="edited"),
        shape("theirs"),
        shape("dropped", review="accepted"),
        shape("rescued", bbox=[1, 1, 1, 1], review="edited"),
        shape("new"),
    ]
    fresh = [shape("both", bbox=[5, 5, 5, 5]), shape("theirs", label="person"), shape("mine"), shape("other")]
    result = call(modules, "edits", "return m.rebased(a[0], a[1], a[2])", saved, mine, fresh)
    assert [(found["key"], found["label"], found["bbox"]) for found in result] == [
        ("both", "person", [5, 5, 5, 5]),
        ("theirs", "person", BOX["bbox"]),
        ("other", "car", BOX["bbox"]),
        ("again-1", "car", [1, 1, 1, 1]),
        ("new", "car", BOX["bbox"]),
    ]
