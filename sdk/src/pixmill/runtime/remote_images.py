"""Fetches images that lie at somebody else's address, and refuses addresses that would lead into this network.

An address comes out of an imported file, so it is anybody's word: without a check it could read what only this machine
reaches. The host's addresses are looked up once and the connection is made to those that were checked.
"""

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

import httpx2

from pixmill.runtime.server import AssetUnreadable

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

MOST_BYTES: Final = 256 << 20
_MOST_SECONDS: Final = 120.0
_TIMEOUT_SECONDS: Final = 30.0
_MOST_REDIRECTS: Final = 5
_SCHEMES: Final = frozenset({"http", "https"})
# An IPv6 address that stands for an IPv4 one: translated, 6to4, Teredo.
_TRANSLATED: Final = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def _direct_client() -> httpx2.Client:
    # No connection is used twice: one that was made to a number was checked for one name only.
    limits = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.Client(timeout=_TIMEOUT_SECONDS, limits=limits, trust_env=False)


@dataclass(frozen=True, slots=True)
class RemoteImages:
    """Never sees the Run's token. Safe to use from several threads."""

    allowed: Sequence[Network] = ()
    """Networks that are not public, out of which images may be fetched all the same."""
    most_bytes: int = MOST_BYTES
    clock: Callable[[], float] = time.monotonic
    _client: httpx2.Client = field(default_factory=_direct_client, repr=False)

    @classmethod
    def of(cls, networks: Sequence[str]) -> "RemoteImages":
        """With networks such as `10.1.0.0/16`; raises `ValueError` for what is none."""
        return cls([ip_network(one) for one in networks])

    def read(self, address: str) -> bytes:
        """All bytes; raises `AssetUnreadable` with the reason where it is refused, too large, too slow or not there."""
        until = self.clock() + _MOST_SECONDS
        url = address
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                found = self._get(httpx2.URL(url), until)
                if isinstance(found, bytes):
                    return found
                url = found
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise AssetUnreadable(f"the image cannot be fetched: {error}") from error
        raise AssetUnreadable(f"'{address}' leads on and on to other addresses")

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _get(self, url: httpx2.URL, until: float) -> bytes | str:
        """The bytes, or the address that it leads on to."""
        request = self._client.build_request(
            "GET",
            url.copy_with(host=str(self._checked(url))),
            headers={"Host": url.netloc.decode("ascii")},
            # The certificate is that of the name, not of the number.
            extensions={"sni_hostname": url.host},
        )
        answer = self._client.send(request, stream=True)
        try:
            if "location" in answer.headers and answer.is_redirect:
                return str(url.join(answer.headers["location"]))
            answer.raise_for_status()
            return self._body(answer, until)
        finally:
            answer.close()

    def _body(self, answer: httpx2.Response, until: float) -> bytes:
        content = bytearray()
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > self.most_bytes:
                raise AssetUnreadable(f"the image at this address has more than {self.most_bytes} bytes")
            if self.clock() > until:
                raise AssetUnreadable(f"the image at this address did not come within {_MOST_SECONDS:.0f} seconds")
        return bytes(content)

    def _checked(self, url: httpx2.URL) -> Address:
        """Where to connect to; raises `AssetUnreadable` where any address of the host is not for everybody."""
        if url.scheme not in _SCHEMES or not url.host:
            raise AssetUnreadable(f"'{url}' is no http or https address")
        try:
            found = socket.getaddrinfo(url.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise AssetUnreadable(f"the host '{url.host}' is not found: {error}") from error
        addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        for one in addresses:
            if not is_public(one) and not any(one in network for network in self.allowed):
                raise AssetUnreadable(
                    f"'{url.host}' is at {one}, which is not a public address; "
                    f"the operator can allow its network with PIXMILL_REFERENCE_NETWORKS"
                )
        return addresses[0]


def is_public(address: Address) -> bool:
    """Whether it means the same machine to everybody."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast
