"""The list of Jobs and what one does with a Job: filter, cancel, re-run with edited Parameters."""

from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.product import Product, product_up

COUNTS = '''# /// script
# dependencies = []
# ///
"""Say a word for every image."""

import time
from collections.abc import Iterator

from pixmill.authoring import Batch, Change, processing


@processing(kind="tagging", batch_size=1)
class Count:
    """Say a word for every image.

    Args:
        word: what is said.
        seconds: how long each image takes.
        tag: what each image is tagged with.
    """

    def __init__(self, *, word: str = "<b>one</b>", seconds: float = 0.0, tag: str = "seen") -> None:
        self.word, self.seconds, self.tag = word, seconds, tag

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset in batch.assets:
            if asset.path == "2.png":
                raise ValueError("no <i>luck</i>")
            print(self.word, flush=True)
            time.sleep(self.seconds)
            yield asset.tag(self.tag)
'''


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Pixmill with two versions of four plain images, and a Processing that one of them defeats."""
    folder = tmp_path_factory.mktemp("plain")
    for number in range(4):
        Image.new("RGB", (64, 48), (40 * number, 90, 160)).save(folder / f"{number}.png")
    code = tmp_path_factory.mktemp("code") / "count.py"
    code.write_text(COUNTS)
    with product_up(tmp_path_factory.mktemp("product") / "data") as product:
        product.require("datasets", "import", str(folder), "--to", "plain/v1")
        product.require("datasets", "fork", "plain/v1", "plain/v2")
        product.require("processings", "push", str(code))
        yield product


@pytest.fixture
def signed_in(page: Page, product: Product) -> Page:
    """The page, signed in with the token of this machine."""
    page.goto(f"{product.url}/sign-in")
    page.get_by_label("API token").fill((product.data / "local-token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    return page


def test_jobs_are_filtered_by_an_address_that_can_be_shared(signed_in: Page, product: Product) -> None:
    first = product.ask("jobs", "launch", "count", "plain/v1")
    second = product.ask("jobs", "launch", "count", "plain/v2")
    for job in (first, second):
        product.run("jobs", "wait", job["id"])
    signed_in.goto(f"{product.url}/jobs")
    expect(signed_in.get_by_role("row")).to_have_count(3)
    signed_in.get_by_label("Version").select_option("plain/v2")
    signed_in.wait_for_url("**/jobs?version=plain%2Fv2")
    expect(signed_in.get_by_role("row")).to_have_count(2)
    expect(signed_in.get_by_role("row").nth(1)).to_contain_text(second["id"])
    signed_in.get_by_role("link", name="Cancelled").click()
    expect(signed_in.get_by_role("heading", name="No such Jobs")).to_be_visible()


def test_the_list_shows_what_happens_to_jobs_without_being_loaded_again(signed_in: Page, product: Product) -> None:
    signed_in.goto(f"{product.url}/jobs?processing=count")
    signed_in.evaluate("window.isTheSamePage = true")
    job = product.ask("jobs", "launch", "count", "plain/v1", "-p", "seconds=600")
    row = signed_in.get_by_role("row").filter(has_text=job["id"])
    expect(row.locator(".pill")).to_have_text("running")
    product.run("jobs", "cancel", job["id"])
    expect(row.locator(".pill")).to_have_text("cancelled")
    assert signed_in.evaluate("window.isTheSamePage")


def test_the_list_is_asked_for_again_and_again_where_its_stream_cannot_be_had(
    signed_in: Page, product: Product
) -> None:
    signed_in.route("**/live", lambda route: route.fulfill(status=404))
    signed_in.goto(f"{product.url}/jobs?processing=count")
    job = product.ask("jobs", "launch", "count", "plain/v2")
    product.run("jobs", "wait", job["id"])
    expect(signed_in.get_by_role("row").filter(has_text=job["id"])).to_contain_text("1 of 4 failed")


def test_a_page_that_nobody_sees_gives_its_connection_back(signed_in: Page, product: Product) -> None:
    with signed_in.expect_request("**/live") as asked:
        signed_in.goto(f"{product.url}/jobs")
    stream = asked.value
    hide = "hidden => Object.defineProperty(document, 'hidden', {value: hidden, configurable: true})"
    tell = "() => document.dispatchEvent(new Event('visibilitychange'))"
    with signed_in.expect_event("requestfailed", lambda request: request is stream):
        signed_in.evaluate(hide, True)
        signed_in.evaluate(tell)
    with signed_in.expect_request("**/live"):
        signed_in.evaluate(hide, False)
        signed_in.evaluate(tell)


def test_a_status_that_is_none_is_refused_with_those_there_are(signed_in: Page, product: Product) -> None:
    signed_in.goto(f"{product.url}/jobs?status=sleeping")
    expect(signed_in.locator("main")).to_contain_text("No Job is 'sleeping'")
    expect(signed_in.locator("main")).to_contain_text("pending, running")


def test_a_running_job_is_cancelled_on_its_page_and_run_again_with_edited_parameters(
    signed_in: Page, product: Product
) -> None:
    job = product.ask("jobs", "launch", "count", "plain/v1", "-p", "seconds=600")
    signed_in.goto(f"{product.url}/jobs/{job['id']}")
    expect(signed_in.get_by_role("log")).to_contain_text("<b>one</b>")
    signed_in.get_by_role("button", name="Cancel", exact=True).click()
    signed_in.get_by_role("button", name="Cancel the Run").click()
    expect(signed_in.locator(".pill").first).to_have_text("cancelled")
    signed_in.get_by_role("button", name="Re-run…").click()
    expect(signed_in.get_by_label("seconds")).to_have_value("600.0")
    signed_in.get_by_label("seconds").fill("0")
    signed_in.get_by_label("word").fill("<i>two</i>")
    signed_in.get_by_role("button", name="Re-run", exact=True).click()
    expect(signed_in.get_by_role("log")).to_contain_text("<i>two</i>")
    expect(signed_in.get_by_role("link", name="Run 2")).to_be_visible()
    expect(signed_in.locator("#run-about")).to_contain_text("word: <b>one</b> -> <i>two</i>")


def test_what_is_wrong_with_edited_parameters_is_said_where_they_are(signed_in: Page, product: Product) -> None:
    job = product.ask("jobs", "launch", "count", "plain/v1")
    product.run("jobs", "wait", job["id"])
    signed_in.goto(f"{product.url}/jobs/{job['id']}")
    signed_in.get_by_role("button", name="Re-run…").click()
    signed_in.get_by_label("batch_size").fill("-3")
    signed_in.locator("#rerun form").evaluate("form => form.noValidate = true")
    signed_in.get_by_role("button", name="Re-run", exact=True).click()
    expect(signed_in.get_by_role("dialog").get_by_role("alert")).to_contain_text("batch_size")
    expect(signed_in.get_by_label("batch_size")).to_have_value("-3")


def test_the_assets_that_failed_are_links_with_their_reason(signed_in: Page, product: Product) -> None:
    job = product.ask("jobs", "launch", "count", "plain/v2")
    product.run("jobs", "wait", job["id"])
    signed_in.goto(f"{product.url}/jobs/{job['id']}")
    row = signed_in.locator("#outcomes").get_by_role("row").nth(1)
    expect(row).to_contain_text("no <i>luck</i>")
    assert "/datasets/plain/v2/assets/" in (row.get_by_role("link", name="2.png").first.get_attribute("href") or "")
    row.get_by_role("link", name="2.png in the log").click()
    expect(signed_in.locator(".log-line.found")).to_be_in_viewport()
    row.locator("summary").click()
    expect(row.get_by_label("Where 2.png failed")).to_contain_text("Traceback")


def test_what_a_run_takes_is_drawn_while_it_goes_on_and_said_where_one_points(
    signed_in: Page, product: Product
) -> None:
    job = product.ask("jobs", "launch", "count", "plain/v1", "-p", "seconds=600")
    signed_in.goto(f"{product.url}/jobs/{job['id']}")
    expect(signed_in.get_by_role("img", name="Memory over time")).to_be_visible()
    chart = signed_in.locator("figure").filter(has_text="Memory")
    expect(chart.locator("[data-chart-said]")).to_contain_text("now")
    table = signed_in.get_by_role("region", name="What Run 1 took over time")
    signed_in.get_by_text("Over time as a table").click()
    rows = table.get_by_role("row").count()
    # The Run lives on, and whoever has opened the table keeps it open.
    expect(table.get_by_role("row").nth(rows)).to_be_visible()
    product.run("jobs", "cancel", job["id"])
    expect(signed_in.locator(".pill").first).to_have_text("cancelled")
    chart.locator(".plot").hover()
    expect(chart.locator("[data-chart-said]")).to_contain_text(" at 0:")


def test_what_a_cancelled_run_had_done_is_looked_at_and_gone_on_with(signed_in: Page, product: Product) -> None:
    job = product.ask("jobs", "launch", "count", "plain/v2", "-p", "seconds=600", "--existing", "add")
    signed_in.goto(f"{product.url}/jobs/{job['id']}")
    expect(signed_in.get_by_role("log")).to_contain_text("<b>one</b>")
    product.run("jobs", "cancel", job["id"])
    expect(signed_in.get_by_role("heading", name="What it had done before it ended")).to_be_visible()
    signed_in.get_by_role("link", name="Look at it").click()
    expect(signed_in.get_by_role("heading", name="What Run 1 had done")).to_be_visible()
    signed_in.go_back()
    signed_in.get_by_role("button", name="Resume").click()
    expect(signed_in.get_by_role("link", name="Run 2")).to_be_visible()
    product.run("jobs", "cancel", job["id"])


def test_partial_results_are_committed_or_dropped_on_purpose(signed_in: Page, product: Product) -> None:
    before = product.ask("datasets", "show", "plain/v2")["revision"]
    for act, revision in (("Drop", before), ("Commit", before + 1)):
        job = product.ask("jobs", "launch", "count", "plain/v2", "--on-failure", "stop", "-p", f"tag={act}")
        product.run("jobs", "wait", job["id"])
        signed_in.goto(f"{product.url}/jobs/{job['id']}/partial")
        expect(signed_in.get_by_role("list", name="Assets").get_by_role("listitem")).not_to_have_count(0)
        signed_in.get_by_role("button", name=f"{act}…").click()
        signed_in.get_by_role("button", name=act, exact=True).click()
        expect(signed_in.locator("main")).to_contain_text(f"What it had done before it ended was {act.lower()}")
        assert product.ask("datasets", "show", "plain/v2")["revision"] == revision
