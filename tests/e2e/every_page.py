"""Every page of the route table with something on it, so that a test of all pages forgets none."""

import pkgutil
from importlib import import_module
from pathlib import Path

from fastapi.routing import APIRoute
from PIL import Image

from pixmill import Client
from pixmill_server import web
from tests.e2e.product import Product

_DETECTOR = Path(__file__).parents[2] / "sample" / "street_yolo.onnx"
_EXAMPLES = {"model": "street-yolo", "dataset": "plain", "version": "v1", "name": "yolo-preannotation"}
# What follows another page's address, and what only leads elsewhere.
_NOT_PAGES = {
    "/",
    "/datasets/{dataset}/{version}/window",
    "/jobs/table",
    "/jobs/{job_id}/state",
    "/live",
    "/live/jobs",
    "/models/new/describe",
    "/sign-in",
}
_UNLUCKY = '''# /// script
# dependencies = []
# ///
"""Fail."""

from pixmill.authoring import Context, DatasetVersion, processing


@processing(kind="test")
def unlucky(ctx: Context, dataset: DatasetVersion) -> None:
    raise ValueError("no luck")
'''


def stock(product: Product, folder: Path) -> None:
    """Three images in `plain/v1`, Labels, a Processing of one's own, a Model, and a Job that has failed."""
    images = folder / "images"
    images.mkdir()
    for number in range(3):
        Image.new("RGB", (64, 48), (60 * number, 90, 160)).save(images / f"{number}.png")
    code = folder / "unlucky.py"
    code.write_text(_UNLUCKY)
    product.require("datasets", "import", str(images), "--to", "plain/v1")
    product.require("labels", "set", "plain/v1", "person", "car")
    product.require("processings", "push", str(code))
    product.require("models", "push", str(_DETECTOR), "--to", "street-yolo/v1")
    job = product.ask("jobs", "launch", "unlucky", "plain/v1")
    product.run("jobs", "wait", job["id"])


def every_page(product: Product) -> list[str]:
    """The paths of all pages of a product that was stocked, but for the one that signs in."""
    digest = product.ask("models", "show", "street-yolo/v1")["files"][0]["digest"]
    with Client(product.url, product.environment()["PIXMILL_TOKEN"]) as client:
        asset = next(client.assets.list("plain/v1")).id
        job = next(iter(client.jobs.list())).id
    paths = sorted(path.format(**_EXAMPLES, job_id=job, asset_id=asset) for path in _routes() - _NOT_PAGES)
    return [
        *paths,
        "/processings/unlucky/edit",
        "/datasets/plain/v1/process?processing=yolo-preannotation&check=1",
        "/datasets/no/where",
        f"/models/new/describe?file={digest}&name=street.onnx",
    ]


def _routes() -> set[str]:
    modules = [import_module(f"{web.__name__}.{found.name}") for found in pkgutil.iter_modules(web.__path__)]
    routes = [route for module in modules if hasattr(module, "router") for route in module.router.routes]
    return {route.path for route in routes if isinstance(route, APIRoute) and "GET" in (route.methods or ())}
