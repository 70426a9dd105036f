"""The Assets grid in a browser: any number of assets behind one scrollbar, filters, a selection, and the keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from pixmill.annotations import BoundingBox, ColumnsBuilder
from pixmill_server.datasets import labels
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.jobs.tables import JobRow, RunRow
from pixmill_server.settings import Settings, read_settings
from server.tests.datasets.building import IMPORT, RUN, asset_rows, id_of, run_commit
from server.tests.jobs.acting import Stage
from tests.e2e.browsing import until
from tests.running_server import RunningServer, serve

ASSETS = 2000
CARS = 500
EVIL_FILE = "<img src=x onerror=alert(1)>.jpg"
EVIL_LABEL = "<script>alert(2)</script>"
PATHS = [*(f"{number:04}.jpg" for number in range(ASSETS - 1)), EVIL_FILE]
GRID = "/datasets/street/v1"
# The number of the first asset in sight, or of which the gap below is, once nothing is left to be drawn.
IN_SIGHT = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(
  [...document.querySelectorAll(".asset")].find((one) => one.getBoundingClientRect().bottom > -12)?.ariaPosInSet))))"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[RunningServer]:
    """Without a worker: what is launched stays pending."""
    settings: Settings = read_settings(
        {"PIXMILL_DATA": str(tmp_path_factory.mktemp("grid") / "data"), "PIXMILL_BUNDLE": str(bundle)}
    )
    with serve(settings) as running:
        stage = Stage(running)
        datasets, actor = running.services.datasets, running.owner.actor
        labels.add_labels(datasets, actor, stage.version_id, [EVIL_LABEL])
        picture = datasets.objects.put(b"picture")
        run_commit(datasets, stage.version_id, ChangePart(assets=asset_rows(datasets, PATHS, picture)), origin=IMPORT)
        builder = ColumnsBuilder()
        for number, path in enumerate(PATHS[:CARS]):
            builder.append(path, "car", BoundingBox(4, 4, 30, 20), score=number / CARS)
        builder.append(EVIL_FILE, EVIL_LABEL, BoundingBox(4, 4, 30, 20), score=1)
        run_commit(datasets, stage.version_id, ChangePart(annotations=builder.build()), origin=RUN)
        yield running


@pytest.fixture
def grid(signed_in: Page, server: RunningServer) -> Page:
    """The grid with all assets, on a page without a selection."""
    signed_in.goto(f"{server.url}{GRID}")
    expect(signed_in.locator(".asset").first).to_be_visible()
    return signed_in


def launched(server: RunningServer) -> tuple[dict[str, str], int]:
    """Scope and number of assets of the newest Job."""
    with server.services.database.reading() as session:
        job = session.query(JobRow).order_by(JobRow.created_at.desc(), JobRow.id.desc()).first()
        assert job is not None
        return job.scope, session.query(RunRow).filter_by(job_id=job.id).one().assets


def columns_of(page: Page) -> int:
    count = "getComputedStyle(document.querySelector('.asset-grid')).gridTemplateColumns.split(' ').length"
    return int(page.evaluate(count))


def test_the_page_is_as_high_as_all_assets_and_holds_only_those_in_sight(grid: Page) -> None:
    total = ASSETS + 6
    columns = columns_of(grid)
    height = grid.evaluate("document.documentElement.scrollHeight")
    row = grid.evaluate("document.querySelector('.asset').getBoundingClientRect().height")
    assert height > total / columns * row
    for share in (1, 0.5, 0.25):
        grid.evaluate("share => scrollTo(0, document.documentElement.scrollHeight * share)", share)
        expect(grid.locator(".asset.waits")).to_have_count(0)
        expect(grid.locator(".asset").first).to_be_visible()
        assert grid.locator(".asset").count() < 80
    in_sight = str(grid.evaluate(IN_SIGHT))
    # A quarter of the way: what was remembered on the way there is not what is waited for.
    until(lambda: grid.evaluate("history.state?.firstAsset") == int(in_sight) - 1, "the place is remembered")
    assert "page=" in grid.url
    grid.reload()
    expect(grid.locator(f".asset[aria-posinset='{in_sight}']")).to_be_in_viewport()


def test_only_the_filter_is_processed(grid: Page, server: RunningServer) -> None:
    grid.get_by_role("checkbox", name="car", exact=False).first.check()
    expect(grid.locator(".grid-count")).to_have_text(f"{CARS} of 2\u202f006 assets")
    grid.get_by_label("Score at least").fill("0.9")
    expect(grid.locator(".grid-count")).to_have_text("50 of 2\u202f006 assets")
    assert grid.url.endswith("label=car&min_score=0.9")
    grid.get_by_role("link", name="Process 50 of").click()
    grid.get_by_role("radio", name="annotate").check()
    grid.get_by_role("button", name="Launch on 50 assets").click()
    grid.wait_for_url("**/jobs/job_*")
    assert launched(server) == ({"filter": "label=car&min_score=0.9"}, 50)


def test_a_selection_of_a_click_and_a_range_is_processed(grid: Page, server: RunningServer) -> None:
    boxes = grid.locator(".asset-pick input")
    boxes.nth(0).click()
    grid.evaluate("scrollTo(0, 9000)")
    expect(grid.locator(".asset[aria-posinset='1']")).to_have_count(0)
    expect(grid.locator('.asset[aria-posinset="11"]')).to_have_count(0)
    expect(grid.locator(".asset.waits")).to_have_count(0)
    place = int(grid.evaluate(IN_SIGHT)) + 2 * columns_of(grid) + 2
    grid.locator(f".asset[aria-posinset='{place}'] .asset-pick input").click(modifiers=["Shift"])
    expect(grid.locator("[data-selected-count]")).to_have_text(f"{place} selected")
    grid.locator(f".asset[aria-posinset='{place - 1}'] .asset-pick input").click()
    expect(grid.locator("[data-selected-count]")).to_have_text(f"{place - 1} selected")
    grid.get_by_role("button", name="Process selection").click()
    grid.get_by_role("radio", name="annotate").check()
    grid.get_by_role("button", name=f"Launch on {place - 1} assets").click()
    grid.wait_for_url("**/jobs/job_*")
    assert launched(server)[1] == place - 1


def test_all_of_the_filter_but_one_can_be_selected_and_shown(grid: Page, server: RunningServer) -> None:
    grid.goto(f"{server.url}{GRID}?label=car")
    grid.locator(".asset-pick input").nth(3).click()
    grid.get_by_role("button", name="Select all").click()
    expect(grid.locator("[data-selected-count]")).to_have_text(f"{CARS} selected")
    grid.locator(".asset-pick input").nth(0).click()
    expect(grid.locator("[data-selected-count]")).to_have_text(f"{CARS - 1} selected")
    grid.get_by_role("button", name="Show only these").click()
    grid.wait_for_url("**selection=sel_*")
    expect(grid.locator(".grid-count")).to_have_text(f"{CARS - 1} of 2\u202f006 assets")


def test_the_grid_is_walked_picked_and_opened_with_the_keyboard(grid: Page) -> None:
    grid.locator(".asset-link[tabindex='0']").focus()
    for key, place in (("ArrowRight", "2"), ("ArrowRight", "3"), ("ArrowLeft", "2"), ("End", "2006"), ("Home", "1")):
        grid.keyboard.press(key)
        expect(grid.locator(f".asset[aria-posinset='{place}'] .asset-link")).to_be_focused()
    columns = columns_of(grid)
    for row in range(1, 13):
        grid.keyboard.press("ArrowDown")
        expect(grid.locator(f".asset[aria-posinset='{1 + row * columns}'] .asset-link")).to_be_focused()
    grid.keyboard.press("Space")
    expect(grid.locator("[data-selected-count]")).to_have_text("1 selected")
    grid.keyboard.press("Escape")
    expect(grid.locator("#selection")).to_be_hidden()
    grid.keyboard.press("Enter")
    grid.wait_for_url(f"**{GRID}/assets/*")


def test_keys_that_are_faster_than_the_tiles_walk_on(grid: Page) -> None:
    grid.locator(".asset-link[tabindex='0']").focus()
    never: list[Route] = []
    grid.route("**/window?*", lambda route: never.append(route))  # noqa: PLW0108 - Playwright takes no built-in method
    grid.keyboard.press("End")
    expect(grid.locator(".asset.waits").first).to_be_visible()
    for key in ("ArrowUp", "ArrowUp", "Home"):
        grid.keyboard.press(key)
    expect(grid.locator(".asset[aria-posinset='1'] .asset-link")).to_be_focused()


def test_file_names_and_labels_with_html_are_text(grid: Page, server: RunningServer) -> None:
    alerts: list[str] = []
    grid.on("dialog", lambda dialog: alerts.append(dialog.message))
    expect(grid.get_by_text(EVIL_LABEL, exact=True)).to_be_visible()
    grid.get_by_label("File name").fill("<img")
    expect(grid.locator(".grid-count")).to_have_text("1 of 2\u202f006 assets")
    expect(grid.locator(".asset-name")).to_have_text(EVIL_FILE)
    expect(grid.locator(f"[data-id='{id_of(EVIL_FILE)}'] title")).to_have_text(f"{EVIL_LABEL} 1.00")
    grid.goto(f"{server.url}{GRID}/process?where=name%3D%253Cimg&processing=annotate")
    expect(grid.locator(".summary")).to_contain_text("Launch on 1 asset")
    assert alerts == []


def test_the_grid_works_page_by_page_without_a_script(browser: Browser, server: RunningServer) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.url}/sign-in")
    page.get_by_label("API token").fill(server.owner.token)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{server.url}{GRID}?label=car")
    assert page.locator(".asset").count() == 60
    page.get_by_role("link", name="Next page").click()
    assert page.locator(".asset").first.get_attribute("aria-posinset") == "61"
    page.locator(".asset-pick input").nth(1).check()
    page.get_by_role("button", name="Process selection").click()
    page.get_by_role("radio", name="annotate").check()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Launch on 1 asset").click()
    assert "/jobs/job_" in page.url
    assert launched(server)[1] == 1
    context.close()
