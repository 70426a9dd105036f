"""Every page against axe-core, light and dark. The pages come from the route table, so that none is forgotten."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from PIL import Image
from playwright.sync_api import Browser, Page

from pixmill import Client
from pixmill_server import web
from tests.e2e.browsing import opened
from tests.e2e.product import Product, product_up

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = {"serious", "critical"}
MODULES = [import_module(f"{web.__name__}.{found.name}") for found in pkgutil.iter_modules(web.__path__)]
# What follows another page's address, and what only leads elsewhere.
DETECTOR = Path(__file__).parents[2] / "sample" / "street_yolo.onnx"
EXAMPLES = {"model": "street-yolo", "dataset": "plain", "version": "v1", "name": "yolo-preannotation"}
NOT_PAGES = {
    "/",
    "/datasets/{dataset}/{version}/window",
    "/jobs/table",
    "/jobs/{job_id}/state",
}
RUN = "async () => (await axe.run()).violations.map((v) => [v.impact, v.id, v.nodes.map((n) => n.html).join(' | ')])"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Pixmill with a few images, one of them labelled, and a Job that failed or waits."""
    folder = tmp_path_factory.mktemp("plain")
    for number in range(3):
        Image.new("RGB", (64, 48), (60 * number, 90, 160)).save(folder / f"{number}.png")
    code = tmp_path_factory.mktemp("code") / "unlucky.py"
    code.write_text(
        "# /// script\n# dependencies = []\n# ///\n"
        '"""Fail."""\n\nfrom pixmill.authoring import Context, DatasetVersion, processing\n\n\n'
        '@processing(kind="test")\ndef unlucky(ctx: Context, dataset: DatasetVersion) -> None:\n'
        '    raise ValueError("no luck")\n'
    )
    with product_up(tmp_path_factory.mktemp("product") / "data") as product:
        product.require("datasets", "import", str(folder), "--to", "plain/v1")
        product.require("labels", "set", "plain/v1", "person", "car")
        product.require("processings", "push", str(code))
        product.require("models", "push", str(DETECTOR), "--to", "street-yolo/v1")
        job = product.ask("jobs", "launch", "unlucky", "plain/v1")
        product.run("jobs", "wait", job["id"])
        yield product


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_violation(browser: Browser, product: Product, scheme: str) -> None:
    dark = scheme == "dark"
    # Only so that axe may be brought in: the pages' own policy lets nothing in.
    with opened(browser, color_scheme="dark" if dark else "light", bypass_csp=True) as page:
        assert not _found(page, product)


def _found(page: Page, product: Product) -> list[str]:
    found = _violations(page, f"{product.url}/sign-in")
    page.get_by_label("API token").fill((product.data / "local-token").read_text().strip())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    job = product.ask("jobs", "ls")[0]["id"]
    digest = product.ask("models", "show", "street-yolo/v1")["files"][0]["digest"]
    with Client(product.url, product.environment()["PIXMILL_TOKEN"]) as client:
        asset = next(client.assets.list("plain/v1")).id
    for path in [*_paths(job, asset), f"/models/new/describe?file={digest}&name=street.onnx"]:
        found += _violations(page, product.url + path)
    return found


def _paths(job: str, asset: str) -> list[str]:
    routes = [
        route
        for module in MODULES
        if hasattr(module, "router")
        for route in module.router.routes
        if isinstance(route, APIRoute)
    ]
    pages = {route.path for route in routes if "GET" in (route.methods or ())} - NOT_PAGES - {"/sign-in"}
    addresses = sorted(path.format(**EXAMPLES, job_id=job, asset_id=asset) for path in pages)
    addresses.append("/processings/unlucky/edit")
    return [*addresses, "/datasets/plain/v1/process?processing=yolo-preannotation&check=1", "/datasets/no/where"]


def _violations(page: Page, address: str) -> list[str]:
    answer = page.goto(address)
    if answer is None or "text/html" not in answer.headers.get("content-type", ""):
        return []
    page.add_script_tag(path=AXE)
    return [f"{address}: {rule}: {nodes[:300]}" for impact, rule, nodes in page.evaluate(RUN) if impact in SERIOUS]
