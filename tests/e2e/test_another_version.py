"""A Processing that reads a second version: it is chosen in the form, and the Run has its images and annotations."""

import json
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from pixmill import Client
from tests.e2e.product import Product, signed_in_to

VERSION, REFERENCE = "compared/v1", "compared/truth"
CODE = '''# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Tag images that a reference has too."""

from collections.abc import Iterator

from pixmill.authoring import Batch, Change, DatasetVersion, processing


@processing(kind="tagging", batch_size=2)
class TagKnown:
    """Tag images that a reference has too, and those with a car in it.

    reference: what is known already
    """

    def __init__(self, *, reference: DatasetVersion) -> None:
        self.known = {image.tobytes(): asset for asset, image in reference.images()}
        print(f"{len(self.known)} of {len(reference)} in {reference.name}")

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, image in zip(batch.assets, batch.images):
            known = self.known.get(image.tobytes())
            if known is not None:
                yield asset.tag("known", *(f"has-{shape.label}" for shape in known.annotations))
'''


@pytest.fixture(scope="module")
def product(installed_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Four images; two of them are in the reference under other names, one of those with a car."""
    folder = tmp_path_factory.mktemp("compared")
    (folder / "tag_known.py").write_text(CODE)
    pictures(folder / "images", {f"{number}.png": 40 * number for number in range(4)}, car="")
    pictures(folder / "reference", {"one.png": 40, "three.png": 120, "other.png": 200}, car="three.png")
    installed_product.require("datasets", "import", str(folder / "images"), "--to", VERSION)
    installed_product.require("datasets", "import", str(folder / "reference"), "--to", REFERENCE)
    installed_product.require("processings", "push", str(folder / "tag_known.py"))
    return installed_product


def pictures(folder: Path, shades: dict[str, int], *, car: str) -> None:
    folder.mkdir()
    for name, shade in shades.items():
        Image.new("RGB", (64, 48), (shade, 90, 160)).save(folder / name)
    images = [{"id": place, "file_name": name, "width": 64, "height": 48} for place, name in enumerate(shades)]
    box = {"category_id": 1, "bbox": [4, 4, 20, 10], "area": 200, "iscrowd": 0}
    cars = [{"id": 1, "image_id": image["id"], **box} for image in images if image["file_name"] == car]
    told = {"images": images, "annotations": cars, "categories": [{"id": 1, "name": "car"}]}
    (folder / "annotations.json").write_text(json.dumps(told))


def test_a_second_version_is_chosen_in_the_form_and_read_by_the_run(page: Page, product: Product) -> None:
    signed_in_to(page, product)
    page.goto(f"{product.url}/datasets/{VERSION}/process?processing=tag-known")
    reference = page.get_by_label("reference")
    expect(reference).to_have_value("")
    page.get_by_role("button", name="Launch").click()
    beside = page.locator("label, .field", has=reference).locator(".error")
    expect(beside).to_contain_text("expected the address of a DatasetVersion")
    reference.select_option(REFERENCE)
    expect(page.locator(".summary .facts")).to_contain_text(f"{REFERENCE}@")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_text("succeeded").first).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text(f"3 of 3 in {REFERENCE}@")
    with Client(product.url, product.environment()["PIXMILL_TOKEN"]) as client:
        tags = {asset.path: sorted(asset.tags) for asset in client.assets.list(VERSION)}
    assert tags == {"0.png": [], "1.png": ["known"], "2.png": [], "3.png": ["has-car", "known"]}
