"""Images at somebody's address: fetched where the address is for everybody, or the operator allows it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network

import pytest

from pixmill.runtime.remote_images import RemoteImages, is_public
from pixmill.runtime.server import AssetUnreadable

IMAGE = b"an image"
ALLOWED = "127.0.0.2/32"


class Site(BaseHTTPRequestHandler):
    """Answers under every address of the loopback."""

    server: ThreadingHTTPServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        port = self.server.server_address[1]
        redirects = {
            "/moved": "/image.jpg",
            "/inward": f"http://127.0.0.1:{port}/image.jpg",
            "/file": "file:///etc/passwd",
            "/round": "/round",
        }
        if self.path in redirects:
            self.send_response(302)
            self.send_header("Location", redirects[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/gone":
            self.send_error(404)
        elif self.path == "/named":
            self._send(self.headers["Host"].encode())
        elif self.path == "/token":
            self._send(self.headers.get("Authorization", "no token").encode())
        else:
            self._send(IMAGE)

    def _send(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("0.0.0.0", 0), Site) as site:  # noqa: S104 - every address of the loopback is meant
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site.server_address[1]
        site.shutdown()
        thread.join()


@pytest.fixture
def images() -> Iterator[RemoteImages]:
    made = RemoteImages([ip_network(ALLOWED)], most_bytes=1000)
    yield made
    made.close()


def test_an_image_at_an_allowed_address_is_fetched_also_where_it_moved_to(images: RemoteImages, port: int) -> None:
    assert images.read(f"http://127.0.0.2:{port}/image.jpg") == IMAGE
    assert images.read(f"http://127.0.0.2:{port}/moved") == IMAGE


def test_the_site_is_told_its_name_and_no_token(images: RemoteImages, port: int) -> None:
    assert images.read(f"http://127.0.0.2:{port}/named") == f"127.0.0.2:{port}".encode()
    assert images.read(f"http://127.0.0.2:{port}/token") == b"no token"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
def test_an_address_that_leads_into_this_network_is_refused(images: RemoteImages, port: int, host: str) -> None:
    with pytest.raises(AssetUnreadable, match="is not a public address"):
        images.read(f"http://{host}:{port}/image.jpg")


def test_an_allowed_site_cannot_lead_on_to_one_that_is_not(images: RemoteImages, port: int) -> None:
    with pytest.raises(AssetUnreadable, match=r"127\.0\.0\.1, which is not a public address"):
        images.read(f"http://127.0.0.2:{port}/inward")
    with pytest.raises(AssetUnreadable, match="no http or https address"):
        images.read(f"http://127.0.0.2:{port}/file")


def test_an_address_that_leads_round_in_circles_ends(images: RemoteImages, port: int) -> None:
    with pytest.raises(AssetUnreadable, match="leads on and on"):
        images.read(f"http://127.0.0.2:{port}/round")


def test_an_image_that_is_not_there_is_said_to_be_missing(images: RemoteImages, port: int) -> None:
    with pytest.raises(AssetUnreadable, match="404"):
        images.read(f"http://127.0.0.2:{port}/gone")


def test_an_image_that_is_too_large_is_not_read_to_its_end(port: int) -> None:
    images = RemoteImages([ip_network(ALLOWED)], most_bytes=len(IMAGE) - 1)
    with pytest.raises(AssetUnreadable, match="more than 7 bytes"):
        images.read(f"http://127.0.0.2:{port}/image.jpg")
    images.close()


def test_an_image_that_comes_too_slowly_is_given_up(port: int) -> None:
    moments = iter([0.0, 1000.0])
    images = RemoteImages([ip_network(ALLOWED)], clock=lambda: next(moments))
    with pytest.raises(AssetUnreadable, match="within 120 seconds"):
        images.read(f"http://127.0.0.2:{port}/image.jpg")
    images.close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("224.0.0.1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_public_addresses_are_told_from_the_others(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
