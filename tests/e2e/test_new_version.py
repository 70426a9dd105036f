"""A new version is made of a locked one, from the grid; where its name is taken, the form says so beside the field."""

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.product import Product, signed_in_to

DATASET = "copied"
VERSION = f"{DATASET}/v1"
NAMES = ("a.png", "b.png")


@pytest.fixture(scope="module")
def product(installed_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A locked version of two images, and one that has the next name."""
    images = tmp_path_factory.mktemp("copied") / "images"
    images.mkdir()
    for shade, name in enumerate(NAMES):
        Image.new("RGB", (64, 48), (90 * shade, 90, 160)).save(images / name)
    installed_product.require("datasets", "import", str(images), "--to", VERSION)
    installed_product.require("datasets", "fork", VERSION, f"{DATASET}/v2")
    installed_product.require("datasets", "lock", VERSION)
    return installed_product


def test_a_locked_version_is_processed_into_a_new_one_whose_name_is_free(page: Page, product: Product) -> None:
    signed_in_to(page, product)
    page.goto(f"{product.url}/datasets/{VERSION}")
    page.get_by_role("link", name="Process", exact=True).click()
    page.wait_for_url("**/process", wait_until="load")
    expect(page.get_by_text("Not here, because they write into the version")).to_contain_text("yolo-preannotation")
    expect(page.get_by_role("radio", name="yolo-preannotation")).to_have_count(0)
    page.get_by_role("radio", name="augment").check()
    field = page.get_by_label("Name of the new version")
    expect(field).to_have_value("v3")
    expect(page.locator(".summary .facts")).to_contain_text(f"Makes{DATASET}/v3")

    field.fill("v2")
    field.blur()
    taken = f"There is a version '{DATASET}/v2' already."
    expect(field).to_have_accessible_description(taken)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".summary")).to_contain_text("Write another under")
    # Who presses Launch all the same is told so by the server, with everything kept.
    with page.expect_response(lambda answer: answer.request.method == "POST") as refused:
        page.get_by_role("button", name="Launch").click()
    assert refused.value.status == 422
    expect(page.get_by_role("radio", name="augment")).to_be_checked()
    expect(field).to_have_value("v2")
    expect(field).to_have_accessible_description(taken)

    field.fill("mirrored")
    field.blur()
    expect(page.locator(".summary .facts")).to_contain_text(f"Makes{DATASET}/mirrored")
    page.get_by_role("button", name="Launch on 2 assets").click()
    page.wait_for_url("**/jobs/job_*")
    expect(page.get_by_role("region", name="State of Run 1").locator(".pill")).to_have_text("succeeded")
    page.get_by_role("link", name=f"{DATASET}/mirrored", exact=True).first.click()
    page.wait_for_url(f"**/datasets/{DATASET}/mirrored", wait_until="load")
    expect(page.locator(".grid-count")).to_have_text("4 assets")
    page.goto(f"{product.url}/datasets/{VERSION}")
    expect(page.locator(".grid-count")).to_have_text("2 assets")


def test_the_keys_of_the_log_are_in_the_help(page: Page, product: Product) -> None:
    signed_in_to(page, product)
    job = product.ask("jobs", "launch", "augment", VERSION, "--to", f"{DATASET}/with-a-log")["id"]
    page.goto(f"{product.url}/jobs/{job}")
    expect(page.get_by_role("log")).to_be_visible()
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard")
    expect(help_.get_by_role("heading", name="Log")).to_be_visible()
    expect(help_).to_contain_text("Next line that is found")
    product.require("jobs", "wait", job)
