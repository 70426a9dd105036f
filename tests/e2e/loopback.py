"""A whole Pixmill and a browser where there is no network but loopback: what they asked for, and of whom.

Run within a network namespace of its own, as `python -m tests.e2e.loopback FOLDER CHROMIUM`; prints one JSON object.
"""

import json
import re
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx2
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.browsing import opened
from tests.e2e.chromium import ARGUMENTS
from tests.e2e.every_page import every_page, stock
from tests.e2e.product import Product, product_up, signed_in_to

# Of documentation: nobody has it.
NOBODY = ("192.0.2.1", 80)


@dataclass(slots=True)
class Observed:
    """What was seen, from within."""

    server: str = ""
    left: int = -1
    """So many times somebody wanted to reach, or look up, what is not on loopback, before there was a browser."""
    would_be_seen: bool = False
    """Whether that number grows when somebody does."""
    pages: dict[str, int] = field(default_factory=dict)
    """Path to the HTTP status that the browser was answered with."""
    requested: list[str] = field(default_factory=list)
    """Origins that the pages asked something of."""
    complaints: list[str] = field(default_factory=list)
    """Errors on the browser's console."""
    job: str = ""
    """How the Run that was launched on a page ended."""


def main() -> None:
    """Look at everything twice: with a client that asks for nothing by itself, so that the server alone is counted."""
    folder, chromium = Path(sys.argv[1]), Path(sys.argv[2])
    seen = Observed()
    before = tried_to_leave()
    with product_up(folder / "data") as product:
        seen.server = product.url
        stock(product, folder)
        pages = every_page(product)
        ask_for(product, pages)
        seen.left = tried_to_leave() - before
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            visit(browser, product, pages, seen)
            browser.close()
    before = tried_to_leave()
    leave()
    seen.would_be_seen = tried_to_leave() > before
    sys.stdout.write(json.dumps(asdict(seen)))


def ask_for(product: Product, pages: Sequence[str]) -> None:
    """Every page, without a browser."""
    token = (product.data / "local-token").read_text().strip()
    with httpx2.Client(base_url=product.url, headers={"Origin": product.url}, trust_env=False, timeout=60) as client:
        answer = client.post("/sign-in", data={"token": token})
        client.headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
        for path in pages:
            client.get(path)


def visit(browser: Browser, product: Product, pages: Sequence[str], seen: Observed) -> None:
    """Every page, and a Run that is launched on one and watched to its end on another."""
    with opened(browser) as page:
        requested: set[str] = set()
        page.on("request", lambda request: requested.add(request.url))
        page.on("console", lambda said: seen.complaints.append(said.text) if said.type == "error" else None)
        signed_in_to(page, product)
        for path in pages:
            answer = page.goto(product.url + path)
            seen.pages[path] = answer.status if answer else 0
        page.goto(f"{product.url}/datasets/plain/v1/process?processing=unlucky")
        page.get_by_role("button", name="Launch on 3 assets").click()
        page.wait_for_url("**/jobs/job_*")
        page.get_by_role("heading", name="no luck").wait_for()
        # What is told of the error may come before what is told of the state.
        expect(page.locator(".pill").first).to_have_text(re.compile("failed|succeeded"), timeout=240_000)
        seen.job = page.locator(".pill").first.inner_text()
        seen.requested = sorted({"/".join(url.split("/")[:3]) for url in requested})


def tried_to_leave() -> int:
    """Routes that were not found, and datagrams: a look-up of a name sends some, and nothing of ours sends any else."""
    lines = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines()]
    told = {
        head[0] + name: int(value)
        for head, row in zip(lines[::2], lines[1::2], strict=True)
        for name, value in zip(head[1:], row[1:], strict=True)
    }
    told |= {name: int(value) for name, value in map(str.split, Path("/proc/net/snmp6").read_text().splitlines())}
    counters = ("Ip:OutNoRoutes", "Udp:OutDatagrams", "Ip6OutNoRoutes", "Udp6OutDatagrams")
    return sum(told.get(name, 0) for name in counters)


def leave() -> None:
    """What must be noticed."""
    with socket.socket() as visitor, suppress(OSError):
        visitor.connect(NOBODY)


if __name__ == "__main__":
    main()
