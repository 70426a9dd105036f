"""The web application: every `router` of `api` under `/api/v1`, every `router` of `web` at the root.

A module with a `router` is found by its name; adding one needs no second edit.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import ModuleType

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import pixmill_server
from pixmill_server import api
from pixmill_server.api.problems import answer_with_problems
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
    app.state.services = services
    answer_with_problems(app)
    for router in _routers(api):
        app.include_router(router, prefix=API_PREFIX)
    if importlib.util.find_spec("pixmill_server.web"):
        for router in _routers(importlib.import_module("pixmill_server.web")):
            app.include_router(router, include_in_schema=False)
    _serve_files(app, services)
    app.add_middleware(SecurityHeaders)
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


def _routers(package: ModuleType) -> Iterator[APIRouter]:
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        router = getattr(importlib.import_module(found.name), "router", None)
        if isinstance(router, APIRouter):
            yield router


def _serve_files(app: FastAPI, services: Services) -> None:
    vendor = services.settings.bundle / "vendor"
    if vendor.is_dir():
        app.mount("/vendor", StaticFiles(directory=vendor), name="vendor")
    spec = importlib.util.find_spec("pixmill_server.web")
    for folder in spec.submodule_search_locations or () if spec else ():
        app.mount("/static", StaticFiles(directory=f"{folder}/static", check_dir=False), name="static")


def _operation_id(route: APIRoute) -> str:
    return route.name
