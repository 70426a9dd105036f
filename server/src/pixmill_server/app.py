"""The web application: every `router` of `api` under `/api/v1`, every `router` of `web` at the root.

A module with a `router` is found by its name; adding one needs no second edit.
"""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache, partial
from types import ModuleType

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

import pixmill_server
from pixmill_server import api, web
from pixmill_server.api.openapi import describe
from pixmill_server.api.problems import answer_with_problems
from pixmill_server.body_limits import BodyLimits
from pixmill_server.web import model_upload, static_files
from pixmill_server.web.not_pages import answer_browsers_with_pages
from pixmill_server.wiring import Services

API_PREFIX = "/api/v1"
# Nothing from elsewhere, nothing inline; images may also be blobs that our own modules made.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(services: Services) -> FastAPI:
    """One application on these services; closes them when it ends."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        services.close()

    app = create_api(lifespan)
    app.state.services = services
    for router in _routers(web):
        app.include_router(router, include_in_schema=False)
    answer_browsers_with_pages(app)
    app.add_route(f"{static_files.PREFIX}/{{path:path}}", static_files.read_static_file)
    app.add_middleware(BodyLimits, forms={model_upload.PATH: model_upload.LARGEST_BYTES})
    # Last is outermost: refusals of the others carry the headers too.
    app.add_middleware(SecurityHeaders)
    return app


def create_api(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """REST alone; answers nothing that needs services until it has some."""
    app = FastAPI(
        title="Pixmill",
        version=pixmill_server.__version__,
        summary="Run code over image datasets, on demand.",
        openapi_url=f"{API_PREFIX}/openapi.json",
        # The interactive pages would load code from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    answer_with_problems(app)
    for router in _routers(api):
        app.include_router(router, prefix=API_PREFIX)
    for router in _routers(api, "root_router"):
        app.include_router(router)
    # Replacing the method is how FastAPI lets its description be changed.
    setattr(app, "openapi", cache(partial(describe, app)))  # noqa: B010 - mypy forbids to assign to a method
    return app


class SecurityHeaders:
    """Adds to every answer what tells a browser to be careful; an answer's own header stays."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on as it comes; streams stay streams."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _routers(package: ModuleType, name: str = "router") -> Iterator[APIRouter]:
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        router = getattr(importlib.import_module(found.name), name, None)
        if isinstance(router, APIRouter):
            yield router


def _operation_id(route: APIRoute) -> str:
    return route.name
