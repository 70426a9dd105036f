"""A real browser: every test that takes `page` also fails on a console error or a violated content security policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pixmill import Client
from pixmill_server.settings import read_settings
from tests.e2e.browsing import PATIENCE_SECONDS, opened
from tests.e2e.chromium import ARGUMENTS
from tests.e2e.places import place
from tests.e2e.product import Product, product_up
from tests.running_server import RunningServer, serve, server, server_settings

__all__ = ["place", "server", "server_settings"]

# An answer of 4xx to a page is what some tests are about; the browser logs it as an error.
EXPECTED = "Failed to load resource: the server responded with a status of 4"


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Chromium, without a window; one a module, because while it is there no other event loop can be."""
    expect.set_options(timeout=1000 * PATIENCE_SECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[RunningServer]:
    """For stories that each make a Dataset of their own: their module's `server` is this one."""
    data = tmp_path_factory.mktemp("data")
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    """As the owner, from this process."""
    with Client(server.url, server.owner.token) as opened:
        yield opened


@pytest.fixture(scope="session")
def installed_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`pixmill up`, one for all stories that leave it as it is: each works on a Dataset of its own name."""
    with product_up(tmp_path_factory.mktemp("installed") / "data") as product:
        yield product


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of 1280 x 800 that nobody has signed in."""
    with opened(browser, viewport={"width": 1280, "height": 800}) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        assert [complaint for complaint in complaints if not complaint.startswith(EXPECTED)] == []


@pytest.fixture
def signed_in(page: Page, server: RunningServer) -> Page:
    """The page, signed in as the owner, on the Datasets."""
    page.goto(f"{server.url}/sign-in")
    page.get_by_label("API token").fill(server.owner.token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    return page
