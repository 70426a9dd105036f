"""How a test opens a page: patient, without motion, and never acted on before it has loaded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from playwright.sync_api import Browser, Locator, Page

PATIENCE_SECONDS = 240
"""Of everything that waits for a page. Nobody waits so long; a machine under load may be that slow."""
_SAYS_THAT_IT_HAS_LOADED = "addEventListener('load', () => document.documentElement.setAttribute('data-loaded', ''))"
# After two frames everything that was to be drawn is drawn, and all places are those of one moment.
_PLACES = """elements => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(elements.map(
  element => { const { x, y, width, height } = element.getBoundingClientRect(); return [x, y, width, height]; })))))"""


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of its own, with the options of `Browser.new_page`; closed afterwards, so that it asks no more."""
    page = browser.new_page(reduced_motion="reduce", **options)
    page.set_default_timeout(1000 * PATIENCE_SECONDS)
    # Before its scripts have run, a button may do nothing, or what it does without a script: every act and expectation
    # that names an element waits until the page has loaded. A key names none: before it, expect something.
    page.add_init_script(_SAYS_THAT_IT_HAS_LOADED)
    page.add_locator_handler(page.locator("html:not([data-loaded])"), lambda: page.wait_for_load_state("load"))
    yield page
    page.close()


def places_of(elements: Locator) -> list[tuple[float, float, float, float]]:
    """x, y, width and height of each in the window, all at one moment, once nothing is left to be drawn."""
    return [tuple(place) for place in elements.evaluate_all(_PLACES)]


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for what no expectation of Playwright can say."""
    give_up = monotonic() + PATIENCE_SECONDS
    while not true():
        assert monotonic() < give_up, what
        sleep(0.05)
