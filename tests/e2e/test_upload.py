"""Photographs are brought in with the browser alone, whatever is among them, and whatever happens to the connection."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from pixmill import Client
from pixmill_server.accounts.sessions import create_signin_link
from tests.e2e.browsing import opened
from tests.running_server import RunningServer

HTML = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def server(one_server: RunningServer) -> RunningServer:
    return one_server


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three good ones, one of them in a folder, and a broken one."""
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "inner/c.png")):
        Image.new("RGB", (64, 48), (80 * number, 90, 160)).save(folder / name)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no photograph")
    (folder / "notes.docx").write_bytes(b"not for Pixmill")
    return folder


@pytest.fixture
def losing(browser: Browser, server: RunningServer) -> Iterator[Page]:
    """Signed in; a lost connection is no fault of this page, though the browser complains of it."""
    with opened(browser) as page:
        page.goto(f"{server.url}/sign-in?link={create_signin_link(server.services.accounts, server.owner.actor)}")
        yield page


def make_dataset(page: Page, name: str, labels: str = "") -> None:
    """From the list of Datasets to the page that brings images in."""
    page.get_by_text("New Dataset", exact=True).click()
    page.get_by_role("textbox", name="Dataset").fill(name)
    page.get_by_role("textbox", name="Labels").fill(labels)
    page.get_by_role("button", name="Create, then add images").click()
    expect(page.get_by_role("heading", name=f"Import to {name}/v1")).to_be_visible()


def test_photographs_are_uploaded_and_labels_set_in_the_browser(
    signed_in: Page, client: Client, test_data: Path
) -> None:
    make_dataset(signed_in, "city", "person, car")
    signed_in.locator("[data-folder]").set_input_files(test_data / "coco_tiny_val" / "images")
    expect(signed_in.get_by_role("heading", name="80 files")).to_be_visible()
    signed_in.get_by_role("button", name="Import", exact=True).click()
    expect(signed_in.get_by_role("heading", name="80 images added to city/v1")).to_be_visible()
    version = client.versions.show("city/v1")
    assert ([label.name for label in version.labels], version.counts.assets) == (["person", "car"], 80)
    signed_in.get_by_role("link", name="See the images").click()
    expect(signed_in.get_by_role("heading", name="city/v1")).to_be_visible()


def test_a_broken_image_is_named_and_the_rest_goes_on(signed_in: Page, client: Client, pictures: Path) -> None:
    make_dataset(signed_in, "mixed")
    signed_in.locator("[data-folder]").set_input_files(pictures)
    expect(signed_in.get_by_text("1 other file will not be sent: pictures/notes.docx")).to_be_visible()
    signed_in.get_by_role("button", name="Import", exact=True).click()
    expect(signed_in.get_by_role("heading", name="3 images added to mixed/v1")).to_be_visible()
    result = signed_in.locator("[data-result]")
    expect(result.get_by_text("broken.jpg", exact=True)).to_be_visible()
    expect(result.get_by_text("1: it is truncated or damaged")).to_be_visible()
    assert [asset.path for asset in client.assets.list("mixed/v1")] == ["a.png", "b.png", "inner/c.png"]
    assert next(client.versions.history("mixed/v1")).summary.startswith("Import of 4 files")


def test_a_zip_with_a_coco_file_brings_labels_and_shapes(
    signed_in: Page, client: Client, pictures: Path, tmp_path: Path
) -> None:
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0}],
        "categories": [{"id": 1, "name": "person"}],
    }
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(pictures / "a.png", "images/a.png")
        archive.writestr("annotations.json", json.dumps(coco))
    make_dataset(signed_in, "packed")
    signed_in.locator("[data-files]").set_input_files(tmp_path / "all.zip")
    signed_in.get_by_role("button", name="Import", exact=True).click()
    expect(signed_in.get_by_role("heading", name="1 image and 1 shape added to packed/v1")).to_be_visible()
    assert [(label.name, label.annotations) for label in client.labels.list("packed/v1")] == [("person", 1)]


def test_a_lost_connection_is_waited_for_and_nothing_is_sent_twice(
    losing: Page, client: Client, pictures: Path
) -> None:
    make_dataset(losing, "patient")
    sent: list[str] = []
    lost = True

    def pass_or_lose(route: Route) -> None:
        name = route.request.url.rpartition("path=")[2]
        if lost and name != "a.png":
            route.abort("connectionreset")
            return
        sent.append(name)
        route.continue_()

    losing.route("**/files?path=*", pass_or_lose)
    losing.locator("[data-folder]").set_input_files(pictures)
    with losing.expect_response("**/files?path=a.png"):
        losing.get_by_role("button", name="Import", exact=True).click()
    expect(losing.get_by_role("alert")).to_contain_text("The connection was lost")
    # Somebody reloads the page, and chooses the same folder again.
    losing.on("dialog", lambda dialog: dialog.accept())
    losing.reload()
    lost = False
    losing.locator("[data-folder]").set_input_files(pictures)
    losing.get_by_role("button", name="Import", exact=True).click()
    expect(losing.get_by_role("heading", name="3 images added to patient/v1")).to_be_visible()
    assert sorted(sent) == ["a.png", "b.png", "broken.jpg", "inner%2Fc.png"]
    assert len(list(client.versions.history("patient/v1"))) == 2


def test_names_with_html_in_them_are_shown_as_text(signed_in: Page, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / f"{HTML}.png")
    (tmp_path / f"{HTML}.jpg").write_bytes(b"no image")
    make_dataset(signed_in, "text", HTML)
    signed_in.locator("[data-files]").set_input_files([tmp_path / f"{HTML}.png", tmp_path / f"{HTML}.jpg"])
    signed_in.get_by_role("button", name="Import", exact=True).click()
    expect(signed_in.locator("[data-result]").get_by_text(f"{HTML}.jpg", exact=True)).to_be_visible()
    signed_in.goto(signed_in.url.removesuffix("/v1/import").removesuffix("/text"))
    expect(signed_in.get_by_text(HTML, exact=True)).to_be_visible()
    assert signed_in.locator("img[onerror]").count() == 0


def test_images_are_brought_in_with_the_keyboard_alone(signed_in: Page, client: Client, pictures: Path) -> None:
    signed_in.get_by_text("New Dataset", exact=True).focus()
    signed_in.keyboard.press("Enter")
    signed_in.keyboard.press("Tab")
    signed_in.keyboard.type("keys")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("heading", name="Import to keys/v1")).to_be_visible()
    signed_in.locator("[data-files]").focus()
    with signed_in.expect_file_chooser() as choosing:
        signed_in.keyboard.press("Space")
    choosing.value.set_files([pictures / "a.png"])
    expect(signed_in.get_by_role("button", name="Import", exact=True)).to_be_focused()
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("heading", name="1 image added to keys/v1")).to_be_focused()
    signed_in.keyboard.press("Tab")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("heading", name="keys/v1")).to_be_visible()
    assert client.versions.show("keys/v1").counts.assets == 1


def test_a_locked_version_takes_nothing_and_says_so(signed_in: Page, client: Client) -> None:
    make_dataset(signed_in, "shut")
    client.versions.lock("shut/v1")
    signed_in.reload()
    expect(signed_in.get_by_text("shut/v1 is locked: nothing can be imported.")).to_be_visible()
    expect(signed_in.locator("[data-import]")).to_have_count(0)
