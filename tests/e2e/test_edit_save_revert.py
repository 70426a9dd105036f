"""Edit, save, revert: shapes drawn, moved, bent, relabelled and deleted; one Revision by who did it; and back again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from pixmill.annotations import BoundingBox, Polygon, Ring
from pixmill_server.settings import read_settings
from tests.e2e.browsing import until
from tests.e2e.viewing import FIRST, SECOND, THIRD, VERSION, Viewing, at, boxes, saved, viewing

HANDLES = "[data-marks] [data-handle]"
MIDDLES = "[data-marks] [data-after]"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Viewing]:
    """Each image has a car and a person; every test has an image, or a version, of its own."""
    folder = tmp_path_factory.mktemp("editing")
    settings = read_settings({"PIXMILL_DATA": str(folder / "data"), "PIXMILL_BUNDLE": str(bundle)})
    with viewing(settings, folder / "images") as found:
        found.predict(boxes(*((path, label, 0.5) for path in (FIRST, SECOND, THIRD) for label in ("car", "person"))))
        yield found


@pytest.fixture
def visitor(page: Page, seen: Viewing) -> Page:
    """The page, signed in as the member."""
    seen.sign_in(page)
    return page


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *start))
    page.mouse.down()
    page.mouse.move(*at(page, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
    page.mouse.move(*at(page, *end))
    page.mouse.up()


def click(page: Page, x: float, y: float) -> None:
    page.mouse.click(*at(page, x, y))


def rounded(box: list[float] | None) -> list[float]:
    assert box is not None
    return [round(side) for side in box]


def test_boxes_are_drawn_moved_relabelled_and_deleted_in_one_revision_that_can_be_undone(
    visitor: Page, seen: Viewing
) -> None:
    before, revision = seen.shapes(FIRST), seen.client.versions.show(VERSION).revision
    seen.open(visitor)
    car, person = before
    assert (car[2], person[2]) == ([20, 40, 50, 60], [90, 40, 50, 60])
    click(visitor, 45, 70)
    drag(visitor, (45, 70), (55, 90))
    visitor.get_by_label("Label of the chosen shape").select_option("person")
    visitor.keyboard.press("Escape")
    click(visitor, 115, 70)
    visitor.keyboard.press("Delete")
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(1)
    visitor.keyboard.press("Control+z")
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(2)
    visitor.keyboard.press("Control+Shift+z")
    visitor.keyboard.press("2")
    visitor.get_by_role("button", name="Box", exact=True).click()
    drag(visitor, (200, 150), (260, 200))
    expect(visitor.locator("[data-shape-list] > li.chosen")).to_contain_text("car")
    expect(visitor.locator("[data-state]")).to_have_text("4 unsaved")
    saved(visitor)

    moved, drawn = seen.shapes(FIRST)
    assert (moved[0], moved[1], rounded(moved[2])) == ("person", "edited", [30, 60, 50, 60])
    assert (drawn[0], drawn[1], rounded(drawn[2])) == ("car", "unreviewed", [200, 150, 60, 50])
    newest = next(iter(seen.client.versions.history(VERSION)))
    assert (newest.number, newest.author) == (revision + 1, "member")
    assert newest.summary == "1 added, 1 moved, 1 relabelled, 1 deleted"

    visitor.goto(f"{seen.server.url}/datasets/{VERSION}/history")
    visitor.get_by_role("button", name=f"Go back to Revision {revision}", exact=True).click()
    expect(visitor.get_by_text(f"Reverted to revision {revision}")).to_be_visible()
    assert seen.shapes(FIRST) == before


def test_a_box_is_resized_by_its_handles_and_undone_after_it_was_saved(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor, SECOND)
    click(visitor, 45, 70)
    expect(visitor.locator(HANDLES)).to_have_count(8)
    drag(visitor, (70, 100), (120, 140))
    saved(visitor)
    assert rounded(seen.shapes(SECOND)[0][2]) == [20, 40, 100, 100]
    visitor.keyboard.press("Control+z")
    saved(visitor)
    assert rounded(seen.shapes(SECOND)[0][2]) == [20, 40, 50, 60]


def test_polygons_are_drawn_point_by_point_and_bent_by_their_vertices(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/polygons")
    seen.open(visitor, THIRD, version="street/polygons")
    visitor.keyboard.press("p")
    for point in ((200, 100), (280, 100), (280, 180), (230, 50)):
        click(visitor, *point)
    visitor.keyboard.press("Backspace")
    click(visitor, 200, 180)
    click(visitor, 200, 100)
    expect(visitor.locator(HANDLES)).to_have_count(4)
    expect(visitor.locator(MIDDLES)).to_have_count(4)
    drag(visitor, (240, 100), (240, 60))
    expect(visitor.locator(HANDLES)).to_have_count(5)
    drag(visitor, (280, 180), (300, 220))
    click(visitor, 200, 180)
    visitor.keyboard.press("Backspace")
    saved(visitor)
    asset = seen.asset(THIRD, version="street/polygons")
    (polygon,) = (annotation for annotation in asset.annotations if annotation.kind == "polygon")
    assert rounded(polygon.coordinates) == [200, 100, 240, 60, 280, 100, 300, 220]
    assert (polygon.rings, polygon.source) == ([4], "human")


def test_a_conflict_is_said_and_no_edit_is_lost(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/conflict")
    seen.open(visitor, THIRD, version="street/conflict")
    visitor.keyboard.press("b")
    drag(visitor, (200, 150), (260, 200))
    asset = seen.asset(THIRD, version="street/conflict")
    seen.client.annotations.move("street/conflict", asset, asset.annotations[0], BoundingBox(1, 2, 30, 40))
    visitor.keyboard.press("Control+s")
    expect(visitor.get_by_role("alert")).to_contain_text("changed by somebody else meanwhile")
    expect(visitor.locator("[data-state]")).to_have_text("1 unsaved")
    visitor.get_by_role("button", name="Load theirs and keep my edits").click()
    expect(visitor.get_by_role("alert")).to_be_hidden()
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(3)
    saved(visitor)
    asset = seen.asset(THIRD, version="street/conflict")
    theirs, kept, mine = sorted(rounded(annotation.bbox) for annotation in asset.annotations)
    assert (theirs, kept[1:], mine[2:]) == ([1, 2, 30, 40], [40, 50, 60], [60, 50])


def test_unsaved_edits_are_not_left_behind_unasked(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/leaving")
    here, there = (seen.href(path, version="street/leaving") for path in (SECOND, THIRD))
    seen.open(visitor, SECOND, version="street/leaving")
    click(visitor, 45, 70)
    visitor.keyboard.press("Delete")
    visitor.keyboard.press("j")
    leaving = visitor.get_by_role("dialog", name="This image has unsaved edits")
    leaving.get_by_role("button", name="Stay").click()
    expect(visitor).to_have_url(here)
    expect(visitor.locator("[data-state]")).to_have_text("1 unsaved")
    visitor.keyboard.press("j")
    leaving.get_by_role("button", name="Drop them").click()
    expect(visitor).to_have_url(there)
    visitor.keyboard.press("k")
    expect(visitor).to_have_url(here)
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(2)
    click(visitor, 45, 70)
    visitor.keyboard.press("Delete")
    visitor.keyboard.press("j")
    leaving.get_by_role("button", name="Save and go on").click()
    expect(visitor).to_have_url(there)
    visitor.keyboard.press("k")
    expect(visitor).to_have_url(here)
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(1)
    click(visitor, 115, 70)
    visitor.keyboard.press("Delete")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    visitor.on("dialog", answer)
    visitor.reload()
    assert asked == ["beforeunload"]
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(1)


def test_what_is_edited_while_the_next_image_is_on_its_way_is_not_lost(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/slow")
    here, there = (seen.href(path, version="street/slow") for path in (SECOND, THIRD))
    held: list[Route] = []
    visitor.route(there, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in method
    seen.open(visitor, SECOND, version="street/slow")
    visitor.keyboard.press("j")
    click(visitor, 45, 70)
    visitor.keyboard.press("Delete")
    expect(visitor.locator("[data-state]")).to_have_text("1 unsaved")
    until(lambda: bool(held), "the next image was asked for")
    for route in held:
        route.continue_()
    leaving = visitor.get_by_role("dialog", name="This image has unsaved edits")
    leaving.get_by_role("button", name="Stay").click()
    expect(visitor).to_have_url(here)
    saved(visitor)
    assert len(seen.asset(SECOND, version="street/slow").annotations) == 1


def test_going_back_in_the_browser_asks_as_well(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/back")
    first, second = (seen.href(path, version="street/back") for path in (FIRST, SECOND))
    seen.open(visitor, FIRST, version="street/back")
    visitor.keyboard.press("j")
    expect(visitor).to_have_url(second)
    click(visitor, 45, 70)
    visitor.keyboard.press("Delete")
    visitor.go_back()
    leaving = visitor.get_by_role("dialog", name="This image has unsaved edits")
    leaving.get_by_role("button", name="Stay").click()
    expect(visitor).to_have_url(second)
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(1)
    visitor.go_back()
    leaving.get_by_role("button", name="Drop them").click()
    expect(visitor).to_have_url(first)
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(2)


def test_a_hole_stays_a_hole_when_its_polygon_is_moved(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/holes")
    asset = seen.asset(FIRST, version="street/holes")
    outline = Ring(((150.0, 150.0), (250.0, 150.0), (250.0, 230.0), (150.0, 230.0)))
    hole = Ring(((180.0, 170.0), (220.0, 170.0), (220.0, 210.0)), hole=True)
    seen.client.annotations.add("street/holes", asset, "car", Polygon((outline, hole)))
    seen.open(visitor, FIRST, version="street/holes")
    click(visitor, 165, 190)
    drag(visitor, (165, 190), (175, 180))
    saved(visitor)
    asset = seen.asset(FIRST, version="street/holes")
    (polygon,) = (annotation for annotation in asset.annotations if annotation.kind == "polygon")
    assert (polygon.rings, rounded(polygon.coordinates[:2])) == ([4, -3], [160, 140])
