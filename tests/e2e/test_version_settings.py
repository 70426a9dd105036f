"""A version's Labels, name, lock, forks and end, its history, and what changed in it, in the browser."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from pixmill import Client
from pixmill.annotations import BoundingBox
from pixmill.client.imports import ImportOptions
from pixmill_server.datasets.edit import AddShape, EditBatch, save
from tests.running_server import RunningServer

HTML = "<i onclick=alert(1)>"


@pytest.fixture(scope="module")
def server(one_server: RunningServer) -> RunningServer:
    return one_server


@pytest.fixture
def make(server: RunningServer, client: Client, tmp_path: Path) -> "Make":
    return Make(server, client, tmp_path)


class Make:
    """Makes versions of three images, a car on each and a person on the first."""

    def __init__(self, server: RunningServer, client: Client, folder: Path) -> None:
        self.server, self.client, self.folder = server, client, folder

    def version(self, address: str) -> None:
        for name in ("a.png", "b.png", "c.png"):
            Image.new("RGB", (64, 48), (9, 90, 160)).save(self.folder / name)
        self.client.imports.run(self.folder, ImportOptions(address))
        self.client.labels.set(address, ["person", "car"])
        ids = [asset.id for asset in self.client.assets.list(address)]
        edits = [AddShape(asset_id, "car", BoundingBox(1, 2, 3, 4)) for asset_id in ids]
        edits.append(AddShape(ids[0], "person", BoundingBox(5, 6, 7, 8)))
        version_id = self.client.versions.show(address).id
        save(self.server.services.datasets, self.server.owner.actor, version_id, EditBatch(edits))


def counts(client: Client, address: str) -> dict[str, int]:
    return {label.name: label.annotations for label in client.labels.list(address)}


def test_labels_are_added_renamed_recoloured_merged_and_deleted(
    signed_in: Page, server: RunningServer, client: Client, make: Make
) -> None:
    make.version("labels/v1")
    signed_in.goto(f"{server.url}/datasets/labels/v1/settings")
    signed_in.get_by_label("Add Labels").fill(f"bus, {HTML}")
    signed_in.get_by_role("button", name="Add", exact=True).click()
    expect(signed_in.get_by_label(f"Name of {HTML}")).to_have_value(HTML)
    signed_in.get_by_label("Name of car").fill("vehicle")
    signed_in.get_by_label("Colour of car").fill("#123456")
    signed_in.get_by_role("row").filter(has=signed_in.get_by_label("Name of car")).get_by_role(
        "button", name="Save"
    ).click()
    expect(signed_in.get_by_label("Name of vehicle")).to_be_visible()
    assert {label.name: label.color for label in client.labels.list("labels/v1")}["vehicle"] == "#123456"
    signed_in.get_by_label("Merge person").check()
    signed_in.get_by_label("Merge those ticked into").select_option("vehicle")
    signed_in.get_by_role("button", name="Merge", exact=True).click()
    expect(signed_in.get_by_label("Name of person")).to_have_count(0)
    assert counts(client, "labels/v1") == {"vehicle": 4, "bus": 0, HTML: 0}
    signed_in.get_by_role("row").filter(has=signed_in.get_by_label("Name of vehicle")).get_by_role(
        "button", name="Delete", exact=True
    ).click()
    dialog = signed_in.get_by_role("dialog", name="Delete the Label vehicle?")
    expect(dialog).to_contain_text("4 shapes have this Label, and will be deleted with it.")
    dialog.get_by_role("button", name="Delete the Label and 4 shapes").click()
    expect(signed_in.get_by_label("Name of vehicle")).to_have_count(0)
    assert counts(client, "labels/v1") == {"bus": 0, HTML: 0}


def test_a_name_that_is_taken_is_refused_on_the_page(signed_in: Page, server: RunningServer, client: Client) -> None:
    client.versions.create("taken/v1")
    client.versions.create("taken/v2")
    signed_in.goto(f"{server.url}/datasets/taken/v1/settings")
    signed_in.get_by_label("Name of the version").fill("v2")
    signed_in.get_by_role("button", name="Rename").click()
    expect(signed_in.get_by_role("alert")).to_contain_text("There is a version 'v2' already.")
    signed_in.get_by_label("Name of the version").fill("first")
    signed_in.get_by_role("button", name="Rename").click()
    expect(signed_in.get_by_role("heading", name="taken/first")).to_be_visible()


def test_a_locked_version_can_be_forked_and_unlocked_and_nothing_else(
    signed_in: Page, server: RunningServer, client: Client, make: Make
) -> None:
    make.version("shut/v1")
    signed_in.goto(f"{server.url}/datasets/shut/v1/settings")
    signed_in.get_by_role("button", name="Lock", exact=True).click()
    expect(
        signed_in.get_by_text("shut/v1 is locked: nothing of it can be changed until it is unlocked.")
    ).to_be_visible()
    for name in ("Save", "Merge", "Rename", "Delete shut/v1"):
        expect(signed_in.get_by_role("button", name=name, exact=True)).to_have_count(0)
    signed_in.get_by_label("Name of the new version").fill("v2")
    signed_in.get_by_role("button", name="Fork").click()
    expect(signed_in.get_by_role("heading", name="shut/v2")).to_be_visible()
    assert counts(client, "shut/v2") == {"person": 1, "car": 3}
    signed_in.goto(f"{server.url}/datasets/shut/v1/settings")
    signed_in.get_by_role("button", name="Unlock").click()
    expect(signed_in.get_by_role("button", name="Delete shut/v1")).to_be_visible()


def test_a_version_and_then_its_dataset_are_deleted_after_one_question(
    signed_in: Page, server: RunningServer, client: Client, make: Make
) -> None:
    make.version("going/v1")
    client.versions.fork("going/v1", "going/v2")
    signed_in.goto(f"{server.url}/datasets/going/v1/settings")
    signed_in.get_by_role("button", name="Delete going/v1").click()
    dialog = signed_in.get_by_role("dialog", name="Delete going/v1?")
    expect(dialog).to_contain_text("3 assets and 4 shapes in 4 Revisions disappear.")
    signed_in.keyboard.press("Escape")
    assert client.versions.show("going/v1").counts.assets == 3
    signed_in.get_by_role("button", name="Delete going/v1").click()
    dialog.get_by_role("button", name="Delete going/v1").click()
    expect(signed_in.get_by_role("heading", name="going", exact=True)).to_be_visible()
    expect(signed_in.get_by_role("cell", name="v1", exact=True)).to_have_count(0)
    assert counts(client, "going/v2") == {"person": 1, "car": 3}
    signed_in.get_by_role("button", name="Delete going").click()
    signed_in.get_by_role("dialog").get_by_role("button", name="Delete going").click()
    expect(signed_in).to_have_url(f"{server.url}/datasets")
    expect(signed_in.get_by_role("link", name="going", exact=True)).to_have_count(0)


def test_the_history_says_what_changed_and_goes_back_with_the_keyboard(
    signed_in: Page, server: RunningServer, client: Client, make: Make
) -> None:
    make.version("past/v1")
    client.labels.remove("past/v1", "car", delete_annotations=True)
    signed_in.goto(f"{server.url}/datasets/past/v1/history")
    removed = signed_in.get_by_role("row").filter(has_text="Removed the label car")
    expect(removed.get_by_text("\u22123 shapes")).to_be_visible()
    removed.get_by_text("By Label").focus()
    signed_in.keyboard.press("Enter")
    by_label = removed.get_by_role("row").filter(has_text="car")
    expect(by_label.get_by_text("\u22123", exact=True)).to_be_visible()
    back = signed_in.get_by_role("button", name="Go back to Revision 4")
    back.focus()
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_text("Reverted to revision 4")).to_be_visible()
    assert counts(client, "past/v1") == {"person": 1, "car": 3}


def test_two_versions_are_compared_by_label(signed_in: Page, server: RunningServer, client: Client, make: Make) -> None:
    make.version("two/v1")
    client.versions.fork("two/v1", "two/v2")
    client.labels.rename("two/v2", "person", "walker")
    client.labels.remove("two/v2", "car", delete_annotations=True)
    signed_in.goto(f"{server.url}/datasets/two")
    signed_in.get_by_label("From").select_option("v1")
    signed_in.get_by_label("To").select_option("v2")
    signed_in.get_by_role("button", name="Compare").click()
    expect(signed_in.get_by_role("heading", name="From v1@4 to v2@3")).to_be_visible()
    expect(signed_in.get_by_role("row").filter(has_text="walker")).to_contain_text("was person")
    expect(signed_in.get_by_role("row").filter(has_text="car")).to_contain_text("removed")
    expect(signed_in.get_by_text("shapes, 4 before, 1 after")).to_be_visible()


def test_datasets_are_searched_sorted_and_paged_by_their_address(
    signed_in: Page, server: RunningServer, client: Client
) -> None:
    for number in range(26):
        client.versions.create(f"many{number:02}/v1")
    signed_in.goto(f"{server.url}/datasets?q=many&sort=name")
    names = signed_in.locator(".dataset-name h2")
    expect(names).to_have_count(24)
    expect(names.first).to_have_text("many00")
    signed_in.get_by_role("link", name="Next page").click()
    expect(signed_in).to_have_url(f"{server.url}/datasets?q=many&sort=name&page=2")
    expect(names).to_have_text(["many24", "many25"])
    signed_in.keyboard.press("/")
    signed_in.keyboard.press("Control+a")
    signed_in.keyboard.type("many07")
    signed_in.keyboard.press("Enter")
    expect(names).to_have_text(["many07"])
    signed_in.goto(f"{server.url}/datasets?q=nothing-like-it")
    expect(signed_in.get_by_role("heading", name="No Dataset is called “nothing-like-it”")).to_be_visible()
