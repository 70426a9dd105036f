import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from pixmill_server.body_limits import ANYBODYS_BYTES, KNOWN_BYTES
from pixmill_server.web.model_upload import LARGEST_BYTES
from server.tests.web.browsing import browser, shared
from tests.running_server import PATIENCE_SECONDS, RunningServer

__all__ = ["browser", "shared"]


def answer_to_begun_upload(url: str, path: str, *headers: str) -> str:
    """What comes back although the body has only begun and never goes on."""
    at = urlsplit(url)
    lines = (f"POST {path} HTTP/1.1", f"Host: {at.netloc}", f"Origin: {url}", *headers)
    # The time limit is only there so that a server that waits for more fails the test and does not hang it.
    with socket.create_connection((at.hostname or "", at.port or 0), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall("\r\n".join((*lines, "", "1\r\n0\r\n")).encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received.decode()


def zeros(size: int) -> Iterator[bytes]:
    """Bytes whose number is not told before."""
    for _ in range(size >> 16):
        yield bytes(1 << 16)


@pytest.mark.parametrize("path", ["/models/new", "/processings/upload", "/api/v1/datasets"])
@pytest.mark.parametrize("cookie", [[], ["Cookie: pixmill_session=unknown"], ["Authorization: Bearer pxm_unknown"]])
def test_a_strangers_file_of_unknown_length_is_refused_before_it_is_read(
    shared: RunningServer, path: str, cookie: list[str]
) -> None:
    sent = ("Content-Type: multipart/form-data; boundary=b", "Transfer-Encoding: chunked", *cookie)
    status = "401" if path.startswith("/api/") else "303"
    assert answer_to_begun_upload(shared.url, path, *sent).split()[1] == status


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/sign-in", "application/x-www-form-urlencoded"),
        ("/models/new", "application/x-www-form-urlencoded"),
        ("/api/v1/datasets", "application/json"),
        ("/api/v1/datasets", "application/octet-stream"),
        ("/api/v1/runtime/runs/x/events", "application/json"),
    ],
)
def test_a_stranger_who_declares_much_is_refused_before_it_is_read(shared: RunningServer, path: str, kind: str) -> None:
    length = f"Content-Length: {ANYBODYS_BYTES + 1}"
    sent = (f"Content-Type: {kind}", length, "Pixmill-Fence: 1", "Authorization: Bearer pxm_unknown")
    assert answer_to_begun_upload(shared.url, path, *sent).split()[1] == "413"


def test_what_a_stranger_sends_is_counted(shared: RunningServer) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx2.post(f"{shared.url}/api/v1/datasets", content=zeros(ANYBODYS_BYTES + (1 << 16)), headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


def test_who_is_known_sends_more_but_not_without_end(shared: RunningServer) -> None:
    headers = {"Authorization": f"Bearer {shared.owner.token}", "Content-Type": "application/json"}
    for size, status in ((ANYBODYS_BYTES * 2, 422), (KNOWN_BYTES + (1 << 16), 413)):
        answer = httpx2.post(f"{shared.url}/api/v1/datasets", content=zeros(size), headers=headers, timeout=60)
        assert answer.status_code == status


def test_a_browser_that_sends_too_much_gets_a_page(shared: RunningServer, browser: httpx2.Client) -> None:
    for path, kind, highest in (
        ("/processings/new", "application/x-www-form-urlencoded", KNOWN_BYTES),
        ("/processings/upload", "multipart/form-data; boundary=b", KNOWN_BYTES),
        ("/models/new", "multipart/form-data; boundary=b", LARGEST_BYTES),
    ):
        sent = (f"Content-Type: {kind}", f"Content-Length: {highest + 1}", "Accept: text/html")
        cookie = f"Cookie: pixmill_session={browser.cookies['pixmill_session']}"
        answer = answer_to_begun_upload(shared.url, path, *sent, cookie)
        assert answer.split()[1] == "413"
        assert f"larger than the {highest} bytes" in answer


def test_bytes_of_an_upload_are_read_from_who_is_known_only(shared: RunningServer) -> None:
    for path in ("model-files/" + "0" * 64, "runtime/runs/x/log?offset=0"):
        url = f"{shared.url}/api/v1/{path}"
        sent = {"Pixmill-Fence": "1", "Authorization": "Bearer pxm_unknown"}
        assert httpx2.put(url, content=b"", headers=sent).status_code == 401
