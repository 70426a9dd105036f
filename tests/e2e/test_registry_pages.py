"""Processings are written, broken and mended in a browser, models uploaded and pulled, tokens made and revoked."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pixmill_server.model_registry.queries import list_models
from pixmill_server.settings import read_settings
from tests.running_server import RunningServer, serve

DETECTOR = Path(__file__).parents[2] / "sample" / "street_yolo.onnx"
MODEL = DETECTOR.read_bytes()
BAD = "changed"


class Mirror(BaseHTTPRequestHandler):
    """Serves the model of the Hub, and under another path bytes that are not it."""

    def do_GET(self) -> None:
        body = MODEL[:-1] + b"!" if BAD in self.path else MODEL
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, bundle: Path, mirror: str) -> Iterator[RunningServer]:
    """With a Hub of the test's own: one model that is as it was signed off, and one that is not."""
    folder = tmp_path_factory.mktemp("registry")
    entry = {
        "title": "Street scenes",
        "task": "detection",
        "framework": "onnx",
        "family": "yolov8",
        "licence": "Apache-2.0",
        "licence_url": "http://127.0.0.1/licence",
        "file": "model.onnx",
        "sha256": hashlib.sha256(MODEL).hexdigest(),
        "size_bytes": len(MODEL),
        "labels": "two",
        "parameters": {},
    }
    models = [{**entry, "name": name, "address": f"{mirror}/{name}"} for name in ("good", BAD)]
    hub = folder / "hub.json"
    hub.write_text(json.dumps({"labels": {"two": ["person", "car"]}, "models": models}))
    settings = {"PIXMILL_DATA": str(folder / "data"), "PIXMILL_BUNDLE": str(bundle), "PIXMILL_HUB": str(hub)}
    with serve(read_settings(settings)) as running:
        yield running


def test_a_processing_is_written_broken_mended_and_edited_in_the_browser(
    signed_in: Page, server: RunningServer
) -> None:
    signed_in.goto(f"{server.url}/processings")
    signed_in.get_by_role("link", name="New Processing").click()
    editor = signed_in.get_by_role("textbox", name="Or write it here")
    good = editor.input_value()
    editor.fill(good.replace("TagDarkImages", "TagNight").replace("import Annotated", "import NoSuchThing"))
    signed_in.get_by_role("button", name="Create").click()
    expect(signed_in.get_by_role("alert")).to_contain_text("ImportError")
    expect(signed_in.get_by_role("alert")).to_contain_text("NoSuchThing")
    editor.fill(good.replace("TagDarkImages", "TagNight"))
    editor.press("Control+s")
    expect(signed_in.get_by_role("heading", name="tag-night")).to_be_visible()
    expect(signed_in.get_by_role("status").filter(has_text="It is there")).to_be_visible()
    signed_in.get_by_role("link", name="Edit code").click()
    code = signed_in.get_by_role("textbox", name="Code")
    code.fill(code.input_value().replace("60.0", "75.0"))
    signed_in.get_by_role("button", name="Save as a new version").click()
    expect(signed_in.get_by_role("link", name="Version 2")).to_be_visible()
    expect(signed_in.get_by_role("row", name="threshold")).to_contain_text("75.0")


def test_the_editor_indents_and_lets_the_keyboard_out(signed_in: Page, server: RunningServer) -> None:
    signed_in.goto(f"{server.url}/processings/new")
    editor = signed_in.get_by_role("textbox", name="Or write it here")
    editor.fill("")
    editor.press_sequentially("if True:\npass")
    expect(editor).to_have_value("if True:\n    pass")
    editor.press("Shift+Tab")
    expect(editor).to_have_value("if True:\npass")
    editor.press("Escape")
    editor.press("Tab")
    expect(signed_in.get_by_role("button", name="Create")).to_be_focused()
    # What was typed is not lost unasked.
    signed_in.on("dialog", lambda dialog: dialog.accept())
    signed_in.goto(f"{server.url}/processings")


def test_a_public_processing_is_copied_and_its_defaults_set(signed_in: Page, server: RunningServer) -> None:
    signed_in.goto(f"{server.url}/processings/yolo-preannotation")
    expect(signed_in.get_by_role("link", name="Edit code")).to_have_count(0)
    signed_in.get_by_role("link", name="Defaults").click()
    signed_in.get_by_label("confidence").fill("0.4")
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_role("row", name="confidence")).to_contain_text("0.4 yours")


def test_a_model_file_is_uploaded_with_what_it_says_of_itself(signed_in: Page, server: RunningServer) -> None:
    signed_in.goto(f"{server.url}/models")
    expect(signed_in.get_by_role("heading", name="No Models yet")).to_be_visible()
    signed_in.get_by_role("link", name="Upload a model").click()
    pickle = {"name": "model.onnx", "mimeType": "application/octet-stream", "buffer": b"\x80\x02pickle"}
    signed_in.get_by_label("Model file").set_input_files(pickle)  # type: ignore[arg-type]  # a FilePayload is a dict
    signed_in.get_by_label("Address").fill("street-yolo/1")
    signed_in.get_by_role("button", name="Upload").click()
    expect(signed_in.get_by_role("status").filter(has_text="would run code")).to_be_visible()
    signed_in.get_by_label("Model file").set_input_files(DETECTOR)
    signed_in.get_by_role("button", name="Upload").click()
    expect(signed_in.get_by_role("heading", name="Register street_yolo.onnx")).to_be_visible()
    expect(signed_in.get_by_label("Classes")).to_have_value(
        "person\ncar\nbus\ntruck\nbicycle\ntraffic light\ntraffic sign\ndog"
    )
    signed_in.get_by_role("button", name="Register").click()
    expect(signed_in.get_by_role("heading", name="street-yolo/1")).to_be_visible()


def test_a_model_of_the_hub_is_pulled_and_one_that_was_changed_is_refused(
    signed_in: Page, server: RunningServer
) -> None:
    signed_in.goto(f"{server.url}/models")
    signed_in.get_by_role("button", name=f"Pull {BAD}").click()
    expect(signed_in.get_by_role("row", name=BAD)).to_contain_text("not the file that was signed off")
    signed_in.get_by_role("button", name="Pull good").click()
    expect(signed_in.get_by_role("heading", name="good/")).to_be_visible()
    found = {model.name for model in list_models(server.services.registry, server.owner.actor.organization_id)}
    assert "good" in found
    assert BAD not in found


def test_a_token_is_made_and_revoked_with_the_keyboard_alone(signed_in: Page, server: RunningServer) -> None:
    signed_in.goto(f"{server.url}/settings/tokens")
    signed_in.get_by_label("Name").focus()
    signed_in.keyboard.type("laptop")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("status").filter(has_text="Copy it now")).to_contain_text("pxm_")
    signed_in.get_by_role("row", name="laptop").get_by_role("button", name="Revoke").focus()
    signed_in.keyboard.press("Enter")
    dialog = signed_in.get_by_role("dialog", name="Revoke “laptop”?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    signed_in.keyboard.press("Tab")
    signed_in.keyboard.press("Enter")
    expect(signed_in.get_by_role("row", name="laptop")).to_have_count(0)
