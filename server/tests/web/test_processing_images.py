import httpx2

from server.tests.web.browsing import browser, shared

__all__ = ["browser", "shared"]

DECLARATION = 'name = "box-all"\ntitle = "Box every image"\ncommand = ["run", "--all"]\n'


def test_an_image_is_declared_shown_and_changed(browser: httpx2.Client) -> None:
    typed = {"image": "registry.test:5000/box-all:2", "flags": "--shm-size=1g --user=1000", "declaration": DECLARATION}
    made = browser.post("/processings/new/image", data=typed)
    assert made.headers["location"] == "/processings/box-all?saved=new"
    page = browser.get("/processings/box-all").text
    for fact in ("registry.test:5000/box-all<", ">2</dd>", "--shm-size=1g --user=1000", "run --all", "Declaration"):
        assert fact in page
    assert "Edit code" not in page
    form = browser.get("/processings/new/image?of=box-all").text
    assert 'value="registry.test:5000/box-all:2"' in form
    again = browser.post("/processings/new/image", data={**typed, "image": "registry.test:5000/box-all:3"})
    assert again.headers["location"] == "/processings/box-all?saved=version"


def test_what_is_wrong_with_an_image_is_said_at_its_field(browser: httpx2.Client) -> None:
    for typed, field in (
        ({"image": "NO <image>", "flags": "", "declaration": DECLARATION}, "image"),
        ({"image": "box:1", "flags": "--privileged", "declaration": DECLARATION}, "flags"),
        ({"image": "box:1", "flags": "", "declaration": "name ="}, "declaration"),
    ):
        answer = browser.post("/processings/new/image", data=typed)
        assert answer.status_code == 422
        place = answer.text.index(f'id="field-{field}"')
        assert 'aria-invalid="true"' in answer.text[place : place + 700]
        assert "<image>" not in answer.text


def test_an_image_has_no_code_to_edit_or_copy(browser: httpx2.Client) -> None:
    browser.post("/processings/new/image", data={"image": "box:1", "flags": "", "declaration": DECLARATION})
    assert browser.get("/processings/box-all/edit").status_code == 422
    assert browser.post("/processings/box-all/copy", data={"to": "other-box"}).status_code == 422
