"""The whole story without a pointer: from no Dataset to predictions that a human has reviewed."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from pixmill import Client
from tests.e2e.keyboard import Keys
from tests.e2e.product import Product

PICTURES = ("a.png", "b.png", "c.png")
CODE = '''# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Find the middle of images."""

from collections.abc import Iterator

from pixmill.annotations import BoundingBox
from pixmill.authoring import Batch, Change, processing


@processing(kind="pre-annotation", batch_size=2)
class FindMiddle:
    """A box in the middle of every image."""

    def __init__(self, *, share: float = 0.5) -> None:
        self.share = share

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset in batch.assets:
            print(f"looked at {asset.path}", flush=True)
            yield asset.annotate(BoundingBox(16, 12, 64 * self.share, 48 * self.share), label="car", score=0.5)
'''


@pytest.fixture(scope="module")
def product(installed_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """With a Processing that finds something on every image."""
    code = tmp_path_factory.mktemp("code") / "find_middle.py"
    code.write_text(CODE)
    installed_product.require("processings", "push", str(code))
    return installed_product


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    for number, name in enumerate(PICTURES):
        Image.new("RGB", (64, 48), (60 * number, 90, 160)).save(tmp_path / name)
    return [tmp_path / name for name in PICTURES]


def test_from_no_dataset_to_reviewed_predictions_without_a_pointer(
    page: Page, product: Product, pictures: list[Path]
) -> None:
    keys = Keys(page)
    sign_in(keys, product)
    bring_pictures(keys, pictures)
    launch(keys)
    watch(keys)
    review(keys)
    keys.require_no_pointer()
    with Client(product.url, product.environment()["PIXMILL_TOKEN"]) as client:
        reviews = {asset.path: [shape.review for shape in asset.annotations] for asset in client.assets.list("keys/v1")}
    assert reviews == {"a.png": ["accepted"], "b.png": ["rejected"], "c.png": ["accepted"]}


def test_a_dialog_keeps_the_focus_and_gives_it_back(page: Page, product: Product) -> None:
    keys = Keys(page)
    sign_in(keys, product)
    keys.tab_to("New Dataset")
    keys.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    assert "Close" in keys.tab_within("dialog", times=4)
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    assert keys.focused() == "New Dataset"
    keys.press("?")
    expect(dialog).to_be_visible()
    keys.tab_to("Close")
    keys.press("Enter")
    expect(dialog).to_be_hidden()
    assert keys.focused() == "New Dataset"
    keys.require_no_pointer()


def sign_in(keys: Keys, product: Product) -> None:
    keys.page.goto(f"{product.url}/sign-in")
    keys.tab_to("API token")
    keys.type((product.data / "local-token").read_text().strip())
    keys.press("Enter")
    keys.page.wait_for_url("**/datasets")


def bring_pictures(keys: Keys, pictures: list[Path]) -> None:
    page = keys.page
    keys.tab_to("New Dataset")
    keys.press("Enter")
    keys.tab_to("Dataset")
    keys.type("keys")
    keys.tab_to("Labels")
    keys.type("car, person")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Import to keys/v1")).to_be_visible()
    keys.tab_to("Choose files")
    with page.expect_file_chooser() as choosing:
        keys.press("Space")
    choosing.value.set_files(pictures)
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="3 images added to keys/v1")).to_be_focused()
    keys.tab_to("See the images")
    keys.press("Enter")
    page.wait_for_url("**/datasets/keys/v1", wait_until="load")


def launch(keys: Keys) -> None:
    page = keys.page
    # The first that is called so is the place in the navigation: Processings.
    keys.tab_to("Process")
    keys.tab_to("Process")
    keys.press("Enter")
    page.wait_for_url("**/process")
    # One Tab for all that may be chosen, and the arrows within.
    keys.press("/")
    assert keys.focused() == "Search"
    keys.type("find-middle")
    keys.tab_to("find-middle")
    keys.press("Space")
    expect(page.get_by_role("button", name="Launch on 3 assets")).to_be_visible()
    assert keys.focused() == "find-middle"
    keys.tab_to("share")
    keys.press("Control+a")
    keys.type("0.25")
    keys.tab_to("Launch on 3 assets")
    keys.press("Enter")
    page.wait_for_url("**/jobs/job_*", wait_until="load")


def watch(keys: Keys) -> None:
    """The Job's page, from which the keys lead to the version."""
    page = keys.page
    state = page.get_by_role("region", name="State of Run 1")
    expect(state.locator(".pill")).to_have_text("succeeded")
    expect(page.get_by_role("log")).to_contain_text("looked at c.png")
    expect(page.get_by_role("button", name="Re-run…")).to_be_visible()
    keys.tab_to("Re-run…")
    keys.press("Enter")
    expect(page.get_by_role("dialog", name="Run it again")).to_be_visible()
    assert keys.focused() == "Re-run"
    keys.tab_within("dialog", times=6)
    keys.press("Escape")
    expect(page.get_by_role("dialog", name="Run it again")).to_be_hidden()
    assert keys.focused() == "Re-run…"
    keys.tab_to("keys/v1", back=True)
    keys.press("Enter")
    page.wait_for_url("**/datasets/keys/v1", wait_until="load")


def review(keys: Keys) -> None:
    """From the grid into the viewer, and through it."""
    page = keys.page
    keys.tab_to("a.png")
    keys.press("ArrowRight", "ArrowLeft", "Enter")
    heading = page.get_by_role("heading", level=1)
    for name, verdict in zip(PICTURES, "ara", strict=True):
        expect(heading).to_have_text(name)
        page.locator("[data-stage][data-mode]").wait_for()
        expect(page.locator("[data-waiting]")).to_contain_text("1 of 1")
        keys.press("]")
        expect(page.locator(".shape.chosen")).to_have_count(1)
        keys.press(verdict)
        expect(page.locator("[data-state]")).to_have_text("1 unsaved")
        keys.press("Control+s")
        expect(page.locator("[data-state]")).to_have_text("")
        keys.press("j")
    expect(page.locator("[data-place]")).to_have_text("3 of 3")
