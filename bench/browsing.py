"""What benchmarks of pages share: a signed-in browser, real or its requests alone, and how long its answers take."""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from playwright.sync_api import Browser, Page, sync_playwright


@dataclass(frozen=True, slots=True)
class Answered:
    """One request, in milliseconds."""

    whole: float
    """Until the last byte of the answer."""
    computed: float
    """By this process meanwhile: all of it where the server is in it, and else the client's part."""


@contextmanager
def requests_of_browser(url: str, token: str) -> Iterator[httpx2.Client]:
    """The requests of a browser that was signed in with an API token, from a page of the server itself."""
    with httpx2.Client(base_url=url, headers={"Origin": url}, trust_env=False, timeout=60) as browser:
        signed_in = browser.post("/sign-in", data={"token": token})
        browser.headers["Cookie"] = signed_in.headers["set-cookie"].split(";")[0]
        yield browser


def ask_each(browser: httpx2.Client, addresses: Iterable[str]) -> list[Answered]:
    """One after the other; an address that is refused ends the benchmark."""
    answers = []
    for address in addresses:
        start, computed = time.perf_counter(), time.process_time()
        answer = browser.get(address)
        answers.append(Answered((time.perf_counter() - start) * 1000, (time.process_time() - computed) * 1000))
        assert answer.status_code < 400, f"{address}: {answer.status_code} {answer.text[:300]}"
    return answers


def p95(values: Iterable[float]) -> float:
    """The 95th percentile: one of the values."""
    ordered: Sequence[float] = sorted(values)
    return ordered[int(0.95 * (len(ordered) - 1))]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own, without a window on the screen."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "Chromium is needed here: the Debian package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=Path(found), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def signed_in_page(browser: Browser, url: str, token: str) -> Page:
    """A page of 1280 x 800 pixels, in a window of its own, on the Datasets."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{url}/sign-in")
    page.get_by_label("API token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/datasets")
    return page
