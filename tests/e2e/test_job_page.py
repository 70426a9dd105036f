"""A Job in the browser: its live log, its states, its failure, and Re-run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.product import Product, product_up
from tests.gates import WAIT, gate_in

HEADER = """# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""
TAGS = f'''{HEADER}"""Print a line for every image, and wait at a gate after the first."""

from collections.abc import Iterator

from pixmill.authoring import Batch, Change, processing

{WAIT}

@processing(kind="tagging", batch_size=1)
class SlowTag:
    """Tag every image."""

    def __init__(self, *, gate: str = "") -> None:
        self.gate = gate

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset in batch.assets:
            print("looking at <b>" + asset.path + "</b>")
            wait_at(self.gate)
            yield asset.tag("seen")
'''
RAISES = TAGS.replace("wait_at(self.gate)", 'raise ValueError("no <i>luck</i>")').replace("SlowTag", "Unlucky")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Pixmill with twelve plain images in `plain/v1` and the two Processings pushed."""
    folder = tmp_path_factory.mktemp("plain")
    for number in range(12):
        Image.new("RGB", (64, 48), (20 * number, 90, 160)).save(folder / f"{number:02}.png")
    code = tmp_path_factory.mktemp("code")
    (code / "slow_tag.py").write_text(TAGS)
    (code / "unlucky.py").write_text(RAISES)
    with product_up(tmp_path_factory.mktemp("product") / "data") as product:
        product.require("datasets", "import", str(folder), "--to", "plain/v1")
        product.require("processings", "push", str(code / "slow_tag.py"))
        product.require("processings", "push", str(code / "unlucky.py"))
        yield product


@pytest.fixture
def signed_in(page: Page, product: Product) -> Page:
    """The page, signed in with the token of this machine."""
    page.goto(f"{product.url}/sign-in")
    page.get_by_label("API token").fill((product.data / "local-token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    return page


def test_log_lines_arrive_while_the_run_is_running_and_stay_text(signed_in: Page, product: Product) -> None:
    with gate_in(product.data / "environments") as gate:
        job = product.ask("jobs", "launch", "slow-tag", "plain/v1", "-p", f"gate={gate.name}")
        signed_in.goto(f"{product.url}/jobs/{job['id']}")
        log = signed_in.get_by_role("log")
        expect(log).to_contain_text("looking at <b>00.png</b>")
        expect(signed_in.locator(".pill").first).to_have_text("running")
    expect(log).to_contain_text("looking at <b>11.png</b>")
    expect(signed_in.locator(".pill").first).to_have_text("succeeded")


def test_a_failure_shows_its_stack_trace_and_a_rerun_is_listed(signed_in: Page, product: Product) -> None:
    job = product.ask("jobs", "launch", "unlucky", "plain/v1")
    product.run("jobs", "wait", job["id"])
    signed_in.goto(f"{product.url}/jobs/{job['id']}")
    expect(signed_in.locator("#error-title")).to_contain_text("no <i>luck</i>")
    expect(signed_in.get_by_label("Stack trace")).to_contain_text("Traceback")
    signed_in.get_by_role("button", name="Re-run…").click()
    signed_in.get_by_role("button", name="Re-run", exact=True).click()
    expect(signed_in.get_by_role("link", name="Run 2")).to_be_visible()
    product.run("jobs", "wait", job["id"])
    signed_in.goto(f"{product.url}/jobs")
    expect(signed_in.get_by_role("row").nth(1)).to_contain_text("failed")


def test_the_grid_shows_every_asset_and_goes_on_at_its_end(signed_in: Page, product: Product) -> None:
    signed_in.goto(f"{product.url}/datasets/plain/v1")
    expect(signed_in.locator(".asset")).to_have_count(12)
    image = signed_in.locator(".asset img").first
    href = image.get_attribute("src")
    assert href is not None
    assert signed_in.request.get(f"{product.url}{href}").ok
    assert Path(href.partition("?")[0]).name == "thumbnail"


def test_a_processing_is_launched_from_the_version_it_works_on(signed_in: Page, product: Product) -> None:
    signed_in.goto(f"{product.url}/datasets/plain/v1")
    signed_in.get_by_role("link", name="Process", exact=True).click()
    signed_in.wait_for_url("**/process", wait_until="load")
    signed_in.get_by_role("radio", name="slow-tag").check()
    signed_in.get_by_label("batch_size").fill("0")
    signed_in.locator("form[data-process]").evaluate("form => form.noValidate = true")
    signed_in.get_by_role("button", name="Launch").click()
    expect(signed_in.get_by_role("alert")).to_contain_text("batch_size")
    signed_in.get_by_label("batch_size").fill("2")
    signed_in.get_by_label("batch_size").blur()
    expect(signed_in.locator(".facts")).to_contain_text("12 of 12")
    signed_in.get_by_role("button", name="Launch").click()
    signed_in.wait_for_url("**/jobs/job_*")
    expect(signed_in.locator(".pill").first).to_have_text("succeeded")


def test_going_back_to_a_revision_undoes_what_a_run_has_done(signed_in: Page, product: Product) -> None:
    product.require("datasets", "fork", "plain/v1@2", "plain/undone")
    before = product.ask("datasets", "show", "plain/undone")["counts"]
    job = product.ask("jobs", "launch", "slow-tag", "plain/undone", "-p", "batch_size=4")
    product.require("jobs", "wait", job["id"])
    signed_in.goto(f"{product.url}/datasets/plain/undone/history")
    signed_in.get_by_role("button", name="Go back to Revision 1").click()
    expect(signed_in.get_by_text("Reverted to revision 1")).to_be_visible()
    expect(signed_in.get_by_role("row").nth(1)).to_contain_text("shown now")
    assert product.ask("datasets", "show", "plain/undone")["counts"] == before
