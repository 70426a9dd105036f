"""Every page of the route table: axe-core finds nothing serious, light or dark, and it is light to load."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.e2e.browsing import opened
from tests.e2e.every_page import HOSTILE, every_page, stock
from tests.e2e.product import Product, product_up, signed_in_to

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}
MOST_BYTES = 150_000
RUN = "async () => (await axe.run()).violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html).join(' | ')])"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Pixmill with something on every page."""
    with product_up(tmp_path_factory.mktemp("product") / "data") as product:
        stock(product, tmp_path_factory.mktemp("stock"))
        yield product


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_violation(browser: Browser, product: Product, scheme: str) -> None:
    dark = scheme == "dark"
    # Only so that axe may be brought in: the pages' own policy lets nothing in.
    with opened(browser, color_scheme="dark" if dark else "light", bypass_csp=True) as page:
        assert not _found(page, product)


def _found(page: Page, product: Product) -> list[str]:
    found = _violations(page, f"{product.url}/sign-in")
    signed_in_to(page, product)
    for path in every_page(product):
        found += _violations(page, product.url + path)
    return found


def test_every_page_brings_less_than_150_kb_of_our_own_scripts_and_styles_and_no_others(
    page: Page, product: Product
) -> None:
    # As somebody comes to it who was never here, so that nothing is taken from the browser's cache.
    page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    signed_in_to(page, product)
    loaded: list[Response] = []
    page.on("response", lambda response: loaded.append(response))  # noqa: PLW0108 - Playwright marks what it is given
    weights: dict[str, int] = {}
    for path in every_page(product):
        loaded.clear()
        answer = page.goto(product.url + path)
        if answer is None or "text/html" not in answer.headers["content-type"]:
            continue
        parts = [response for response in loaded if response.request.resource_type in {"script", "stylesheet"}]
        assert {response.url.removeprefix(product.url)[:8] for response in parts} <= {"/static/"}, path
        assert [response.url for response in parts if not response.ok] == []
        weights[path] = sum(len(response.body()) for response in parts)
    assert min(weights.values()) > 0
    assert {path: weight for path, weight in weights.items() if weight >= MOST_BYTES} == {}


def test_markup_in_names_labels_parameters_and_logs_is_text_on_every_page(page: Page, product: Product) -> None:
    signed_in_to(page, product)
    shown = set()
    for path in every_page(product):
        page.goto(product.url + path)
        if "/jobs/job_" in path and page.get_by_role("heading", name="What it wrote").count():
            expect(page.get_by_role("row").filter(has_text=HOSTILE).first).to_be_visible()
        elif "/jobs/job_" in path and not path.endswith("partial"):
            expect(page.get_by_role("log")).to_contain_text(HOSTILE)
            expect(page.get_by_role("heading", name="no luck with")).to_contain_text(HOSTILE)
            expect(page.locator("#run-about")).to_contain_text(HOSTILE)
        assert page.locator("[data-hostile]").count() == 0, path
        if HOSTILE in page.locator("body").inner_text():
            shown.add(path.rpartition("/")[0] if "/assets/" in path or "/jobs/" in path else path)
    # Each of these has something to show of it; that they do not show it as markup says nothing otherwise.
    viewer, grid, settings = "/datasets/plain/v1/assets", "/datasets/plain/v1", "/datasets/plain/v1/settings"
    assert {"/datasets", "/jobs", viewer, grid, settings} <= shown


def _violations(page: Page, address: str) -> list[str]:
    answer = page.goto(address)
    if answer is None or "text/html" not in answer.headers.get("content-type", ""):
        return []
    page.add_script_tag(path=AXE)
    return [f"{address}: {rule}: {nodes[:300]}" for impact, rule, nodes in page.evaluate(RUN) if impact in SERIOUS]
