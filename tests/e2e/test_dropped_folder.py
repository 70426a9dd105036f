"""Folders are dropped on the page with the browser's own drag and drop: however deep, however full."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from pixmill import Client
from tests.running_server import RunningServer

# A browser lists a folder in parts of a hundred.
MANY = 130


@pytest.fixture(scope="module")
def server(one_server: RunningServer) -> RunningServer:
    return one_server


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """One folder with many images, one deep within it, and what nobody wants."""
    folder = tmp_path / "street"
    paths = [*(f"many/{number:03}.png" for number in range(MANY)), "deep/er/and <b>deeper/last.png"]
    for number, path in enumerate(paths):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 12), (number, 90, 160)).save(folder / path)
    (folder / ".DS_Store").write_bytes(b"a Macintosh was here")
    (folder / "notes.docx").write_bytes(b"not for Pixmill")
    return folder


def test_a_dropped_folder_is_imported_whole_with_the_folders_within(
    signed_in: Page, server: RunningServer, client: Client, street: Path
) -> None:
    client.versions.create("dropped/v1")
    signed_in.goto(f"{server.url}/datasets/dropped/v1/import")
    drop(signed_in, [street])
    expect(signed_in.get_by_role("heading", name=f"{MANY + 1} files")).to_be_visible()
    expect(signed_in.get_by_text("1 other file will not be sent: street/notes.docx")).to_be_visible()
    signed_in.get_by_role("button", name="Import", exact=True).click()
    expect(signed_in.get_by_role("heading", name=f"{MANY + 1} images added to dropped/v1")).to_be_visible()
    paths = [asset.path for asset in client.assets.list("dropped/v1")]
    assert paths == ["deep/er/and <b>deeper/last.png", *(f"many/{number:03}.png" for number in range(MANY))]


def test_folders_and_files_are_dropped_together(
    signed_in: Page, server: RunningServer, client: Client, street: Path
) -> None:
    client.versions.create("dropped/v2")
    signed_in.goto(f"{server.url}/datasets/dropped/v2/import")
    drop(signed_in, [street / "deep", street / "many" / "007.png"])
    signed_in.get_by_role("button", name="Import", exact=True).click()
    expect(signed_in.get_by_role("heading", name="2 images added to dropped/v2")).to_be_visible()
    paths = [asset.path for asset in client.assets.list("dropped/v2")]
    assert paths == ["007.png", "deep/er/and <b>deeper/last.png"]


def test_what_misses_the_box_does_not_make_the_browser_leave(
    signed_in: Page, server: RunningServer, client: Client, street: Path
) -> None:
    client.versions.create("dropped/v3")
    signed_in.goto(f"{server.url}/datasets/dropped/v3/import")
    signed_in.evaluate("window.isTheSamePage = true")
    drop(signed_in, [street / "many" / "007.png"], on="h1")
    # What comes after it shows that it is over, and that nothing was taken by it.
    drop(signed_in, [street / "many" / "008.png"])
    expect(signed_in.get_by_role("heading", name="1 file")).to_be_visible()
    assert signed_in.evaluate("window.isTheSamePage")


def drop(page: Page, paths: Sequence[Path], *, on: str = "[data-drop]") -> None:
    """As a file manager does, so that the browser gives the page entries to walk through."""
    box = page.locator(on).bounding_box()
    assert box is not None
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})
