"""How much a request may send: forms and JSON are read before their sender is known, and must not fill memory or disk.

Whoever it is may send a little; who is signed in, or has a token, what a form or a JSON document needs. A handler that
has authenticated its caller and reads pieces says itself how much it takes (`pixmill_server.api.uploads.allow_body`).
Files in forms are written to disk while they are read, so their sender is looked up before the first byte.
"""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pixmill.errors import NotSignedIn, PixmillError
from pixmill_server.accounts.tokens import actor_of_token
from pixmill_server.api.problems import problem, status_of
from pixmill_server.api.runtime import FENCE_HEADER
from pixmill_server.api.uploads import BODY_ALLOWANCE, Allowance
from pixmill_server.jobs.queue import authorize
from pixmill_server.web.page import explain, services_of, visitor_of

ANYBODYS_BYTES = 4 << 20
KNOWN_BYTES = 64 << 20
_RUNS = "/api/v1/runtime/runs/"
# What is left of a refused body is not read: the connection ends with the answer.
_CLOSE = {"Connection": "close"}


class BodyLimits:
    """Refuses what is too large with 413, and files of strangers before they are read."""

    def __init__(self, app: ASGIApp, *, forms: Mapping[str, int]) -> None:
        """`forms` are the paths of forms that take more than others, with their bytes."""
        self.app = app
        self.forms = forms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the body on piece by piece, as long as it is allowed."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        allowance = Allowance(ANYBODYS_BYTES)
        if _has_files(request):
            try:
                await run_in_threadpool(_require_known, request)
            except PixmillError as error:
                await _refusal(request, error)(scope, receive, send)
                return
            allowance = Allowance(self.forms.get(request.url.path, KNOWN_BYTES))
        scope[BODY_ALLOWANCE] = allowance
        await self.app(scope, partial(_receive, request, receive, allowance), send)


async def _receive(request: Request, receive: Receive, allowance: Allowance) -> Message:
    declared = request.headers.get("Content-Length", "")
    await _require_allowed(request, allowance, int(declared) if declared.isdecimal() else 0)
    message = await receive()
    allowance.received += len(message.get("body", b""))
    await _require_allowed(request, allowance, allowance.received)
    return message


async def _require_allowed(request: Request, allowance: Allowance, size: int) -> None:
    if size <= allowance.highest:
        return
    if allowance.highest < KNOWN_BYTES:
        try:
            await run_in_threadpool(_require_known, request)
        except PixmillError as error:
            detail = f"More than {allowance.highest} bytes are taken from nobody who is not signed in"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, _CLOSE) from error
        allowance.highest = KNOWN_BYTES
    if size > allowance.highest:
        detail = f"The request is larger than the {allowance.highest} bytes that are taken here"
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, _CLOSE)


def _has_files(request: Request) -> bool:
    return request.headers.get("Content-Type", "").lower().lstrip().startswith("multipart/")


def _require_known(request: Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        visitor_of(request)
    elif request.url.path.startswith(_RUNS):
        run_id, _, _ = request.url.path.removeprefix(_RUNS).partition("/")
        fence = request.headers.get(FENCE_HEADER, "")
        with services_of(request).database.reading() as session:
            authorize(session, run_id, token=token.strip(), fence=int(fence) if fence.isdecimal() else 0)
    else:
        actor_of_token(services_of(request).accounts, token.strip())


def _refusal(request: Request, error: PixmillError) -> Response:
    status = status_of(error)
    if request.url.path.startswith("/api/"):
        answer: Response = problem(status, error.code, error.message, hint=error.hint)
    elif isinstance(error, NotSignedIn):
        answer = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    else:
        answer = explain(request, status, "Refused", error.message, hint=error.hint)
    answer.headers.update(_CLOSE)
    return answer
