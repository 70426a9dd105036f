import re
import socket
from pathlib import Path

import httpx2
import pytest

from pixmill_server.web.static_files import StaticFiles
from server.tests.web.browsing import browser, shared
from tests.running_server import PATIENCE_SECONDS

__all__ = ["browser", "shared"]


@pytest.fixture
def page(browser: httpx2.Client) -> str:
    return browser.get("/datasets").text


def test_what_a_page_loads_may_be_kept_for_good(browser: httpx2.Client, page: str) -> None:
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert {Path(address).suffix for address in addresses} == {".css", ".js", ".svg"}
    answers = [browser.get(address) for address in addresses]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["cache-control"] for answer in answers} == {"public, max-age=31536000, immutable"}
    assert {answer.headers["content-type"].partition(";")[0] for answer in answers} == {
        "text/css",
        "text/javascript",
        "image/svg+xml",
    }


def test_another_style_gives_every_file_another_address(tmp_path: Path) -> None:
    (tmp_path / "one.css").write_text("a { color: red }")
    before = StaticFiles.read(tmp_path)
    (tmp_path / "one.css").write_text("a { color: blue }")
    assert StaticFiles.read(tmp_path).root != before.root


@pytest.mark.parametrize("root", ["/static", "/static/another-release"])
def test_what_another_release_asks_for_is_answered_but_not_kept(browser: httpx2.Client, root: str) -> None:
    answer = browser.get(f"{root}/css/base.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


def test_nothing_outside_the_folder_is_answered(browser: httpx2.Client, page: str) -> None:
    root = re.findall(r'"(/static/[^/]+)/', page)[0]
    for path in (f"{root}/../page.py", f"{root}/%2e%2e/page.py", f"{root}/css/../../page.py"):
        assert answer_to(browser.base_url, path).startswith("HTTP/1.1 404 "), path
    assert answer_to(browser.base_url, f"{root}/css/base.css").startswith("HTTP/1.1 200 ")


def answer_to(url: httpx2.URL, path: str) -> str:
    """To a path as it stands here: a client of HTTP would shorten it before it asks."""
    lines = (f"GET {path} HTTP/1.1", f"Host: {url.host}:{url.port}", "Connection: close", "", "")
    with socket.create_connection((url.host, url.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall("\r\n".join(lines).encode())
        with connection.makefile("rb") as answer:
            return answer.read().decode()


def test_a_script_comes_with_all_that_it_imports(tmp_path: Path) -> None:
    scripts = tmp_path / "js"
    (scripts / "viewer").mkdir(parents=True)
    (scripts / "viewer" / "main.js").write_text('import { a } from "./near.js";\nimport {\n  b,\n} from "../far.js";\n')
    (scripts / "viewer" / "near.js").write_text('import { b } from "../far.js";\n')
    (scripts / "far.js").write_text("export const b = 1;\n")
    static = StaticFiles.read(tmp_path)
    assert static.module("viewer/main.js") == (
        f'<script type="module" src="{static.root}/js/viewer/main.js"></script>'
        f'<link rel="modulepreload" href="{static.root}/js/far.js">'
        f'<link rel="modulepreload" href="{static.root}/js/viewer/near.js">'
    )
