"""A filter of the grid is processed, and nothing beside it is touched."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from pixmill import Client
from tests.e2e.product import Product, signed_in_to

VERSION = "filtered/v1"
CARS = ("day-0.png", "night-1.png", "night-3.png")
CODE = '''# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Tag images with a word."""

from collections.abc import Iterator

from pixmill.authoring import Batch, Change, processing


@processing(kind="tagging", batch_size=2)
class TagWith:
    """Tag every image with a word."""

    def __init__(self, *, word: str = "seen") -> None:
        self.word = word

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset in batch.assets:
            yield asset.tag(self.word)
'''


@pytest.fixture(scope="module")
def product(installed_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Four images by day and four by night, a car on three of them, and a Processing that tags."""
    folder = tmp_path_factory.mktemp("filtered")
    code = folder / "tag_with.py"
    code.write_text(CODE)
    coco(folder / "images")
    installed_product.require("datasets", "import", str(folder / "images"), "--to", VERSION)
    installed_product.require("processings", "push", str(code))
    return installed_product


@pytest.fixture
def client(product: Product) -> Iterator[Client]:
    with Client(product.url, product.environment()["PIXMILL_TOKEN"]) as opened:
        yield opened


def coco(folder: Path) -> None:
    """Pictures and a COCO file with a car on each of `CARS`."""
    folder.mkdir()
    names = sorted(f"{time}-{number}.png" for time in ("day", "night") for number in range(4))
    for shade, name in enumerate(names):
        Image.new("RGB", (64, 48), (30 * shade, 90, 160)).save(folder / name)
    images = [{"id": place, "file_name": name, "width": 64, "height": 48} for place, name in enumerate(names)]
    cars = [
        {
            "id": place,
            "image_id": names.index(name),
            "category_id": 1,
            "bbox": [4, 4, 20, 10],
            "area": 200,
            "iscrowd": 0,
        }
        for place, name in enumerate(CARS)
    ]
    told = {"images": images, "annotations": cars, "categories": [{"id": 1, "name": "car"}]}
    (folder / "annotations.json").write_text(json.dumps(told))


def test_what_is_found_by_file_name_is_processed_alone(page: Page, product: Product, client: Client) -> None:
    before = tags_by_path(client)
    open_grid(page, product)
    page.get_by_label("File name").fill("night")
    expect(page.locator(".grid-count")).to_have_text("4 of 8 assets")
    launch_on_what_is_shown(page, "4 of 8", "dark")
    expect(page.get_by_role("log")).to_be_visible()
    assert tags_by_path(client) == {
        path: sorted([*tags, "dark"]) if path.startswith("night") else tags for path, tags in before.items()
    }
    page.get_by_role("link", name=VERSION, exact=True).first.click()
    page.get_by_role("checkbox", name="dark").check()
    expect(page.locator(".grid-count")).to_have_text("4 of 8 assets")


def test_what_has_a_label_is_processed_alone(page: Page, product: Product, client: Client) -> None:
    before = tags_by_path(client)
    open_grid(page, product)
    page.get_by_role("group", name="Labels").get_by_role("checkbox", name="car").check()
    expect(page.locator(".grid-count")).to_have_text("3 of 8 assets")
    launch_on_what_is_shown(page, "3 of 8", "driven")
    assert tags_by_path(client) == {
        path: sorted([*tags, "driven"]) if path in CARS else tags for path, tags in before.items()
    }
    assert all(asset.annotations[0].label == "car" for asset in client.assets.list(VERSION) if asset.path in CARS)


def open_grid(page: Page, product: Product) -> None:
    signed_in_to(page, product)
    page.goto(f"{product.url}/datasets/{VERSION}")


def launch_on_what_is_shown(page: Page, shown: str, word: str) -> None:
    """From the filtered grid to the Job that has succeeded."""
    page.get_by_role("link", name=f"Process {shown}").click()
    page.wait_for_url("**/process?where=*", wait_until="load")
    page.get_by_role("radio", name="tag-with").check()
    page.get_by_label("word").fill(word)
    page.get_by_label("word").blur()
    expect(page.locator(".summary .facts")).to_contain_text(f"Assets{shown}")
    number = shown.partition(" ")[0]
    page.get_by_role("button", name=f"Launch on {number} assets").click()
    page.wait_for_url("**/jobs/job_*")
    state = page.get_by_role("region", name="State of Run 1")
    expect(state.locator(".pill")).to_have_text("succeeded")
    expect(state.locator(".tile").filter(has_text="assets")).to_contain_text(f"{number} of {number}")


def tags_by_path(client: Client) -> dict[str, list[str]]:
    """Over REST."""
    return {asset.path: sorted(asset.tags) for asset in client.assets.list(VERSION)}
