"""What every page is made with: who visits, the template, and what is shown where something is refused."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pixmill.errors import Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn, PixmillError
from pixmill_server import wiring
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.origins import is_own_origin
from pixmill_server.accounts.sessions import actor_of_session
from pixmill_server.web import phrases
from pixmill_server.web.static_files import STATIC

SESSION_COOKIE = "pixmill_session"
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_STATUSES: dict[type[PixmillError], HTTPStatus] = {
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    Forbidden: HTTPStatus.FORBIDDEN,
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
}


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the main navigation."""

    name: str
    href: str
    icon: str
    key: str
    """Pressed after g, it goes there."""
    is_current: bool


_NAVIGATION = tuple(
    (name, f"/{name.lower()}", name.lower(), name[0].lower())
    for name in ("Datasets", "Processings", "Models", "Jobs", "Settings")
)
# Stylesheets of every page; a page adds those of its own part.
_SHARED_STYLES = ("tokens", "base", "layout", "components", "fields", "dialog", "chart")


class PageRoute(APIRoute):
    """Answers a refusal with a page; who is not signed in is led to where one signs in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with refusals turned into pages."""
        handle = super().get_route_handler()

        async def handle_or_explain(request: Request) -> Response:
            try:
                return await handle(request)
            except NotSignedIn:
                return RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
            except PixmillError as error:
                return _refusal(request, error)

        return handle_or_explain


def page_router() -> APIRouter:
    """A router whose answers are pages."""
    return APIRouter(route_class=PageRoute, default_response_class=HTMLResponse, include_in_schema=False)


def services_of(request: Request) -> wiring.Services:
    """What this server was wired with."""
    return cast("wiring.Services", request.app.state.services)


def visitor_of(request: Request) -> Actor:
    """By session cookie; a change must come from a page of this very server."""
    secret = request.cookies.get(SESSION_COOKIE)
    if not secret:
        raise NotSignedIn("You are not signed in.")
    require_own_origin(request)
    return actor_of_session(services_of(request).accounts, secret)


def require_own_origin(request: Request) -> None:
    """Refuse a change that another site's page asked for."""
    if request.method in _SAFE_METHODS:
        return
    origin, host = request.headers.get("Origin", ""), request.headers.get("Host", "")
    public_url = services_of(request).settings.public_url
    if not is_own_origin(origin, scheme=request.url.scheme, host=host, public_url=public_url):
        raise Forbidden("A change asked for by another site's page is refused.", hint="Use Pixmill's own pages.")


async def given_services(request: Request) -> wiring.Services:
    """As `services_of`; asynchronous, for else each request would take a thread for it."""
    return services_of(request)


Services = Annotated[wiring.Services, Depends(given_services)]
Visitor = Annotated[Actor, Depends(visitor_of)]


def render(request: Request, template: str, *, status: int = HTTPStatus.OK, **values: object) -> HTMLResponse:
    """One page; `values` are what the template names."""
    shared = {"navigation": _navigation(request.url.path), "shared_styles": _SHARED_STYLES}
    text = _ENVIRONMENT.get_template(template).render(**shared, **values)
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})


def part(template: str, **values: object) -> Markup:
    """A part of a page with much in it; included, each of its pieces would pass through every template around it."""
    return Markup(_ENVIRONMENT.get_template(template).render(**values))  # noqa: S704 - a template's own output


def explain(request: Request, status: HTTPStatus, title: str, message: str, *, hint: str = "") -> HTMLResponse:
    """A page in place of the one that was asked for; with the navigation for who has a session."""
    layout = "base.html" if request.cookies.get(SESSION_COOKIE) else "gate.html"
    return render(request, "error.html", status=status, layout=layout, title=title, message=message, hint=hint)


def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pixmill_server.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"static": STATIC.root, "module": STATIC.module}
    environment.filters |= {"duration": phrases.duration, "age": phrases.age, "count_of": phrases.count_of}
    return environment


_ENVIRONMENT = _make_environment()


def _navigation(path: str) -> list[NavigationItem]:
    return [NavigationItem(name, href, icon, key, path.startswith(href)) for name, href, icon, key in _NAVIGATION]


def _refusal(request: Request, error: PixmillError) -> HTMLResponse:
    kinds = (kind for kind in type(error).__mro__ if kind in _STATUSES)
    status = _STATUSES[next(kinds, InvalidInput)]
    title = {HTTPStatus.NOT_FOUND: "Not found", HTTPStatus.FORBIDDEN: "Refused"}.get(status, "That cannot be done")
    return explain(request, status, title, error.message, hint=error.hint)
