from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest

from pixmill_server.accounts.sessions import begin_session, create_signin_link
from pixmill_server.accounts.tokens import create_token
from tests.running_server import RunningServer


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{server.url}/api/v1", timeout=60) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_health_needs_no_token(http: httpx2.Client) -> None:
    assert http.get("/health").json()["status"] == "ok"


def test_a_request_without_a_token_is_a_problem_with_what_to_do(http: httpx2.Client) -> None:
    answer = http.get("/me")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:pixmill:problem:not-signed-in"
    assert "token" in answer.json()["hint"]


def test_a_token_says_who_asks(server: RunningServer, http: httpx2.Client) -> None:
    answer = http.get("/me", headers=bearer(server.member.token)).json()
    assert (answer["name"], answer["role"]) == ("member", "member")


def test_a_made_up_token_is_refused(http: httpx2.Client) -> None:
    assert http.get("/me", headers=bearer("pxm_made-up")).status_code == 401


def test_an_expired_token_is_refused(server: RunningServer, http: httpx2.Client) -> None:
    _, secret = create_token(server.services.accounts, server.owner.actor, "brief", lifetime=timedelta(0))
    assert http.get("/me", headers=bearer(secret)).status_code == 401


def test_a_token_made_over_rest_works_until_it_is_revoked(server: RunningServer, http: httpx2.Client) -> None:
    made = http.post("/tokens", json={"name": "laptop", "days": 1}, headers=bearer(server.member.token)).json()
    mine = bearer(made["secret"])
    assert http.get("/me", headers=mine).status_code == 200
    assert made["secret"] not in http.get("/tokens", headers=mine).text
    assert http.delete(f"/tokens/{made['id']}", headers=mine).status_code == 204
    assert http.get("/me", headers=mine).status_code == 401


def test_nobody_revokes_the_token_of_another(server: RunningServer, http: httpx2.Client) -> None:
    made = http.post("/tokens", json={"name": "laptop"}, headers=bearer(server.member.token)).json()
    assert http.delete(f"/tokens/{made['id']}", headers=bearer(server.owner.token)).status_code == 404


def test_the_local_token_can_be_read_by_its_owner_only(server: RunningServer, http: httpx2.Client) -> None:
    file = server.services.settings.token_file
    assert file.stat().st_mode & 0o777 == 0o600
    assert http.get("/me", headers=bearer(file.read_text().strip())).json()["role"] == "owner"


def test_a_signin_link_works_once(server: RunningServer) -> None:
    link = create_signin_link(server.services.accounts, server.owner.actor)
    assert begin_session(server.services.accounts, link)
    with pytest.raises(Exception, match="each works once"):
        begin_session(server.services.accounts, link)


def test_a_browser_may_change_things_only_from_our_own_pages(server: RunningServer, http: httpx2.Client) -> None:
    link = create_signin_link(server.services.accounts, server.owner.actor)
    http.cookies.set("pixmill_session", begin_session(server.services.accounts, link))
    assert http.get("/me").status_code == 200
    wish = {"name": "stolen"}
    assert http.post("/tokens", json=wish).status_code == 403
    assert http.post("/tokens", json=wish, headers={"Origin": "http://elsewhere.test"}).status_code == 403
    assert http.post("/tokens", json=wish, headers={"Origin": server.url}).status_code == 201


def test_every_answer_tells_the_browser_to_be_careful(http: httpx2.Client) -> None:
    headers = http.get("/health").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_an_unknown_path_is_a_problem_too(http: httpx2.Client) -> None:
    answer = http.get("/nothing")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:pixmill:problem:not-found")
