"""Signing a browser in, by the link that `pixmill up` prints or by an API token, and out."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import NotSignedIn
from pixmill_server.accounts.sessions import (
    SESSION_LIFETIME,
    actor_of_session,
    begin_session,
    create_signin_link,
    end_session,
)
from pixmill_server.accounts.tokens import actor_of_token
from pixmill_server.web.page import SESSION_COOKIE, Services, page_router, render, require_own_origin, services_of

router = page_router()


@router.get("/")
def home() -> Response:
    """Datasets are where the work begins."""
    return RedirectResponse("/datasets", HTTPStatus.SEE_OTHER)


@router.get("/sign-in")
def sign_in_page(request: Request, services: Services, link: str = "") -> Response:
    """Use a link up, or ask for a token. A link that is used up does not matter to who is signed in already."""
    if not link:
        return render(request, "sign_in.html", title="Sign in", refused="")
    try:
        return _signed_in(request, begin_session(services.accounts, link))
    except NotSignedIn as error:
        if _has_session(request, services):
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        return _refused(request, error)


@router.post("/sign-in")
def sign_in_by_token(request: Request, services: Services, token: Annotated[str, Form()]) -> Response:
    """Begin a session for whose token it is."""
    require_own_origin(request)
    try:
        actor = actor_of_token(services.accounts, token.strip())
    except NotSignedIn as error:
        return _refused(request, error)
    return _signed_in(request, begin_session(services.accounts, create_signin_link(services.accounts, actor)))


@router.post("/sign-out")
def sign_out(request: Request, services: Services) -> Response:
    """End this browser's session."""
    require_own_origin(request)
    end_session(services.accounts, request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _signed_in(request: Request, secret: str) -> Response:
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure="https" in (request.url.scheme, services_of(request).settings.public_url.partition(":")[0]),
    )
    return answer


def _refused(request: Request, error: NotSignedIn) -> Response:
    return render(request, "sign_in.html", status=HTTPStatus.UNAUTHORIZED, title="Sign in", refused=error.message)


def _has_session(request: Request, services: Services) -> bool:
    try:
        actor_of_session(services.accounts, request.cookies.get(SESSION_COOKIE, ""))
    except NotSignedIn:
        return False
    return True
