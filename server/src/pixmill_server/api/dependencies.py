"""What handlers ask for: the Services of this server, and the Actor of this request."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from pixmill.errors import Forbidden, NotSignedIn
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.origins import is_own_origin
from pixmill_server.accounts.sessions import actor_of_session
from pixmill_server.accounts.tokens import actor_of_token

SESSION_COOKIE = "pixmill_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_bearer = HTTPBearer(auto_error=False, description="An API token: `pixmill login` keeps one for the command line.")


async def services_of(request: Request) -> wiring.Services:
    """What this server was wired with. Asynchronous, for else each request would take a thread for it."""
    return cast("wiring.Services", request.app.state.services)


def actor_of_request(
    request: Request,
    services: Annotated[wiring.Services, Depends(services_of)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Actor:
    """By bearer token, else by session cookie; a browser may change things only from our own pages."""
    if bearer is not None:
        return actor_of_token(services.accounts, bearer.credentials)
    secret = request.cookies.get(SESSION_COOKIE)
    if not secret:
        raise NotSignedIn("You are not signed in.", hint="Send a token: Authorization: Bearer pxm_...")
    if request.method not in _SAFE_METHODS:
        _refuse_other_origins(request, services.settings.public_url)
    return actor_of_session(services.accounts, secret)


async def asker_of_request(
    request: Request,
    services: Annotated[wiring.Services, Depends(services_of)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Callable[[], Actor]:
    """As `actor_of_request`, when it is called: in the handler's own thread, where each further one would cost 1 ms."""
    return partial(actor_of_request, request, services, bearer)


def _refuse_other_origins(request: Request, public_url: str) -> None:
    origin, host = request.headers.get("Origin", ""), request.headers.get("Host", "")
    if not is_own_origin(origin, scheme=request.url.scheme, host=host, public_url=public_url):
        raise Forbidden(
            f"A change asked for by a page of '{origin or 'an unknown place'}' is refused.",
            hint="Use Pixmill's own pages, or a token.",
        )


Services = Annotated[wiring.Services, Depends(services_of)]
CurrentActor = Annotated[Actor, Depends(actor_of_request)]
AskedBy = Annotated[Callable[[], Actor], Depends(asker_of_request)]
"""For what a page asks for by the dozen."""
