"""`make screenshots`: a picture of every page, empty, with the drawn sample, and refusing.

In light and dark, at 1280 and 390 pixels. All of them go to build/screenshots/; the ones that the documentation shows
are written to docs/pictures/ as well. Needs Chromium.
"""

import pkgutil
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from pixmill import Client
from pixmill_server import web
from sample.demo import ROOT, VERSION, Commands, annotated_sample, empty_server

OUT = ROOT / "build" / "screenshots"
DOCS = ROOT / "docs" / "pictures"
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
HEIGHT = 860
SETTLE_MS = 700
DATASET = VERSION.partition("/")[0]
LOCKED = f"{DATASET}/gold"
# What answers with a part of a page, with data, or elsewhere.
NOT_PAGES = {
    "/",
    "/datasets/{dataset}/{version}/ids",
    "/datasets/{dataset}/{version}/window",
    "/jobs/{job_id}/runs/{number}/partial/{chunk}/{asset_id}/thumbnail",
    "/jobs/{job_id}/state",
    "/live",
    "/live/jobs",
    "/jobs/{job_id}/partial",
    "/models/{model}/{version}",
    "/models/new/describe",
    "/sign-in",
}
SHOWN_IN_DOCS = {
    "datasets-dataset-version-light-1280": "version.png",
    "job-light-1280": "job.png",
    "process-dark-1280": "process.png",
}
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
SLOW = """# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///
'''Measure how bright images are, and rest.'''

import time
from collections.abc import Iterator

from pixmill.authoring import Batch, Change, processing


@processing(kind="tagging", batch_size=4)
class SlowBrightness:
    '''Rests for a minute after each image.'''

    def __call__(self, batch: Batch) -> Iterator[Change]:
        for asset, image in zip(batch.assets, batch.images, strict=True):
            print(f"{asset.path}: {image.mean():.1f}")
            time.sleep(60)
            yield asset.tag("day")
"""


def main() -> None:
    """Take them all."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no Chromium on PATH: on Debian, apt-get install chromium.")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    DOCS.mkdir(exist_ok=True)
    with annotated_sample() as (commands, _), empty_server() as empty, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        pages = _pages(commands, _failed_job(commands), _cancelled_job(commands))
        commands.require("datasets", "fork", VERSION, LOCKED)
        commands.require("datasets", "lock", LOCKED)
        for theme, width in LOOKS:
            _take(browser, empty, _empty_pages(), theme, width)
        empty.require("datasets", "create", "first/v1")
        for theme, width in LOOKS:
            _take(browser, empty, {"empty-version": "/datasets/first/v1"}, theme, width)
            _take(browser, commands, pages, theme, width)
            _take_refusals(browser, commands, theme, width)
        browser.close()
    for name, file in SHOWN_IN_DOCS.items():
        # 256 colours are enough for a page, and a third of the bytes.
        Image.open(OUT / f"{name}.png").quantize(256).save(DOCS / file, optimize=True)
    print(f"{len(list(OUT.iterdir()))} pictures in {OUT.relative_to(ROOT)}")


def _failed_job(commands: Commands) -> str:
    _push(commands, "brightness.py", FAILS)
    commands.show("jobs", "launch", "brightness", VERSION, "--follow")
    return str(commands.ask_for_list("jobs", "ls")[0]["id"])


def _cancelled_job(commands: Commands) -> str:
    _push(commands, "slow_brightness.py", SLOW)
    commands.show("jobs", "launch", "slow-brightness", VERSION)
    job = str(commands.ask_for_list("jobs", "ls")[0]["id"])
    commands.require("jobs", "cancel", job)
    commands.show("jobs", "wait", job)
    return job


def _push(commands: Commands, name: str, code: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(code)
        commands.require("processings", "push", str(file))


def _pages(commands: Commands, failed: str, cancelled: str) -> dict[str, str]:
    """Every page of the route table, with the sample's things in it, and states of theirs that addresses lead to."""
    jobs = commands.ask_for_list("jobs", "ls")
    digest = commands.ask_for_list("models", "ls")[0]["versions"][0]["files"][0]["digest"]
    with Client(commands.url, commands.token_file.read_text().strip()) as client:
        asset = next(client.assets.list(VERSION, label="car")).id
    values = {
        "asset_id": asset,
        "dataset": DATASET,
        "version": "v1",
        "name": "yolo-preannotation",
        "model": "street-yolo",
    }
    pages = {_name(path): path.format(**values, job_id=jobs[-1]["id"]) for path in _paths()}
    return pages | {
        "models-model-version": "/models/street-yolo/1",
        "models-new-describe": f"/models/new/describe?file={digest}&name=street.onnx&to=street-yolo",
        "processings-edit": "/processings/brightness/edit",
        "processings-filtered": "/processings?q=nothing+like+this",
        "version-filtered": f"/datasets/{VERSION}?label=car&max_score=0",
        "version-best": f"/datasets/{VERSION}?label=person&min_score=0.7&sort=lowest-score",
        "version-refused": f"/datasets/{VERSION}?label=unicorn",
        "process-part": f"/datasets/{VERSION}/process?where=label%3Dperson",
        "process-refused": f"/datasets/{VERSION}/process?processing=yolo-preannotation&p.confidence=7",
        "process": f"/datasets/{VERSION}/process?processing=yolo-preannotation&model=street-yolo/1&check=1",
        "job": f"/jobs/{jobs[-1]['id']}",
        "process-taken": f"/datasets/{VERSION}/process?processing=augment&to=v1&check=1",
        "process-locked": f"/datasets/{LOCKED}/process",
        "version-locked": f"/datasets/{LOCKED}",
        "job-failed": f"/jobs/{failed}?run=1",
        "job-cancelled": f"/jobs/{cancelled}",
        "error-missing": "/datasets/no/where",
        "error-unknown-address": "/nowhere",
    }


def _empty_pages() -> dict[str, str]:
    """Every page that needs nothing, as a new user meets it."""
    return {f"empty-{_name(path)}": path for path in _paths() if "{" not in path}


def _paths() -> list[str]:
    modules = (import_module(f"{web.__name__}.{found.name}") for found in pkgutil.iter_modules(web.__path__))
    routes = (route for module in modules if hasattr(module, "router") for route in module.router.routes)
    return sorted({route.path for route in routes if "GET" in getattr(route, "methods", ())} - NOT_PAGES)


def _name(path: str) -> str:
    """`/datasets/{dataset}/{version}/history` as a file's name: datasets-dataset-version-history."""
    return path.strip("/").replace("/", "-").replace("{", "").replace("}", "")


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
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            print(f"{name} is wider than {width} pixels.")
    page.close()


def _take_refusals(browser: Browser, commands: Commands, theme: str, width: int) -> None:
    """What only a form that was sent shows: errors beside their fields, and a stack trace."""
    viewport: ViewportSize = {"width": width, "height": HEIGHT}
    page = browser.new_page(viewport=viewport, color_scheme="dark" if theme == "dark" else "light")
    page.goto(f"{commands.url}/sign-in")
    page.get_by_label("API token").fill(commands.token_file.read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    page.goto(f"{commands.url}/processings/new")
    page.get_by_role("textbox", name="Or write it here").fill('"""Fail."""\n\nimport numpy\n\nnumpy.no_such_thing()\n')
    page.get_by_role("button", name="Create").click()
    page.get_by_role("alert").wait_for()
    _save(page, f"error-processing-{theme}-{width}")
    page.goto(f"{commands.url}/settings/computes")
    page.get_by_label("CPUs").fill("1000")
    page.get_by_role("button", name="Save").click()
    page.locator("[aria-invalid]").wait_for()
    _save(page, f"error-compute-{theme}-{width}")
    page.close()


def _save(page: Page, name: str) -> None:
    page.screenshot(path=OUT / f"{name}.png")


if __name__ == "__main__":
    main()
