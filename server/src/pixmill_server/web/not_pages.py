"""What a browser is shown for an address that is none, a form that is not understood, and a mistake of ours."""

from collections.abc import Callable
from http import HTTPStatus
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from pixmill_server.web.page import explain

_Answer = Callable[[Request, Exception], Response]
_NO_PAGES = ("/api/", "/static/")


def answer_browsers_with_pages(app: FastAPI) -> None:
    """Put pages before the answers that programs get, which stay for whoever does not ask for HTML."""
    for kind, answer in ((HTTPException, _http), (RequestValidationError, _invalid), (Exception, _broken)):
        otherwise = cast("_Answer", app.exception_handlers[kind])
        app.add_exception_handler(kind, _for_browsers(answer, otherwise))


def _for_browsers(answer: _Answer, otherwise: _Answer) -> _Answer:
    def answer_one(request: Request, error: Exception) -> Response:
        return (answer if _wants_page(request) else otherwise)(request, error)

    return answer_one


def _wants_page(request: Request) -> bool:
    is_page = not request.url.path.startswith(_NO_PAGES)
    return is_page and "text/html" in request.headers.get("Accept", "")


def _http(request: Request, error: Exception) -> Response:
    status = HTTPStatus(getattr(error, "status_code", HTTPStatus.INTERNAL_SERVER_ERROR))
    if status is HTTPStatus.NOT_FOUND:
        return explain(
            request, status, "Not found", f"There is no page at {request.url.path}.", hint="It may have been moved."
        )
    if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        answer = explain(request, status, "Too large", f"{getattr(error, 'detail', '')}.", hint="Send less at once.")
        answer.headers.update(getattr(error, "headers", None) or {})
        return answer
    return explain(request, status, status.phrase, f"This address does not answer to {request.method}.")


def _invalid(request: Request, error: Exception) -> Response:
    errors = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in errors)
    return explain(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "That is not understood",
        f"The request says {said}.",
        hint="Go back and try again.",
    )


def _broken(request: Request, _error: Exception) -> Response:
    return explain(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Pixmill has made a mistake",
        "Nothing was changed half-way.",
        hint="Its log, on the machine where it runs, has the details.",
    )
