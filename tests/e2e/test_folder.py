"""A folder of code with a helper module and a data file: run, failed, mended, run again, and seen in a browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.product import Product, signed_in_to
from tests.e2e.scenes import draw

IMAGES = 6
PROJECT = """[project]
name = "bright-boxes"
requires-python = ">=3.11"
dependencies = []
"""
MAIN = '''"""Box what is bright."""

from collections.abc import Iterator

from bright.rules import box_of
from pixmill.authoring import Batch, Change, processing


@processing(kind="pre-annotation", batch_size=2)
class BoxBright:
    """Draws one box around what is brighter than the threshold in the folder."""

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, image in zip(batch.assets, batch.images, strict=True):
            yield asset.annotate(box_of(image), label="bright", score=0.5)
'''
RULES = '''"""What is bright."""

import json
from importlib.resources import files

import numpy as np

from pixmill.annotations import BoundingBox

THRESHOLD = json.loads((files("bright") / "threshold.json").read_text())["grey"]


def box_of(image: np.ndarray) -> BoundingBox:
    rows, columns = np.nonzero(image.mean(axis=2) > THRESHOLD)
    x, y = float(columns.min()), float(rows.min())
    return BoundingBox(x, y, float(columns.max()) + 1 - x, float(rows.max()) + 1 - y)
'''
BROKEN = RULES.replace("> THRESHOLD", "> THRESHOLD / 0")
BROKEN_LINE = BROKEN.splitlines().index(next(line for line in BROKEN.splitlines() if "/ 0" in line)) + 1


@pytest.fixture(scope="module")
def product(installed_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Six pictures in `folders/v1`, with a bright rectangle each."""
    images = draw(tmp_path_factory.mktemp("bright"), IMAGES)
    installed_product.require("datasets", "import", str(images), "--to", "folders/v1")
    installed_product.require("labels", "add", "folders/v1", "bright")
    return installed_product


def write(folder: Path, rules: str) -> Path:
    package = folder / "src" / "bright"
    package.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PROJECT)
    (package / "main.py").write_text(MAIN)
    (package / "rules.py").write_text(rules)
    (package / "threshold.json").write_text('{"grey": 128}\n')
    (package / "example.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    return folder


def test_a_folder_fails_is_mended_where_it_is_pushed_and_run_again(
    page: Page, product: Product, tmp_path: Path
) -> None:
    product.require("processings", "push", str(write(tmp_path / "code", BROKEN)))
    failed = product.run("jobs", "launch", "box-bright", "folders/v1", "--follow")
    assert failed.returncode == 1
    assert f'src/bright/rules.py", line {BROKEN_LINE}, in box_of' in failed.stdout
    signed_in_to(page, product)
    is_led_from_the_failure_to_the_files(page, product)
    assert product.ask("processings", "push", str(write(tmp_path / "code", RULES)))["number"] == 2
    job = product.ask("jobs", "ls", "--version", "folders/v1")[0]["id"]
    product.require("jobs", "rerun", job, "--follow")
    runs = product.ask("jobs", "show", job)["runs"]
    assert [(run["number"], run["status"], run["processing_number"]) for run in runs] == [
        (2, "succeeded", 2),
        (1, "failed", 1),
    ]
    assert runs[0]["code_digest"] == product.ask("processings", "show", "box-bright")["code_digest"]
    assert runs[0]["counts"]["shapes_added"] == IMAGES
    shows_both_versions(page, product)


def is_led_from_the_failure_to_the_files(page: Page, product: Product) -> None:
    job = product.ask("jobs", "ls", "--version", "folders/v1")[0]["id"]
    page.goto(f"{product.url}/jobs/{job}")
    expect(page.get_by_label("Stack trace").first).to_contain_text(f'src/bright/rules.py", line {BROKEN_LINE}')
    page.get_by_role("link", name="See the code").click()
    page.wait_for_url("**/processings/box-bright#code")
    files = page.get_by_role("navigation", name="Files").get_by_role("link")
    expect(files).to_have_text(
        [
            "pyproject.toml",
            "src/bright/example.png",
            re.compile(r"src/bright/main\.py\s+Processing"),
            "src/bright/rules.py",
            "src/bright/threshold.json",
        ]
    )
    expect(page.get_by_role("link", name="Edit code")).to_have_count(0)
    expect(page.get_by_role("region", name="Code")).to_contain_text("from bright.rules import box_of")


def shows_both_versions(page: Page, product: Product) -> None:
    page.goto(f"{product.url}/processings/box-bright")
    files, code = page.get_by_role("navigation", name="Files"), page.get_by_role("region", name="Code")
    files.get_by_role("link", name="src/bright/rules.py").click()
    page.wait_for_url("**/processings/box-bright?version=2&file=src%2Fbright%2Frules.py#code")
    expect(code).to_contain_text("> THRESHOLD)")
    page.get_by_role("link", name="Version 1").click()
    page.wait_for_url("**/processings/box-bright?version=1#code")
    files.get_by_role("link", name="src/bright/rules.py").click()
    expect(code).to_contain_text("> THRESHOLD / 0)")
    expect(files.locator("[aria-current=page]")).to_have_text("src/bright/rules.py")
    files.get_by_role("link", name="src/bright/example.png").click()
    expect(code).to_contain_text("src/bright/example.png has 10 bytes, no text")


def test_a_folder_is_tried_on_images_without_a_server(product: Product, tmp_path: Path) -> None:
    tried = product.ask("processings", "test", str(write(tmp_path / "code", RULES)), str(draw(tmp_path / "images", 3)))
    assert (tried["done"], tried["failed"]) == (3, [])
    assert tried["dropped"] == {"bright": 3}
