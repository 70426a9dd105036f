"""The log in the browser: how long Chromium's main thread is busy at a stretch while many lines come at once."""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from bench.browsing import chromium, signed_in_page
from bench.installation import Installation, install
from bench.report import Better, Figure

LINES = 100_000
MANY_LINES = 1_000_000
MOST_MILLISECONDS = 200
PROCESSING = '''"""Print many lines at once."""

import sys
import time

from pixmill.authoring import Context, DatasetVersion, processing


@processing(kind="tagging")
def print_a_burst(ctx: Context, dataset: DatasetVersion, *, lines: int = 1, wait: float = 0.0) -> None:
    """After a while, so that the page is there first."""
    print("begins", flush=True)
    time.sleep(wait)
    text = "\\x1b[32mepoch 3 of 9\\x1b[0m: loss 0.4382 \u2713\\n"
    sys.stdout.write("".join(f"{number:7} {text}" for number in range(lines)))
'''


def measure() -> Iterable[Figure]:
    """Milliseconds of the longest task of the page's main thread, as Chromium's trace has it."""
    with install() as pixmill, chromium() as browser:
        _bring_in(pixmill)
        page = signed_in_page(browser, pixmill.client.url, pixmill.environment["PIXMILL_TOKEN"])
        _launch(pixmill, lines=1, wait=0)
        job = _launch(pixmill, lines=LINES, wait=4, until_over=False)
        yield Figure(
            name=f"log view, longest task while {LINES:,} lines come in one burst",
            value=_longest_task(page, pixmill, job, LINES),
            unit="ms",
            better=Better.LOWER,
            floor=MOST_MILLISECONDS,
        )
        job = _launch(pixmill, lines=MANY_LINES, wait=0)
        yield Figure(
            name=f"log view, longest task while a log of {MANY_LINES:,} lines is opened and scrolled",
            value=_longest_task(page, pixmill, job, MANY_LINES),
            unit="ms",
            better=Better.LOWER,
        )


def _bring_in(pixmill: Installation) -> None:
    images, source = pixmill.folder / "images", pixmill.folder / "print_a_burst.py"
    images.mkdir()
    Image.new("RGB", (64, 48), (90, 120, 150)).save(images / "1.png")
    source.write_text(PROCESSING)
    pixmill.pixmill("datasets", "import", str(images), "--to", "street/v1")
    pixmill.pixmill("processings", "push", str(source))


def _launch(pixmill: Installation, *, lines: int, wait: float, until_over: bool = True) -> str:
    job = pixmill.client.jobs.launch("print-a-burst", "street/v1", parameters={"lines": lines, "wait": wait})
    if until_over:
        assert pixmill.client.jobs.wait(job.id, timeout_seconds=120).status == "succeeded"
        return job.id
    while not b"".join(pixmill.client.jobs.log(job.id, 1)):
        time.sleep(0.05)
    return job.id


def _longest_task(page: Page, pixmill: Installation, job: str, lines: int) -> float:
    trace = pixmill.folder / "trace.json"
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(page=page, path=trace, categories=["toplevel", "devtools.timeline", "__metadata"])
    page.goto(f"{pixmill.client.url}/jobs/{job}")
    page.get_by_role("log").get_by_text(f"{lines - 1:7} epoch").wait_for(timeout=120_000)
    page.get_by_role("log").hover()
    for _ in range(20):
        page.mouse.wheel(0, -100_000)
        page.wait_for_timeout(30)
    browser.stop_tracing()
    return max(_main_thread_tasks(json.loads(trace.read_bytes())["traceEvents"])) / 1000


def _main_thread_tasks(events: list[dict[str, Any]]) -> Iterator[float]:
    """Microseconds of each task of the renderers' main threads."""
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    for event in events:
        if event["name"] in {"RunTask", "ThreadControllerImpl::RunTask"} and (event["pid"], event["tid"]) in mains:
            yield event.get("dur", 0)
