"""The viewer without a pointer: look, review, draw, move, bend, relabel, delete, undo, save, and turn the pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pixmill_server.settings import read_settings
from tests.e2e.viewing import FIRST, SECOND, VERSION, Viewing, boxes, saved, viewing


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Viewing]:
    """A car and a person on the first two images."""
    folder = tmp_path_factory.mktemp("keyboard")
    settings = read_settings({"PIXMILL_DATA": str(folder / "data"), "PIXMILL_BUNDLE": str(bundle)})
    with viewing(settings, folder / "images") as found:
        found.predict(boxes(*((path, label, 0.5) for path in (FIRST, SECOND) for label in ("car", "person"))))
        yield found


@pytest.fixture
def visitor(page: Page, seen: Viewing) -> Page:
    """The page, signed in as the member."""
    seen.sign_in(page)
    return page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_shape_is_chosen_nudged_resized_and_relabelled(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor)
    press(visitor, "]", "ArrowRight", "Shift+ArrowDown")
    # Of a box the handles go round from its top left corner; the fifth is the bottom right one.
    press(visitor, ".", ".", ".", ".", ".", "Shift+ArrowRight", "ArrowUp")
    press(visitor, "2")
    saved(visitor)
    assert seen.shapes(FIRST)[0] == ("car", "edited", [21, 50, 60, 59])
    press(visitor, "1", "Control+z", "Control+z", "Control+z")
    saved(visitor)
    assert seen.shapes(FIRST)[0] == ("car", "unreviewed", [20, 40, 50, 60])


def test_predictions_are_reviewed_one_after_the_other_and_the_next_image_follows(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor, SECOND)
    press(visitor, "]", "a", "r", "Control+Enter")
    expect(visitor.get_by_role("heading", level=1)).to_have_text("c.png")
    assert [review for _, review, _ in seen.shapes(SECOND)] == ["accepted", "rejected"]
    press(visitor, "ArrowLeft")
    expect(visitor.get_by_role("heading", level=1)).to_have_text(SECOND)
    press(visitor, "Home", "]", "a", "Delete", "Control+z")
    saved(visitor)


def test_boxes_and_polygons_are_drawn_and_bent_without_a_pointer(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/drawn")
    seen.open(visitor, SECOND, version="street/drawn")
    press(visitor, "2", "b", "Enter", "Escape")
    press(visitor, "1", "p", "Enter", ".", "i", "Shift+ArrowUp", ".", "Backspace")
    saved(visitor)
    asset = seen.asset(SECOND, version="street/drawn")
    drawn = [annotation for annotation in asset.annotations if annotation.source == "human"]
    box, polygon = sorted(drawn, key=lambda annotation: annotation.kind)
    assert (box.kind, box.label, polygon.kind, polygon.label) == ("box", "car", "polygon", "person")
    assert polygon.rings == [4]


def test_every_action_is_reached_by_the_tab_key_and_has_a_name(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor)
    press(visitor, "]")
    expect(visitor.get_by_role("button", name="Delete", exact=True)).to_be_enabled()
    reached: set[str] = set()
    for _ in range(60):
        press(visitor, "Tab")
        name = visitor.evaluate("document.activeElement.textContent.trim() || document.activeElement.ariaLabel")
        reached.add(" ".join((name or "").split()))
    wanted = {"Box", "Polygon", "Accept", "Reject", "Delete", "Fit", "Hide shapes", "Accept all shown", "Next image"}
    assert {name for name in wanted if not any(name in found for found in reached)} == set()


def test_the_keys_are_listed(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor)
    press(visitor, "?")
    expect(visitor.get_by_role("dialog", name="Keyboard")).to_contain_text("Draw a box, a polygon")
    press(visitor, "Escape")
    expect(visitor.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    press(visitor, "h")
    expect(visitor.get_by_role("button", name="Hide shapes")).to_have_attribute("aria-pressed", "true")
