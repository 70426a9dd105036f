"""Every page of the route table with something on it, so that a test of all pages forgets none."""

import json
import pkgutil
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

from fastapi.routing import APIRoute
from PIL import Image

from pixmill import Client
from pixmill_server import web
from tests.e2e.product import Product

HOSTILE = "<img src=x data-hostile>"
"""Is in a file name, a Label, a folder of code, a Parameter, a log line and an error of what was stocked."""
_DETECTOR = Path(__file__).parents[2] / "sample" / "street_yolo.onnx"
_EXAMPLES = {"model": "street-yolo", "dataset": "plain", "version": "v1", "name": "yolo-preannotation"}
# What follows another page's address, and what only leads elsewhere.
_NOT_PAGES = {
    "/",
    "/datasets/{dataset}/{version}/window",
    "/jobs/{job_id}/runs/{number}/partial/{chunk}/{asset_id}/thumbnail",
    "/jobs/{job_id}/state",
    "/live",
    "/live/jobs",
    "/models/new/describe",
    "/sign-in",
}
_BOXES = '''# /// script
# dependencies = []
# ///
"""Put a box on every image but the last."""

import time
from collections.abc import Iterator

from pixmill.annotations import BoundingBox
from pixmill.authoring import Batch, Change, processing


@processing(kind="pre-annotation", batch_size=1)
class Boxes:
    """Put a box on every image but the last, slowly enough to be measured."""

    def __call__(self, batch: Batch) -> Iterator[Change]:
        time.sleep(0.4)
        for asset in batch.assets:
            if asset.path == "b.png":
                raise ValueError("no luck")
            yield asset.annotate(BoundingBox(1, 2, 3, 4), label="person", score=0.5)
'''
_UNLUCKY = f'''# /// script
# dependencies = []
# ///
"""Fail."""

from pixmill.authoring import Context, DatasetVersion, processing


@processing(kind="test")
def unlucky(ctx: Context, dataset: DatasetVersion, *, word: str = "{HOSTILE}") -> None:
    print(word)
    raise ValueError(f"no luck with {{word}}")
'''


def stock(product: Product, folder: Path) -> None:
    """Three images in `plain/v1`, Labels, Processings of one's own, a Model, a Job that wrote and one that failed."""
    _draw(folder / "images")
    product.require("datasets", "import", str(folder / "images"), "--to", "plain/v1")
    product.require("labels", "add", "plain/v1", "person", "car")
    product.require("models", "push", str(_DETECTOR), "--to", "street-yolo/v1")
    for name, code in (("boxes", _BOXES), ("unlucky", _UNLUCKY)):
        (folder / f"{name}.py").write_text(code)
        product.require("processings", "push", str(folder / f"{name}.py"))
        job = product.ask("jobs", "launch", name, "plain/v1")
        product.run("jobs", "wait", job["id"])
    _push_folder(product, folder / "code")


def _push_folder(product: Product, folder: Path) -> None:
    """Of a file that is hostile by its name and by what is in it, and another that is no text."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "code"\n')
    (folder / "quiet.py").write_text(_UNLUCKY.replace("def unlucky", "def quiet").replace("# ///", "#"))
    (folder / f"{HOSTILE}.json").write_text(json.dumps({"text": HOSTILE}))
    (folder / "picture.png").write_bytes(b"\x89PNG\0")
    product.require("processings", "push", str(folder))


def _draw(folder: Path) -> None:
    """Three pictures and a COCO file; the first by name is the hostile one, and has a shape of the hostile Label."""
    folder.mkdir()
    names = [f"{HOSTILE}.png", "a.png", "b.png"]
    for number, name in enumerate(names):
        Image.new("RGB", (64, 48), (60 * number, 90, 160)).save(folder / name)
    images = [{"id": place, "file_name": name, "width": 64, "height": 48} for place, name in enumerate(names)]
    shape = {"id": 1, "image_id": 0, "category_id": 1, "bbox": [4, 4, 20, 10], "area": 200, "iscrowd": 0}
    told = {"images": images, "annotations": [shape], "categories": [{"id": 1, "name": HOSTILE}]}
    (folder / "annotations.json").write_text(json.dumps(told))


def every_page(product: Product) -> list[str]:
    """The paths of all pages of a product that was stocked, but for the one that signs in."""
    digest = product.ask("models", "show", "street-yolo/v1")["files"][0]["digest"]
    with Client(product.url, product.environment()["PIXMILL_TOKEN"]) as client:
        asset = next(client.assets.list("plain/v1")).id
        failed, wrote = client.jobs.list()
    paths = sorted(path.format(**_EXAMPLES, job_id=failed.id, asset_id=asset) for path in _routes() - _NOT_PAGES)
    return [
        *paths,
        f"/jobs/{wrote.id}",
        "/processings/unlucky/edit",
        "/processings/quiet",
        f"/processings/quiet?file={quote(HOSTILE)}.json",
        "/processings/quiet?file=picture.png",
        "/datasets/plain/v1/process?processing=yolo-preannotation&check=1",
        "/datasets/plain/v1/process?processing=unlucky",
        "/datasets/no/where",
        f"/models/new/describe?file={digest}&name=street.onnx",
    ]


def _routes() -> set[str]:
    modules = [import_module(f"{web.__name__}.{found.name}") for found in pkgutil.iter_modules(web.__path__)]
    routes = [route for module in modules if hasattr(module, "router") for route in module.router.routes]
    return {route.path for route in routes if isinstance(route, APIRoute) and "GET" in (route.methods or ())}
