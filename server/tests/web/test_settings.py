import re
from collections.abc import Iterator

import httpx2
import pytest

from pixmill_server.accounts.tokens import actor_of_token, list_tokens
from pixmill_server.accounts.users import find_user
from pixmill_server.computes.computes import find_compute
from server.tests.web.browsing import browser, browser_of, shared
from tests.running_server import RunningServer

__all__ = ["browser", "shared"]


@pytest.fixture
def member(shared: RunningServer) -> Iterator[httpx2.Client]:
    with browser_of(shared, shared.member) as client:
        yield client


def test_a_user_is_called_something_else_but_not_as_another_is(member: httpx2.Client, shared: RunningServer) -> None:
    saved = member.post("/settings", data={"name": "Ada", "email": "ada@example.org"})
    assert saved.headers["location"] == "/settings?saved=profile"
    user = find_user(shared.services.accounts, shared.member.actor.user_id)
    assert (user.name, user.email) == ("Ada", "ada@example.org")
    for typed in ({"name": "owner", "email": ""}, {"name": " ", "email": ""}, {"name": "Ada", "email": "nowhere"}):
        refused = member.post("/settings", data=typed)
        assert refused.status_code == 422
        assert 'aria-invalid="true"' in refused.text


def test_other_browsers_are_signed_out_and_this_one_stays(member: httpx2.Client, shared: RunningServer) -> None:
    with browser_of(shared, shared.member) as other:
        assert other.get("/settings").status_code == 200
        member.post("/settings/sign-out-others")
        assert other.get("/settings").headers["location"] == "/sign-in"
    assert member.get("/settings").status_code == 200


def test_a_token_is_shown_once_works_and_is_revoked(member: httpx2.Client, shared: RunningServer) -> None:
    made = member.post("/settings/tokens", data={"name": "laptop <b>", "days": "30"})
    secret = re.search(r"pxm_[\w-]+", made.text)
    assert secret is not None
    assert "laptop &lt;b&gt;" in made.text
    assert actor_of_token(shared.services.accounts, secret[0]) == shared.member.actor
    assert secret[0] not in member.get("/settings/tokens").text
    token = list_tokens(shared.services.accounts, shared.member.actor)[0]
    assert token.expires_at is not None
    member.post(f"/settings/tokens/{token.id}/revoke")
    answer = httpx2.get(f"{shared.url}/api/v1/me", headers={"Authorization": f"Bearer {secret[0]}"}, timeout=60)
    assert answer.status_code == 401


def test_nobody_revokes_the_token_of_another(member: httpx2.Client, shared: RunningServer) -> None:
    token = list_tokens(shared.services.accounts, shared.owner.actor)[0]
    assert member.post(f"/settings/tokens/{token.id}/revoke").status_code == 404


def test_an_owner_sets_a_compute_and_what_is_not_touched_stays(browser: httpx2.Client, shared: RunningServer) -> None:
    organization = shared.owner.actor.organization_id
    before = find_compute(shared.services.computes, organization, "local")
    form = dict(re.findall(r'name="(\w+)" type="number" value="([^"]*)"', browser.get("/settings/computes").text))
    form |= {"price_per_hour": "0.4"}
    assert browser.post("/settings/computes/local", data=form).status_code == 303
    after = find_compute(shared.services.computes, organization, "local")
    assert (after.price_per_hour, after.memory_bytes) == (0.4, before.memory_bytes)


def test_time_outs_of_a_compute_are_written_as_a_person_does(browser: httpx2.Client, shared: RunningServer) -> None:
    organization = shared.owner.actor.organization_id
    browser.post("/settings/computes/local", data={"running": "2h", "progress": "10 min"})
    assert find_compute(shared.services.computes, organization, "local").timeouts == {"running": 7200, "progress": 600}
    assert 'value="2 h"' in browser.get("/settings/computes").text
    browser.post("/settings/computes/local", data={"running": "", "progress": "10 min"})
    assert find_compute(shared.services.computes, organization, "local").timeouts == {"progress": 600}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("running", "soon"),
        ("cpus", "9999"),
        ("memory_bytes", "0.001"),
        ("concurrency", "0"),
        ("memory_bytes", "inf"),
        ("cpus", "two"),
    ],
)
def test_what_a_compute_cannot_be_is_said_at_its_field(browser: httpx2.Client, field: str, text: str) -> None:
    answer = browser.post("/settings/computes/local", data={field: text})
    assert answer.status_code == 422
    control = re.search(rf'<input id="local-{field}"[^>]*>', answer.text)
    assert control is not None
    assert 'aria-invalid="true"' in control[0]
    assert f'value="{text}"' in control[0]


def test_a_member_sees_computes_and_changes_none(member: httpx2.Client) -> None:
    assert "Only an owner" in member.get("/settings/computes").text
    assert member.post("/settings/computes/local", data={"cpus": "1"}).status_code == 403


def test_a_secret_is_set_listed_without_its_value_and_removed(browser: httpx2.Client) -> None:
    refused = browser.post("/settings/secrets", data={"name": "no name", "value": "hunter22hunter22"})
    assert refused.status_code == 422
    browser.post("/settings/secrets", data={"name": "HF_TOKEN", "value": "hunter22hunter22"})
    page = browser.get("/settings/secrets").text
    assert "HF_TOKEN" in page
    assert "hunter22" not in page
    browser.post("/settings/secrets/HF_TOKEN/remove")
    assert "HF_TOKEN</td>" not in browser.get("/settings/secrets").text


def test_usage_before_any_job_teaches(browser: httpx2.Client) -> None:
    assert "Nothing was used yet" in browser.get("/settings/usage").text


def test_doctor_looks_and_tells(browser: httpx2.Client) -> None:
    assert browser.post("/settings/doctor", timeout=60).headers["location"] == "/settings/doctor?saved=looked"
    page = browser.get("/settings/doctor").text
    assert "machine" in page
    assert 'data-status="ok"' in page


def test_a_change_from_another_site_is_refused(browser: httpx2.Client) -> None:
    answer = browser.post("/settings", data={"name": "x"}, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403
