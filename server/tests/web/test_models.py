import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from pixmill_server.model_registry.queries import find_model_version
from server.tests.web.browsing import browser, browser_of, shared
from tests.running_server import RunningServer

__all__ = ["browser", "shared"]

DETECTOR = Path(__file__).parents[3] / "sample" / "street_yolo.onnx"


def uploaded(browser: httpx2.Client, content: bytes, *, name: str, to: str) -> httpx2.Response:
    return browser.post("/models/new", files={"file": (name, content)}, data={"to": to}, timeout=60)


def test_a_registry_without_models_says_how_one_gets_there(shared: RunningServer) -> None:
    with browser_of(shared, shared.stranger) as stranger:
        page = stranger.get("/models").text
    assert "No Models yet" in page
    assert "/models/new" in page
    assert 'data-pull="/api/v1/hub/' in page


def test_a_file_that_says_everything_is_registered_as_it_says(browser: httpx2.Client, shared: RunningServer) -> None:
    sent = uploaded(browser, DETECTOR.read_bytes(), name="street_yolo.onnx", to="street/1")
    address = sent.headers["location"]
    form = browser.get(address).text
    assert "person" in form
    classes = re.search(r'<textarea id="field-labels"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    assert classes is not None
    family = re.search(r'<option value="(\w+)" selected>\w+: ', form)
    assert family is not None
    typed = {"to": "street/1", "task": "detection", "family": family[1], "labels": classes[1], "licence": "Apache-2.0"}
    done = browser.post(address, data=typed)
    assert done.headers["location"] == "/models/street/1?saved=1"
    found = find_model_version(shared.services.registry, shared.owner.actor.organization_id, "street/1")
    assert (found.task, found.licence, found.labels[0]) == ("detection", "Apache-2.0", "person")
    assert "input_size" in found.parameters
    page = browser.get("/models/street/1").text
    assert found.files[0].digest in page
    assert browser.get("/models/street").status_code == 200


def test_what_is_missing_or_wrong_is_said_at_its_field(browser: httpx2.Client) -> None:
    address = uploaded(browser, DETECTOR.read_bytes(), name="street_yolo.onnx", to="x/1").headers["location"]
    for typed, field in (
        ({"to": "x/1", "task": "classification", "labels": ""}, "labels"),
        ({"to": "a b/1", "task": "classification", "labels": "person"}, "to"),
        ({"to": "x/1", "task": "detection", "labels": "one\ntwo"}, "family"),
    ):
        answer = browser.post(address, data=typed)
        assert answer.status_code == 422
        control = re.search(rf'id="field-{field}"[^>]*>', answer.text)
        assert control is not None
        assert 'aria-invalid="true"' in control[0]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("model.pt", b"\x80\x02pickle", "is no model file"),
        ("model.onnx", b"\x80\x02pickle", "would run code"),
        ("model.onnx", b"not a model", "model.onnx"),
        ("model.tflite", b"<script>alert(1)</script>", "model.tflite"),
    ],
)
def test_what_is_no_model_is_refused_before_it_is_described(
    browser: httpx2.Client, name: str, content: bytes, why: str
) -> None:
    answer = uploaded(browser, content, name=name, to="bad/1")
    assert answer.status_code == 422
    assert why in answer.text


def test_the_address_of_the_description_names_the_bytes(browser: httpx2.Client) -> None:
    address = uploaded(browser, DETECTOR.read_bytes(), name="street_yolo.onnx", to="x").headers["location"]
    assert len(parse_qs(urlsplit(address).query)["file"][0]) == 64
    missing = browser.get("/models/new/describe", params={"file": "0" * 64, "name": "a.onnx"})
    assert missing.status_code == 404


def test_models_are_found_by_class(browser: httpx2.Client) -> None:
    assert "<strong>street</strong>" in browser.get("/models?q=bicycle").text
    assert "No such Model" in browser.get("/models?q=submarine").text
