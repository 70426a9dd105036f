"""What a page costs the server at 10 000 assets and 100 000 boxes: grid windows, filters, and every other page."""

import gc
import random
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory
from urllib.parse import quote

import httpx2
import uvicorn
from fastapi.routing import APIRoute

from bench.browsing import Answered, ask_each, p95, requests_of_browser
from bench.coco_file import CATEGORIES, CocoSize, image_name
from bench.report import Better, Figure
from bench.street import RUN, make_boxes, make_street, save
from pixmill_server import web
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.tokens import create_token
from pixmill_server.accounts.users import ensure_owner
from pixmill_server.app import create_app
from pixmill_server.datasets.addresses import VersionAddress
from pixmill_server.datasets.changes import AssetKey, ChangePart, ChangeSource
from pixmill_server.datasets.queries import find_version
from pixmill_server.listening import listen
from pixmill_server.settings import read_settings
from pixmill_server.wiring import Services, open_services, prepare

SIZE = CocoSize(images=10_000, boxes=100_000)
GRID = "/datasets/street/v1"
WINDOW = 120
REQUESTS = 100
EACH_PAGE = 15
FLOOR_MS = 100.0
# How a page answers that needs more than a version: a query of its own.
NEEDS_MORE = {404, 422}
# Parts of pages, measured above or asked for by a page only.
NOT_ALONE = {"/live", "/live/jobs", "/datasets/{dataset}/{version}/window", "/datasets/{dataset}/{version}/ids"}
# Each of them filters or sorts by another column.
QUERIES = (
    "",
    f"label={quote(CATEGORIES[0])}",
    "min_score=0.5&max_score=0.9",
    "annotated=true&source=run",
    "processing=bench&sort=lowest-score",
    "name=1&sort=newest",
    "review=unreviewed&sort=most-shapes",
)


def measure() -> Iterable[Figure]:
    """Milliseconds from the request to the whole answer, over loopback, 95th percentile.

    Beside it what server and client computed meanwhile: it says the same on a machine that is not idle.
    """
    with TemporaryDirectory(prefix="pixmill-bench-") as folder, _server(Path(folder)) as (browser, services, owner):
        _make(services, owner)
        ask_each(browser, [f"{GRID}?{query}" for query in QUERIES])
        yield _figure(f"grid window of {WINDOW} assets with shapes, anywhere", ask_each(browser, _windows()))
        yield _figure("grid page, filters that were asked before", ask_each(browser, _pages()))
        yield _figure("grid page, filters that were never asked before", ask_each(browser, _new_filters()))
        yield _figure("REST page of 100 assets with shapes", ask_each(browser, _rest(services, owner)))
        yield from _every_page(browser)


def _windows() -> Iterator[str]:
    places = random.Random(5)
    for query in islice(cycle(QUERIES), REQUESTS):
        yield f"{GRID}/window?{query}&limit={WINDOW}&start={places.randrange(SIZE.images)}"


def _pages() -> Iterator[str]:
    for number, query in enumerate(islice(cycle(QUERIES), REQUESTS)):
        yield f"{GRID}?{query}&page={number}"


def _new_filters() -> Iterator[str]:
    labels = cycle(CATEGORIES)
    for number in range(REQUESTS):
        said = (f"min_score=0.{number:03}", f"label={quote(next(labels))}&max_score=0.{number:03}", f"name={number:04}")
        yield f"{GRID}?{said[number % len(said)]}"


def _rest(services: Services, owner: Actor) -> Iterator[str]:
    from_label = quote(CATEGORIES[1])
    with services.database.reading() as session:
        version_id = find_version(session, owner.organization_id, VersionAddress("street", "v1", None)).id
    for _ in range(REQUESTS):
        yield f"/api/v1/versions/{version_id}/assets?limit=100&label={from_label}"


def _every_page(browser: httpx2.Client) -> Iterator[Figure]:
    """Every page of the route table that needs no more than a version."""
    modules = [import_module(f"{web.__name__}.{found.name}") for found in iter_modules(web.__path__)]
    routes = [route for module in modules if hasattr(module, "router") for route in module.router.routes]
    paths = {route.path for route in routes if isinstance(route, APIRoute) and "GET" in (route.methods or ())}
    known = {"dataset": "street", "version": "v1"}
    for path in sorted(paths):
        if set(_names(path)) <= set(known) and path not in NOT_ALONE:
            address = path.format(**known)
            if browser.get(address).status_code in NEEDS_MORE:
                continue
            yield _figure(f"page {address}", ask_each(browser, [address] * EACH_PAGE))


def _names(path: str) -> list[str]:
    return [part.split("}")[0] for part in path.split("{")[1:]]


def _figure(name: str, answers: Sequence[Answered]) -> Figure:
    return Figure(
        name=f"{name}, p95",
        value=p95(answer.whole for answer in answers),
        unit="ms",
        better=Better.LOWER,
        baseline=p95(answer.computed for answer in answers),
        baseline_name="computing time, p95",
        floor=FLOOR_MS,
    )


def _make(services: Services, owner: Actor) -> None:
    version_id = make_street(services.datasets, SIZE, owner)
    names = [image_name(number) for number in range(0, SIZE.images, 2)]
    part = ChangePart(annotations=make_boxes(names, 2, seed=9))
    save(services.datasets, version_id, ChangeSource(lambda: [part], RUN, assets_by=AssetKey.PATH))


@contextmanager
def _server(folder: Path) -> Iterator[tuple[httpx2.Client, Services, Actor]]:
    """One that answers on a free port, and a signed-in browser's client of it."""
    settings = read_settings({"PIXMILL_DATA": str(folder / "data")})
    prepare(settings)
    services = open_services(settings)
    owner = ensure_owner(services.accounts)
    _, secret = create_token(services.accounts, owner, "bench")
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(services), log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    # As the server does before it answers.
    gc.freeze()
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    while not server.started:
        time.sleep(0.01)
    with requests_of_browser(url, secret) as browser:
        try:
            yield browser, services, owner
        finally:
            server.should_exit = True
            thread.join()
            listener.close()
