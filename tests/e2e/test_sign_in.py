"""Signing a browser in and out."""

from playwright.sync_api import Page, expect

from pixmill_server.accounts.sessions import create_signin_link
from tests.running_server import RunningServer


def test_who_is_not_signed_in_is_led_to_the_sign_in_page(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.url}/datasets")
    expect(page).to_have_url(f"{server.url}/sign-in")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_token_that_is_not_valid_is_refused_with_the_reason(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.url}/sign-in")
    page.get_by_label("API token").fill("pxm_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not valid")


def test_a_sign_in_link_works_once(page: Page, server: RunningServer) -> None:
    link = create_signin_link(server.services.accounts, server.owner.actor)
    page.goto(f"{server.url}/sign-in?link={link}")
    expect(page).to_have_url(f"{server.url}/datasets")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{server.url}/sign-in?link={link}")
    expect(page.get_by_role("alert")).to_contain_text("not valid")


def test_signing_out_ends_the_session(signed_in: Page, server: RunningServer) -> None:
    signed_in.get_by_role("button", name="Sign out").click()
    expect(signed_in.get_by_role("heading", name="Sign in")).to_be_visible()
    signed_in.goto(f"{server.url}/datasets")
    expect(signed_in).to_have_url(f"{server.url}/sign-in")
