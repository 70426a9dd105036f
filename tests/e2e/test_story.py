"""The whole story in a browser, with real photographs and a real model: from nothing to an annotated version."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.product import Product, product_up

PHOTOGRAPHS = 12
ENVIRONMENT_MILLISECONDS = 240_000
"""An engine is installed for the first Run."""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """An empty one."""
    with product_up(tmp_path_factory.mktemp("product") / "data") as product:
        yield product


@pytest.fixture
def signed_in(page: Page, product: Product) -> Page:
    """The page, signed in with the token of this machine."""
    page.goto(f"{product.url}/sign-in")
    page.get_by_label("API token").fill((product.data / "local-token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    return page


def test_from_an_empty_system_to_an_annotated_version(signed_in: Page, product: Product, test_data: Path) -> None:
    bring_photographs(signed_in, sorted((test_data / "coco_tiny_val" / "images").glob("*.jpg"))[:PHOTOGRAPHS])
    register_the_model(signed_in, product, test_data / "models" / "yolov8n_int8.onnx")
    signed_in.goto(f"{product.url}/datasets/city/v1")
    signed_in.get_by_role("link", name="Process", exact=True).click()
    signed_in.wait_for_url("**/process", wait_until="load")
    signed_in.get_by_role("radio", name="yolo-preannotation").check()
    signed_in.get_by_label("ModelVersion").select_option("yolo/1")
    expect(signed_in.locator(".facts")).to_contain_text(f"{PHOTOGRAPHS} of {PHOTOGRAPHS}")
    signed_in.get_by_role("button", name="Launch").click()
    signed_in.wait_for_url("**/jobs/job_*")
    statuses = signed_in.locator(".pill").first
    # A fast machine is done before anybody has seen that it was running.
    expect(statuses).to_have_text(re.compile("running|succeeded"), timeout=ENVIRONMENT_MILLISECONDS)
    expect(signed_in.get_by_role("log")).to_contain_text("yolo/1: yolov8 head", timeout=ENVIRONMENT_MILLISECONDS)
    expect(statuses).to_have_text("succeeded", timeout=ENVIRONMENT_MILLISECONDS)
    signed_in.get_by_role("link", name="city/v1", exact=True).first.click()
    expect(signed_in.locator(".asset svg rect").first).to_be_visible()
    shown = product.ask("datasets", "show", "city/v1")["counts"]
    assert (shown["assets"], shown["annotations"] > 0) == (PHOTOGRAPHS, True)
    labels = {label["name"] for label in product.ask("labels", "ls", "city/v1")}
    assert labels == {"person", "car"}


def bring_photographs(page: Page, photographs: list[Path]) -> None:
    page.get_by_text("New Dataset", exact=True).click()
    page.get_by_role("textbox", name="Dataset").fill("city")
    page.get_by_role("textbox", name="Labels").fill("person, car")
    page.get_by_role("button", name="Create, then add images").click()
    page.locator("[data-files]").set_input_files(photographs)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name=f"{len(photographs)} images added to city/v1")).to_be_visible()


def register_the_model(page: Page, product: Product, file: Path) -> None:
    page.goto(f"{product.url}/models")
    page.get_by_role("link", name="Upload a model").click()
    page.get_by_label("Model file").set_input_files(file)
    page.get_by_label("Address").fill("yolo/1")
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("heading", name="yolo/1")).to_be_visible()
