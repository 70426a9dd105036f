"""`make screenshots`: a picture of every page, from the drawn sample, in light and dark and at 1280 and 390 pixels.

All of them go to build/screenshots/; the ones that the documentation shows are written to docs/pictures/ as well.
Needs Chromium.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from pixmill import Client
from sample.demo import ROOT, VERSION, Commands, annotated_sample

OUT = ROOT / "build" / "screenshots"
DOCS = ROOT / "docs" / "pictures"
WIDTHS = (1280, 390)
HEIGHT = 860
SETTLE_MS = 1200
SHOWN_IN_DOCS = {"version-light-1280": "version.png", "job-light-1280": "job.png", "process-dark-1280": "process.png"}
FAILS = '''# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
"""Measure how bright images are."""

from collections.abc import Iterator

from pixmill.authoring import Batch, Change, processing


@processing(kind="tagging", batch_size=4)
class Brightness:
    """Tag images by day and night."""

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, image in zip(batch.assets, batch.images, strict=True):
            print(f"{asset.path}: {image.mean() / image.size_of_nothing:.2f}")
            yield asset.tag("day")
'''


def main() -> None:
    """Take them all."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no Chromium on PATH: on Debian, apt-get install chromium.")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    DOCS.mkdir(exist_ok=True)
    with annotated_sample() as (commands, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        failed = _failed_job(commands)
        for theme in ("light", "dark"):
            for width in WIDTHS:
                _take(browser, commands, dict(_pages(commands, failed)), theme, width)
        browser.close()
    for name, file in SHOWN_IN_DOCS.items():
        # 256 colours are enough for a page, and a third of the bytes.
        Image.open(OUT / f"{name}.png").quantize(256).save(DOCS / file, optimize=True)
    print(f"{len(list(OUT.iterdir()))} pictures in {OUT.relative_to(ROOT)}")


def _failed_job(commands: Commands) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "brightness.py"
        file.write_text(FAILS)
        commands.require("processings", "push", str(file))
    commands.show("jobs", "launch", "brightness", VERSION, "--follow")
    return str(commands.ask_for_list("jobs", "ls")[0]["id"])


def _pages(commands: Commands, failed: str) -> Iterator[tuple[str, str]]:
    jobs = commands.ask_for_list("jobs", "ls")
    yield "datasets", "/datasets"
    yield "version", f"/datasets/{VERSION}"
    yield "version-empty-filter", f"/datasets/{VERSION}?label=car&max_score=0"
    with Client(commands.url, commands.token_file.read_text().strip()) as client:
        asset = next(client.assets.list(VERSION, label="car"))
    yield "viewer", f"/datasets/{VERSION}/assets/{asset.id}?label=car"
    yield "review", f"/datasets/{VERSION}/review?label=car"
    yield "history", f"/datasets/{VERSION}/history"
    yield "process", f"/datasets/{VERSION}/process?processing=yolo-preannotation&model=street-yolo/1&check=1"
    yield "processings", "/processings"
    yield "processing", "/processings/yolo-preannotation"
    yield "models", "/models"
    yield "model", "/models/street-yolo/1"
    yield "jobs", "/jobs"
    yield "job", f"/jobs/{jobs[-1]['id']}"
    yield "job-failed", f"/jobs/{failed}"
    yield "missing", "/datasets/no/where"


def _take(browser: Browser, commands: Commands, pages: dict[str, str], theme: str, width: int) -> None:
    viewport: ViewportSize = {"width": width, "height": HEIGHT}
    page = browser.new_page(viewport=viewport, color_scheme="dark" if theme == "dark" else "light")
    page.goto(f"{commands.url}/sign-in")
    _save(page, f"sign-in-{theme}-{width}")
    page.get_by_label("API token").fill(commands.token_file.read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    for name, address in pages.items():
        page.goto(commands.url + address)
        page.wait_for_timeout(SETTLE_MS)
        _save(page, f"{name}-{theme}-{width}")
    page.close()


def _save(page: Page, name: str) -> None:
    page.screenshot(path=OUT / f"{name}.png")


if __name__ == "__main__":
    main()
