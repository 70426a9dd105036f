"""How soon somebody sees the first images of a version of 10 000, in Chromium."""

import io
from collections.abc import Iterable

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from bench.browsing import chromium, p95, signed_in_page
from bench.coco_file import HEIGHT, WIDTH, CocoSize
from bench.installation import Installation, install
from bench.report import Better, Figure
from bench.street import make_street
from pixmill_server.accounts.users import ensure_owner
from pixmill_server.settings import read_settings
from pixmill_server.wiring import open_services

SIZE = CocoSize(images=10_000, boxes=100_000)
# More than are in sight at once, so that each of these has bytes of its own.
PICTURES = 120
VISITS = 15
FLOOR_MS = 1000.0
# Milliseconds since the navigation began: when the document had come, and when the images in sight were drawn.
SEEN = """async () => {
  const isInSight = ({ top, bottom, width }) => bottom > 0 && top < innerHeight && width > 0;
  const tiles = [...document.querySelectorAll(".asset img")];
  const images = tiles.filter((image) => isInSight(image.getBoundingClientRect()));
  await Promise.all(images.map((image) => image.decode()));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const drawn = performance.now();
  const cached = performance.getEntriesByType("resource").filter(({ transferSize }) => transferSize === 0);
  return [images.length, performance.getEntriesByType("navigation")[0].responseEnd, drawn, cached.length];
}"""


def measure() -> Iterable[Figure]:
    """From the click to the thumbnails of the first window, decoded and drawn, for a browser that was never here."""
    with install() as pixmill, chromium() as browser:
        _fill(pixmill)
        # In a window that stays: to open one costs Chromium half a second of computing, which is not part of a visit.
        page = signed_in_page(browser, pixmill.client.url, pixmill.environment["PIXMILL_TOKEN"])
        visits = [_visit(page, pixmill) for _ in range(VISITS + 1)][1:]
        fewest = min(number for number, _, _ in visits)
        document, drawn = (p95(visit[part] for visit in visits) for part in (1, 2))
        yield Figure(
            name=f"first {fewest:.0f} thumbnails of {SIZE.images:,} assets drawn in Chromium, p95",
            value=drawn,
            unit="ms",
            better=Better.LOWER,
            baseline=document,
            baseline_name="the document had come, p95",
            floor=FLOOR_MS,
        )


def _fill(pixmill: Installation) -> None:
    """Beside the running server, in its own data folder."""
    services = open_services(read_settings({**pixmill.environment}))
    pictures = [str(services.objects.put(_picture(number))) for number in range(PICTURES)]
    make_street(services.datasets, SIZE, ensure_owner(services.accounts), pictures=pictures)
    services.close()


def _picture(number: int) -> bytes:
    """A JPEG of a camera's size, with as many details as a street has."""
    random = np.random.default_rng(number)
    coarse = Image.fromarray(random.integers(0, 255, (27, 48, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT))
    file = io.BytesIO()
    coarse.save(file, "JPEG", quality=88)
    return file.getvalue()


def _visit(page: Page, pixmill: Installation) -> tuple[float, float, float]:
    """So many images in sight, the document, and the images; nothing comes from a cache of the browser."""
    page.goto("about:blank")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.clearBrowserCache")
    # The renderer's own cache, in memory, is emptied by this.
    for is_off in (True, False):
        session.send("Network.setCacheDisabled", {"cacheDisabled": is_off})
    session.detach()
    page.goto(f"{pixmill.client.url}/datasets/street/v1", wait_until="domcontentloaded")
    number, document, drawn, cached = page.evaluate(SEEN)
    assert not cached, f"{cached} files came from the browser's cache"
    return float(number), float(document), float(drawn)
