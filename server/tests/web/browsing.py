"""A browser's requests without a browser: signed in by cookie, asking for HTML, from a page of the server itself."""

from collections.abc import Iterator

import httpx2
import pytest

from pixmill_server.accounts.sessions import begin_session, create_signin_link
from pixmill_server.settings import read_settings
from tests.running_server import PATIENCE_SECONDS, Person, RunningServer, serve


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, bundle: str) -> Iterator[RunningServer]:
    """One server for the tests of a module."""
    data = tmp_path_factory.mktemp("shared") / "data"
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as running:
        yield running


def browser_of(running: RunningServer, person: Person) -> httpx2.Client:
    """Signed in as somebody."""
    accounts = running.services.accounts
    secret = begin_session(accounts, create_signin_link(accounts, person.actor))
    return httpx2.Client(
        base_url=running.url,
        headers={"Accept": "text/html", "Origin": running.url},
        cookies={"pixmill_session": secret},
        timeout=PATIENCE_SECONDS,
    )


@pytest.fixture
def browser(shared: RunningServer) -> Iterator[httpx2.Client]:
    """The owner's."""
    with browser_of(shared, shared.owner) as client:
        yield client
