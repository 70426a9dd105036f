"""Looking at one image and reviewing what Runs found: by shape, for the image, for the whole filter."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from pixmill.annotations import BoundingBox
from pixmill.client.imports import ImportOptions
from pixmill_server.datasets.changes import Existing
from pixmill_server.settings import read_settings
from tests.e2e.browsing import opened, places_of, until
from tests.e2e.test_accessibility import AXE, RUN, SERIOUS
from tests.e2e.viewing import FIRST, HOSTILE, SECOND, THIRD, VERSION, WIDTH, Viewing, boxes, every_kind, saved, viewing

KINDS = {"class", "box", "rotated box", "polygon", "mask", "line", "point", "keypoints"}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Viewing]:
    """The first image with every kind of shape; the others with two boxes each."""
    folder = tmp_path_factory.mktemp("viewer")
    settings = read_settings({"PIXMILL_DATA": str(folder / "data"), "PIXMILL_BUNDLE": str(bundle)})
    with viewing(settings, folder / "images") as found:
        found.predict(every_kind())
        found.predict(boxes((SECOND, "car", 0.3), (SECOND, "person", 0.9), (THIRD, "person", 0.2)))
        yield found


@pytest.fixture
def visitor(page: Page, seen: Viewing) -> Page:
    """The page, signed in as the member."""
    seen.sign_in(page)
    return page


def rows(page: Page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator("[data-shape-list] > li").all_inner_texts()]


def test_every_kind_of_shape_is_drawn_and_listed_with_label_score_and_origin(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor)
    expect(visitor.locator("[data-shapes] > g")).to_have_count(len(KINDS) - 1)
    expect(visitor.locator("[data-classes]")).to_have_text("person")
    listed = rows(visitor)
    assert {line.split("unreviewed ✓ ✕ ")[1].split(",")[0] for line in listed} == KINDS
    assert listed[1].startswith("car 0.20 box, unreviewed")
    assert all("yolo-preannotation, street-yolo/1" in line for line in listed)
    visitor.locator("[data-shape-list]").get_by_role("button", name="car 0.20 box, unreviewed").click()
    expect(visitor.locator(".shape-facts")).to_contain_text(HOSTILE)


def test_markup_in_names_is_shown_as_text(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor, SECOND)
    expect(visitor.get_by_role("heading", level=1)).to_have_text(SECOND)
    assert visitor.title().startswith(SECOND)
    seen.open(visitor)
    expect(visitor.locator(".viewer-tag", has_text=HOSTILE)).to_have_count(1)
    assert visitor.locator("[data-viewer] img[onerror], [data-viewer] b, [data-viewer] i").count() == 0


def test_pointing_at_a_shape_marks_its_line_and_the_other_way_round(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor, SECOND)
    line, shape = visitor.locator("[data-shape-list] > li").first, visitor.locator("[data-shapes] > g").first
    line.hover()
    expect(visitor.locator("[data-shapes] > g.hovered")).to_have_count(1)
    shape.hover()
    expect(visitor.locator("[data-shape-list] > li.hovered")).to_have_count(1)


def test_shapes_are_hidden_by_key_by_label_and_by_score(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor, SECOND)
    shown = visitor.locator("[data-shapes] > g:not([hidden])")
    expect(shown).to_have_count(2)
    visitor.keyboard.press("h")
    expect(shown).to_have_count(0)
    visitor.keyboard.press("h")
    expect(shown).to_have_count(2)
    # First how many: an expectation of one element fails at once where there are two.
    visitor.get_by_role("checkbox", name="car").uncheck()
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute("aria-label", re.compile("^person"))
    visitor.get_by_role("checkbox", name="car").check()
    expect(shown).to_have_count(2)
    visitor.get_by_role("slider").fill("0.5")
    expect(shown).to_have_count(1)
    expect(shown).to_have_attribute("aria-label", re.compile("^person"))
    expect(visitor.locator("[data-shape-count]")).to_have_text("1 of 2 shown")


def test_the_neighbours_are_those_of_the_filter_and_the_address_follows(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor, query="?label=person&sort=highest-score")
    expect(visitor.locator("[data-place]")).to_have_text("2 of 3")
    visitor.keyboard.press("k")
    expect(visitor.get_by_role("heading", level=1)).to_have_text(SECOND)
    expect(visitor).to_have_url(seen.href(SECOND, "?label=person&sort=highest-score"))
    expect(visitor.locator("[data-place]")).to_have_text("1 of 3")
    for path in (FIRST, THIRD):
        visitor.get_by_role("link", name="Next image").click()
        expect(visitor.get_by_role("heading", level=1)).to_have_text(path)
    visitor.go_back()
    expect(visitor.get_by_role("heading", level=1)).to_have_text(FIRST)
    seen.open(visitor, SECOND, query="?name=c.png")
    expect(visitor.locator("[data-place]")).to_have_text("not among the 1 of the filter")
    visitor.keyboard.press("ArrowRight")
    expect(visitor.get_by_role("heading", level=1)).to_have_text(THIRD)


def test_zoom_by_wheel_and_keys_keeps_shapes_on_the_image(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor, SECOND)
    # The first drawn is the larger one or, of equal ones, the first: at 20, 40 in pixels of the image.
    both = visitor.locator("[data-picture]").or_(visitor.locator("[data-shapes] > g:first-of-type rect"))
    for act in ("wheel", "+", "-", "0"):
        if act == "wheel":
            visitor.locator("[data-stage]").hover()
            visitor.mouse.wheel(0, -400)
        else:
            visitor.keyboard.press(act)
        whole, part = places_of(both)
        scale = whole[2] / WIDTH
        assert part[0] == pytest.approx(whole[0] + 20 * scale, abs=4)
        assert part[2] == pytest.approx(50 * scale, abs=6)


def test_a_photograph_is_shown_upright(visitor: Page, seen: Viewing, tmp_path: Path) -> None:
    turned = Image.new("RGB", (40, 80), (200, 30, 30))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    seen.client.imports.run(tmp_path, ImportOptions(to="turned/v1"))
    (asset,) = seen.client.assets.list("turned/v1")
    visitor.goto(f"{seen.server.url}/datasets/turned/v1/assets/{asset.id}")
    image = visitor.locator("[data-picture] img").last
    expect(image).to_have_js_property("naturalWidth", 80)
    [(_, _, width, height)] = places_of(visitor.locator("[data-picture]"))
    assert width == pytest.approx(2 * height, rel=0.01)
    expect(visitor.locator("[data-no-shapes]")).to_be_visible()


def test_a_locked_version_can_be_looked_at_only(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/locked")
    seen.client.versions.lock("street/locked")
    seen.open(visitor, version="street/locked")
    expect(visitor.get_by_text("street/locked is locked")).to_be_visible()
    expect(visitor.get_by_role("button", name="Save")).to_have_count(0)
    visitor.keyboard.press("]")
    visitor.keyboard.press("Delete")
    visitor.keyboard.press("a")
    visitor.keyboard.press("ArrowUp")
    expect(visitor.locator("[data-shape-list] > li")).to_have_count(len(KINDS))
    expect(visitor.locator("[data-state]")).to_have_text("")


def test_shapes_are_reviewed_one_by_one_and_all_that_are_shown(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/reviewed")
    seen.open(visitor, SECOND, version="street/reviewed")
    expect(visitor.locator("[data-waiting]")).to_have_text("2 of 2 to review")
    visitor.get_by_role("button", name=re.compile("^Accept car")).click()
    visitor.get_by_role("slider").fill("0.95")
    visitor.keyboard.press("Shift+R")
    expect(visitor.locator("[data-said]")).to_have_text("No prediction that is shown waits for a review.")
    visitor.get_by_role("slider").fill("0")
    visitor.get_by_role("button", name="Reject all shown").click()
    saved(visitor)
    newest = next(iter(seen.client.versions.history("street/reviewed")))
    assert (newest.summary, newest.author) == ("2 reviewed", "member")
    asset = seen.asset(SECOND, version="street/reviewed")
    reviews = {annotation.label: annotation.review for annotation in asset.annotations}
    assert reviews == {"car": "accepted", "person": "rejected"}


def test_all_predictions_of_a_filter_are_accepted_and_a_later_run_keeps_them(visitor: Page, seen: Viewing) -> None:
    visitor.goto(f"{seen.server.url}/datasets/{VERSION}/review?label=person&min_score=0.15")
    expect(visitor.locator(".card")).to_contain_text("4 predictions on 3 assets")
    visitor.get_by_role("button", name="Accept 4").click()
    visitor.wait_for_url("**/history")
    expect(visitor.get_by_role("main")).to_contain_text("Accepted the predictions on assets with a shape of Label")
    again = boxes(*((path, "person", 0.5) for path in (FIRST, SECOND, THIRD)))
    seen.predict(again, run="run_2", existing=Existing.REPLACE)
    kept = [shape for path in (FIRST, SECOND, THIRD) for shape in seen.shapes(path)]
    assert sum(review == "accepted" for _, review, _ in kept) == 4
    # One of the three is where a person has accepted the same already.
    assert sum(review == "unreviewed" for _, review, _ in kept) == 2
    visitor.goto(f"{seen.server.url}/datasets/{VERSION}/review?run_id=run_1")
    expect(visitor.get_by_text("No prediction waits for a review")).to_be_visible()


def test_a_phone_shows_everything_and_reviews(visitor: Page, seen: Viewing) -> None:
    seen.client.versions.fork(VERSION, "street/phone")
    visitor.set_viewport_size({"width": 390, "height": 800})
    seen.open(visitor, SECOND, version="street/phone")
    page_width = visitor.evaluate("document.documentElement.scrollWidth")
    assert page_width == 390
    visitor.locator("[data-shape-list]").get_by_role("button", name=re.compile("^Reject")).first.click()
    visitor.get_by_role("button", name="Save", exact=True).click()
    expect(visitor.locator("[data-toasts]")).to_contain_text("Saved as Revision")


def test_somebody_elses_image_is_not_found(page: Page, seen: Viewing) -> None:
    page.goto(f"{seen.server.url}/sign-in")
    page.get_by_label("API token").fill(seen.server.stranger.token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    for address in (seen.href(), f"{seen.server.url}/datasets/{VERSION}/review"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_violation_with_every_kind_of_shape(
    browser: Browser, seen: Viewing, scheme: Literal["light", "dark"]
) -> None:
    # Only so that axe may be brought in: the page's own policy lets nothing in.
    with opened(browser, color_scheme=scheme, bypass_csp=True) as page:
        seen.sign_in(page)
        seen.open(page)
        page.keyboard.press("]")
        page.keyboard.press("a")
        page.keyboard.press("r")
        page.add_script_tag(path=AXE)
        found = [(rule, nodes) for impact, rule, nodes in page.evaluate(RUN) if impact in SERIOUS]
    assert not found


def test_the_page_weighs_less_than_150_kilobytes(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor)
    files = visitor.evaluate("performance.getEntriesByType('resource').map((one) => [one.name, one.decodedBodySize])")
    sizes = [size for name, size in files if name.endswith((".js", ".css"))]
    assert len(sizes) > 10
    assert 20_000 < sum(sizes) < 150_000


def test_what_a_human_moved_survives_a_replacing_run(visitor: Page, seen: Viewing) -> None:
    version = "street/moved"
    seen.client.versions.fork(VERSION, version)
    seen.predict(boxes((SECOND, "car", 0.35)), version=version)
    asset = seen.asset(SECOND, version=version)
    moved = next(annotation for annotation in asset.annotations if annotation.score == 0.35)
    seen.member.annotations.move(version, asset, moved, BoundingBox(1, 2, 3, 4))
    seen.predict(boxes((SECOND, "person", 0.7)), run="run_9", existing=Existing.REPLACE, version=version)
    found = {one.id: (one.label, one.review, one.bbox) for one in seen.asset(SECOND, version=version).annotations}
    assert found[moved.id] == ("car", "edited", [1, 2, 3, 4])
    seen.open(visitor, SECOND, version=version)
    expect(visitor.locator("[data-shape-list]").get_by_role("button", name="car 0.35 box, edited")).to_be_visible()


def test_the_neighbours_are_here_before_they_are_asked_for(visitor: Page, seen: Viewing) -> None:
    following = seen.href(SECOND)
    with visitor.expect_response(following), visitor.expect_response(re.compile(seen.asset(SECOND).id + "/image")):
        seen.open(visitor, FIRST)
    asked: list[str] = []
    visitor.on("request", lambda request: asked.append(request.url))
    visitor.keyboard.press("j")
    expect(visitor.get_by_role("heading", level=1)).to_have_text(SECOND)
    assert following not in asked


def test_two_fingers_zoom_about_the_point_between_them(visitor: Page, seen: Viewing) -> None:
    seen.open(visitor, SECOND)
    picture = visitor.locator("[data-picture]")
    [(left, top, width, height)] = places_of(visitor.locator("[data-stage]"))
    [before] = places_of(picture)
    x, y = left + width / 2, top + height / 2
    touch = visitor.context.new_cdp_session(visitor)

    def fingers(kind: str, *apart: float) -> None:
        points = [{"x": x + sign * distance, "y": y, "id": sign + 1} for distance in apart for sign in (-1, 1)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 50)
    fingers("touchMove", 75)
    fingers("touchMove", 100)
    fingers("touchEnd")
    until(lambda: places_of(picture)[0][2] == pytest.approx(2 * before[2], rel=0.02), "it is twice as large")
    [after] = places_of(picture)
    assert after[0] + after[2] / 2 == pytest.approx(before[0] + before[2] / 2, abs=4)
    expect(visitor.locator("[data-state]")).to_have_text("")


def test_the_grid_leads_to_the_viewer_and_to_the_review_of_its_filter(visitor: Page, seen: Viewing) -> None:
    visitor.goto(f"{seen.server.url}/datasets/{VERSION}?label=person")
    assert visitor.get_by_role("link", name="Review predictions").get_attribute("href") == (
        f"/datasets/{VERSION}/review?label=person"
    )
    visitor.locator(".asset-grid a").first.click()
    expect(visitor.locator("[data-place]")).to_have_text("1 of 3")
    expect(visitor).to_have_url(seen.href(FIRST, "?label=person"))
