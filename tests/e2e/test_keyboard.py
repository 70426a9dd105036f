"""Dialogs and keys that every page has."""

from playwright.sync_api import Page, expect

from tests.running_server import RunningServer


def test_the_question_mark_shows_the_keys_and_escape_closes_them(signed_in: Page) -> None:
    help_button = signed_in.get_by_role("button", name="Keyboard")
    help_button.focus()
    signed_in.keyboard.press("?")
    dialog = signed_in.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    signed_in.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(help_button).to_be_focused()


def test_g_and_a_letter_go_to_a_place_of_the_navigation(signed_in: Page, server: RunningServer) -> None:
    # In one call: the two are to follow each other within a second.
    signed_in.keyboard.type("gp")
    expect(signed_in).to_have_url(f"{server.url}/processings")


def test_a_click_beside_a_dialog_closes_it(signed_in: Page) -> None:
    signed_in.get_by_role("button", name="Keyboard").click()
    dialog = signed_in.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    signed_in.mouse.click(5, 5)
    expect(dialog).to_be_hidden()


def test_an_unknown_address_is_explained_within_the_navigation(signed_in: Page, server: RunningServer) -> None:
    signed_in.goto(f"{server.url}/nowhere")
    expect(signed_in.get_by_role("heading", name="Not found")).to_be_visible()
    expect(signed_in.get_by_role("link", name="Datasets")).to_be_visible()
