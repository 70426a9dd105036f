import httpx2
import pytest

from server.tests.web.browsing import browser, shared
from tests.running_server import RunningServer

__all__ = ["browser", "shared"]


def test_a_browser_at_an_unknown_address_gets_a_page(browser: httpx2.Client) -> None:
    answer = browser.get("/no/such/<page>")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is no page at /no/such/&lt;page&gt;" in answer.text
    assert "Datasets</a>" in answer.text


def test_a_stranger_at_an_unknown_address_gets_a_page_without_the_navigation(shared: RunningServer) -> None:
    answer = httpx2.get(f"{shared.url}/nowhere", headers={"Accept": "text/html"}, timeout=60)
    assert answer.status_code == 404
    assert "Datasets</a>" not in answer.text


@pytest.mark.parametrize(("path", "accept"), [("/nowhere", "*/*"), ("/api/v1/nowhere", "text/html")])
def test_a_program_at_an_unknown_address_gets_a_problem(browser: httpx2.Client, path: str, accept: str) -> None:
    answer = browser.get(path, headers={"Accept": accept})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_form_that_is_not_understood_is_explained_on_a_page(shared: RunningServer) -> None:
    answer = httpx2.post(f"{shared.url}/sign-in", headers={"Accept": "text/html", "Origin": shared.url}, timeout=60)
    assert answer.status_code == 422
    assert "token: Field required" in answer.text


def test_every_page_carries_the_strict_content_security_policy(browser: httpx2.Client) -> None:
    policy = browser.get("/nowhere").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
