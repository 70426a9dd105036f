"""A Processing of one's own fails, is mended and run again, all of it in the browser."""

import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.product import Product, signed_in_to

IMAGES = 5
BROKEN = "shade / 0"
MENDED = "shade / 255"
CODE = f'''# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Say how bright images are."""

from collections.abc import Iterator

from pixmill.authoring import Batch, Change, processing


@processing(kind="tagging", batch_size=2)
class SayBrightness:
    """Tag every image with how bright it is."""

    def __call__(self, batch: Batch) -> Iterator[Change]:
        print("this is the first code", flush=True)
        for asset, image in zip(batch.assets, batch.images, strict=True):
            shade = int(image.mean())
            yield asset.tag(f"bright-{{round({BROKEN}, 1)}}")
'''


@pytest.fixture(scope="module")
def product(installed_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Five plain images in `mended/v1`."""
    folder = tmp_path_factory.mktemp("plain")
    for number in range(IMAGES):
        Image.new("RGB", (64, 48), (50 * number, 50 * number, 50 * number)).save(folder / f"{number}.png")
    installed_product.require("datasets", "import", str(folder), "--to", "mended/v1")
    return installed_product


def test_a_processing_that_fails_is_mended_and_run_again_in_the_browser(page: Page, product: Product) -> None:
    before = product.ask("datasets", "show", "mended/v1")["revision"]
    signed_in_to(page, product)
    write(page, CODE)
    launch(page, "say-brightness", product)
    fails_with_its_stack_trace(page)
    job = page.url
    mend(page)
    page.get_by_role("link", name="mended/v1").click()
    expect(page).to_have_url(re.compile(f"{re.escape(job)}$"))
    page.get_by_role("button", name="Re-run…").click()
    page.get_by_role("dialog", name="Run it again").get_by_role("button", name="Re-run").click()
    state = page.get_by_role("region", name="State of Run 2")
    expect(state.locator(".pill")).to_have_text("succeeded")
    expect(page.get_by_role("log")).to_contain_text("this is the second code")
    is_told_what_changed(page)
    page.get_by_role("link", name="Run 1").click()
    expect(page.get_by_role("log")).to_contain_text("ZeroDivisionError")
    expect(page.locator("#run-about")).to_contain_text("say-brightness, version 1")
    # The Run that failed has left nothing.
    assert product.ask("datasets", "show", "mended/v1")["revision"] == before + 1
    page.goto(f"{product.url}/datasets/mended/v1")
    page.get_by_role("checkbox", name="bright-0.2").check()
    expect(page.get_by_role("link", name="0.png")).to_have_count(0)
    expect(page.locator(".grid-count")).to_have_text(f"1 of {IMAGES} assets")


def write(page: Page, code: str) -> None:
    page.get_by_role("link", name="Processings").click()
    page.get_by_role("link", name="New Processing").click()
    page.get_by_role("textbox", name="Or write it here").fill(code)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="say-brightness", exact=True)).to_be_visible()


def launch(page: Page, name: str, product: Product) -> None:
    page.goto(f"{product.url}/datasets/mended/v1")
    page.get_by_role("link", name="Process", exact=True).click()
    page.wait_for_url("**/process", wait_until="load")
    page.get_by_role("radio", name=name).check()
    page.get_by_role("button", name=f"Launch on {IMAGES} assets").click()
    page.wait_for_url("**/jobs/job_*")


def fails_with_its_stack_trace(page: Page) -> None:
    state = page.get_by_role("region", name="State of Run 1")
    expect(state.locator(".pill")).to_have_text("failed")
    # The last line is the first in sight; the log has it all, as the child wrote it.
    expect(page.get_by_role("heading", name="ZeroDivisionError")).to_be_in_viewport()
    expect(page.get_by_label("Stack trace").first).to_contain_text(BROKEN)
    log = page.get_by_role("log")
    expect(log).to_contain_text("this is the first code")
    expect(log).to_contain_text("Traceback (most recent call last)")
    expect(log).to_contain_text("ZeroDivisionError: division by zero")


def mend(page: Page) -> None:
    """From the failure to the code, and to the page of the Processing, which lists its Jobs."""
    page.get_by_role("link", name="Edit the code").click()
    code = page.get_by_role("textbox", name="Code")
    expect(code).to_have_value(re.compile("this is the first code"))
    code.fill(CODE.replace(BROKEN, MENDED).replace("first", "second"))
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_role("link", name="Version 2")).to_be_visible()


def is_told_what_changed(page: Page) -> None:
    about = page.locator("#run-about")
    runs = about.get_by_role("row").filter(has_text="Run ")
    expect(runs).to_have_count(2)
    expect(runs.first).to_contain_text("succeeded")
    expect(runs.last).to_contain_text("failed")
    expect(about).to_contain_text("say-brightness, version 2")
    expect(about.get_by_role("listitem").filter(has_text="code: ")).to_have_count(1)
