"""The live log in the browser: follows, pauses, finds, links, and goes on where it was when the server comes back."""

import re
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import opened
from tests.e2e.product import Product, product_up
from tests.gates import WAIT, gate_in

PRINTS = (
    '''"""Print some lines, wait at a gate, and print the rest."""

import sys
import time

from pixmill.authoring import Context, DatasetVersion, processing

'''
    + WAIT
    + '''

@processing(kind="tagging")
def print_lines(
    ctx: Context, dataset: DatasetVersion, *, lines: int = 1000, pause: float = 0.0, gate: str = ""
) -> None:
    """Prints numbered lines."""
    for number in range(1, lines + 1):
        print(f"line {number} of a log", flush=True)
        time.sleep(pause)
        if number == 100:
            wait_at(gate)
    for percent in (10, 50, 100):
        sys.stdout.write(f"\\r\\x1b[32m{percent:3} %\\x1b[0m")
    print()
'''
)
SHOWN = """async (view) => {
  const found = new Map();
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  for (let top = 0; top < view.scrollHeight + view.clientHeight; top += view.clientHeight) {
    view.scrollTop = top;
    await frame();
    for (const row of view.querySelectorAll(".log-line:not(.event)")) {
      found.set(Number(row.querySelector("a").textContent), row.querySelector("span")?.textContent ?? "");
    }
  }
  return [...found].sort((a, b) => a[0] - b[0]).map((pair) => pair[1]);
}"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Pixmill with one image and a Processing that prints."""
    folder = tmp_path_factory.mktemp("plain")
    Image.new("RGB", (64, 48), (20, 90, 160)).save(folder / "one.png")
    source = tmp_path_factory.mktemp("code") / "print_lines.py"
    source.write_text(PRINTS)
    with product_up(tmp_path_factory.mktemp("product") / "data") as product:
        product.require("datasets", "import", str(folder), "--to", "plain/v1")
        product.require("processings", "push", str(source))
        yield product


def sign_in(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/sign-in")
    page.get_by_label("API token").fill((product.data / "local-token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")


@pytest.fixture(scope="module")
def finished(product: Product) -> str:
    """The id of a Job that printed a thousand lines and a progress bar."""
    job = product.ask("jobs", "launch", "print-lines", "plain/v1")
    product.require("jobs", "wait", job["id"])
    return str(job["id"])


def test_every_line_is_there_once_and_a_progress_bar_in_place(page: Page, product: Product, finished: str) -> None:
    sign_in(page, product)
    page.goto(f"{product.url}/jobs/{finished}")
    expect(page.locator("[data-log-state]")).to_have_text("complete")
    log = page.get_by_role("log")
    expect(log).to_contain_text("100 %")
    expect(log).not_to_contain_text("50 %")
    shown = log.evaluate(SHOWN)
    assert shown == [*(f"line {number} of a log" for number in range(1, 1001)), "100 %"]
    assert page.locator(".log-line").count() < 200


def test_it_pauses_when_scrolled_up_and_text_is_found(page: Page, product: Product, finished: str) -> None:
    sign_in(page, product)
    page.goto(f"{product.url}/jobs/{finished}")
    expect(page.locator("[data-log-state]")).to_have_text("complete")
    follow = page.get_by_label("Follow")
    expect(follow).to_be_checked()
    page.get_by_role("log").focus()
    page.keyboard.press("Home")
    expect(follow).not_to_be_checked()
    expect(page.get_by_role("log")).to_contain_text("line 1 of a log")
    page.get_by_placeholder("Search, then Enter").fill("LINE 777 of")
    page.keyboard.press("Enter")
    expect(page.locator(".log-line.found")).to_contain_text("line 777 of a log")
    expect(page.locator("[data-log-found]")).to_have_text("line 777")


def test_an_address_names_a_line_and_times_are_shown_when_asked_for(
    page: Page, product: Product, finished: str
) -> None:
    sign_in(page, product)
    page.goto(f"{product.url}/jobs/{finished}#line-500")
    expect(page.locator(".log-line.found")).to_contain_text("line 500 of a log")
    page.goto(f"{product.url}/jobs/{finished}#byte-20")
    expect(page.locator(".log-line.found")).to_contain_text("line 2 of a log")
    assert not page.locator(".log-line.found time").count()
    page.get_by_label("Times").check()
    expect(page.locator(".log-line.found time")).to_have_text(re.compile(r"\d\d:\d\d:\d\d\.\d"))


def test_a_followed_log_goes_on_after_a_restart_of_the_server_without_gap_or_repeat(
    browser: Browser, product: Product
) -> None:
    # A page of its own: of what it cannot reach meanwhile the browser complains.
    environments = product.data / "environments"
    with opened(browser, viewport={"width": 1280, "height": 800}) as page, gate_in(environments) as gate:
        sign_in(page, product)
        parameters = ("lines=400", "pause=0.02", f"gate={gate.name}")
        options = [word for parameter in parameters for word in ("-p", parameter)]
        job = product.ask("jobs", "launch", "print-lines", "plain/v1", *options)
        page.goto(f"{product.url}/jobs/{job['id']}")
        expect(page.get_by_role("log")).to_contain_text("line 100 of a log")
        gate.open()
        with product.killed_and_started_again():
            expect(page.locator("[data-log-state]")).to_have_text("complete")
            shown = page.get_by_role("log").evaluate(SHOWN)
            assert shown == [*(f"line {number} of a log" for number in range(1, 401)), "100 %"]
