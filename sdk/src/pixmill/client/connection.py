"""HTTP to one server: JSON in and out as wire models, pages as iterators, streams as they come."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol, TypeVar

import httpx2
from pydantic import BaseModel

from pixmill.client.credentials import Credentials
from pixmill.client.refusals import ServerError, raise_for_refusal, raise_unreachable

API_PREFIX = "/api/v1"
_TIMEOUT = httpx2.Timeout(60.0, connect=5.0)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
Parameter = str | int | float | bool | None
Body = bytes | Iterable[bytes]

T = TypeVar("T", bound=BaseModel)
Item_co = TypeVar("Item_co", covariant=True)


class Page(Protocol[Item_co]):
    """Any `...Page` of `pixmill.wire`."""

    @property
    def items(self) -> Sequence[Item_co]:
        """What is on it."""
        ...

    @property
    def next_cursor(self) -> str | None:
        """None: this is the last one."""
        ...


class Connection:
    """Speaks to one server; may be shared by threads. Paths are below `/api/v1`."""

    def __init__(self, credentials: Credentials) -> None:
        self.url = credentials.url
        try:
            # A proxy never knows the way to this very machine.
            local = httpx2.URL(credentials.url).host in _LOOPBACK
            headers = {"Authorization": f"Bearer {credentials.token}"} if credentials.token else {}
            self._http = httpx2.Client(
                base_url=credentials.url + API_PREFIX, headers=headers, timeout=_TIMEOUT, trust_env=not local
            )
        except httpx2.InvalidURL as error:
            raise ServerError(
                f"'{credentials.url}' is no address: {error}.", hint="Give one like http://127.0.0.1:8760."
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def ask(
        self,
        method: Method,
        path: str,
        answer: type[T],
        *,
        send: BaseModel | None = None,
        parameters: Mapping[str, Parameter] | None = None,
    ) -> T:
        """Send a wire model (None: nothing), get another."""
        got = self.raw(method, path, parameters=parameters, content=send.model_dump_json().encode() if send else None)
        return answer.model_validate_json(got.content)

    def do(
        self,
        method: Method,
        path: str,
        *,
        send: BaseModel | None = None,
        parameters: Mapping[str, Parameter] | None = None,
    ) -> None:
        """Ask for something that has no answer."""
        self.raw(method, path, parameters=parameters, content=send.model_dump_json().encode() if send else None)

    def raw(
        self,
        method: Method,
        path: str,
        *,
        content: Body | None = None,
        media_type: str = "application/json",
        parameters: Mapping[str, Parameter] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx2.Response:
        """The whole answer, read; raises what the server refused. An iterable of bytes is streamed as it comes."""
        sent = {**(headers or {}), **({"Content-Type": media_type} if content is not None else {})}
        timeout = _TIMEOUT if timeout_seconds is None else httpx2.Timeout(timeout_seconds, connect=5.0)
        try:
            answer = self._http.request(
                method, path, content=content, params=_given(parameters), headers=sent, timeout=timeout
            )
        except httpx2.TransportError as error:
            raise_unreachable(self.url, error)
        raise_for_refusal(answer)
        return answer

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        method: Method = "GET",
        content: bytes | None = None,
        parameters: Mapping[str, Parameter] | None = None,
        headers: Mapping[str, str] | None = None,
        read_timeout_seconds: float | None = 60.0,
    ) -> Iterator[httpx2.Response]:
        """An answer to be read as it comes; None: it may be silent for as long as it likes."""
        timeout = httpx2.Timeout(60.0, connect=5.0, read=read_timeout_seconds)
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if content is not None else {})}
        try:
            with self._http.stream(
                method, path, params=_given(parameters), headers=sent, content=content, timeout=timeout
            ) as answer:
                if not answer.is_success:
                    answer.read()
                    raise_for_refusal(answer)
                yield answer
        except httpx2.TransportError as error:
            raise_unreachable(self.url, error)

    def pages(
        self, path: str, page: type[T], *, parameters: Mapping[str, Parameter] | None = None, limit: int | None = None
    ) -> Iterator[T]:
        """Every page, each asked for when it is wanted; `limit` items a page (None: as the server likes)."""
        cursor: str | None = None
        while True:
            got = self.ask("GET", path, page, parameters={**(parameters or {}), "limit": limit, "cursor": cursor})
            yield got
            cursor = getattr(got, "next_cursor", None)
            if cursor is None:
                return


def items_of(pages: Iterable[Page[Item_co]]) -> Iterator[Item_co]:
    """What is on them, one after another."""
    for page in pages:
        yield from page.items


def _given(parameters: Mapping[str, Parameter] | None) -> dict[str, str | int | float | bool]:
    return {name: value for name, value in (parameters or {}).items() if value is not None}
