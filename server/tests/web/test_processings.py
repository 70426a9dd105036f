import httpx2
import pytest

from pixmill.environments import starter_source
from pixmill_server.processings.push import push
from pixmill_server.processings.queries import find_processing
from server.tests.web.browsing import browser, browser_of, shared
from tests.running_server import RunningServer

__all__ = ["browser", "shared"]


@pytest.fixture(scope="module")
def made(shared: RunningServer) -> str:
    """A private Processing of the owner's Organization."""
    source = starter_source("tag-dark-images").encode()
    return push(shared.services.processings, shared.owner.actor, source, file_name="tag_dark_images.py").name


def test_the_list_shows_public_and_private_ones_and_can_be_searched(browser: httpx2.Client, made: str) -> None:
    everything = browser.get("/processings").text
    assert "yolo-preannotation" in everything
    assert made in everything
    assert "yolo-preannotation</strong>" not in browser.get("/processings?q=too+dark").text
    assert f"{made}</strong>" not in browser.get("/processings?kind=pre-annotation").text
    assert f"{made}</strong>" in browser.get("/processings?whose=private").text
    assert "No such Processing" in browser.get("/processings?q=zzz").text


def test_a_page_shows_the_code_as_text_with_its_lines(browser: httpx2.Client, made: str) -> None:
    page = browser.get(f"/processings/{made}").text
    assert 'id="line-1"' in page
    assert 'class="py-nc">TagDarkImages</span>' in page


def test_what_is_wrong_with_the_code_is_shown_beside_it(browser: httpx2.Client) -> None:
    answer = browser.post("/processings/new", data={"source": "import no_such_module_<script>\n"})
    assert answer.status_code == 422
    assert "SyntaxError" in answer.text
    assert "no_such_module_&lt;script&gt;" in answer.text
    assert "<script>\n" not in answer.text


def test_code_that_cannot_be_imported_shows_its_stack_trace(browser: httpx2.Client) -> None:
    answer = browser.post("/processings/new", data={"source": "raise RuntimeError('not today')\n"})
    assert answer.status_code == 422
    assert "Traceback" in answer.text
    assert "RuntimeError: not today" in answer.text


def test_saving_in_the_editor_makes_a_version_and_the_same_again_none(browser: httpx2.Client, made: str) -> None:
    page = browser.get(f"/processings/{made}/edit")
    assert "Saving makes version 2" in page.text
    changed = starter_source(made).replace("60.0", "70.0").replace("\n", "\r\n")
    assert browser.post(f"/processings/{made}/edit", data={"source": changed}).headers["location"].endswith("version")
    assert browser.post(f"/processings/{made}/edit", data={"source": changed}).headers["location"].endswith("same")
    older = browser.get(f"/processings/{made}?version=1").text
    assert "version 1, not the newest" in older


def test_an_edit_cannot_become_another_processing_unseen(browser: httpx2.Client, made: str) -> None:
    answer = browser.post(f"/processings/{made}/edit", data={"source": starter_source("another")})
    assert answer.status_code == 422
    assert "This code is called &#39;another&#39;" in answer.text


def test_a_public_one_is_copied_and_not_edited(browser: httpx2.Client, shared: RunningServer, made: str) -> None:
    assert browser.get("/processings/yolo-preannotation/edit").status_code == 403
    taken = browser.post("/processings/yolo-preannotation/copy", data={"to": made})
    assert taken.status_code == 422
    assert "already" in taken.text
    named = browser.post(f"/processings/{made}/copy", data={"to": "Not A Name"})
    assert "cannot be called" in named.text
    done = browser.post(f"/processings/{made}/copy", data={"to": "dark-copy"})
    assert done.headers["location"] == "/processings/dark-copy?saved=copy"
    copy = find_processing(shared.services.processings, shared.owner.actor.organization_id, "dark-copy")
    original = find_processing(shared.services.processings, shared.owner.actor.organization_id, made)
    assert (copy.public, copy.newest.lock_key) == (False, original.newest.lock_key)


def test_defaults_are_set_and_an_empty_field_goes_back(browser: httpx2.Client, shared: RunningServer) -> None:
    organization = shared.owner.actor.organization_id
    address = "/processings/yolo-preannotation/defaults"
    wrong = browser.post(address, data={"p.confidence": "7"})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text
    browser.post(address, data={"p.confidence": "0.4", "p.iou": "0.45", "compute": "local"})
    found = find_processing(shared.services.processings, organization, "yolo-preannotation")
    assert found.defaults == {"confidence": 0.4}
    browser.post(address, data={"p.confidence": ""})
    assert find_processing(shared.services.processings, organization, "yolo-preannotation").defaults == {}


def test_a_file_is_uploaded_in_the_browser(browser: httpx2.Client) -> None:
    source = starter_source("from-a-file").encode()
    answer = browser.post("/processings/upload", files={"file": ("from_a_file.py", source)})
    assert answer.headers["location"] == "/processings/from-a-file?saved=new"
    refused = browser.post("/processings/upload", files={"file": ("notes.txt", b"hello")})
    assert "is no name of a Python file" in refused.text


def test_a_stranger_sees_no_private_one(shared: RunningServer, made: str) -> None:
    with browser_of(shared, shared.stranger) as stranger:
        assert stranger.get(f"/processings/{made}").status_code == 404
        assert f"{made}</strong>" not in stranger.get("/processings").text
