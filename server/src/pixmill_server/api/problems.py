"""Errors as RFC 9457 problems. The one place that knows HTTP statuses of errors."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from obstore.exceptions import BaseError
from pydantic import JsonValue
from starlette.exceptions import HTTPException

from pixmill.errors import (
    Conflict,
    EnvironmentFailed,
    Forbidden,
    InvalidInput,
    NotFound,
    NotSignedIn,
    PixmillError,
    ProcessingError,
)
from pixmill.wire.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPE, Problem
from pixmill_server.db.engine import DatabaseFault, is_away
from pixmill_server.jobs.errors import RunIsOver
from pixmill_server.model_registry.errors import DownloadFailed
from pixmill_server.storage.room import is_full

logger = logging.getLogger(__name__)

_STATUSES: dict[type[PixmillError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    EnvironmentFailed: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProcessingError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    RunIsOver: HTTPStatus.GONE,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    DownloadFailed: HTTPStatus.BAD_GATEWAY,
}


def status_of(error: PixmillError) -> HTTPStatus:
    """Of the nearest class that has one; an error that no status fits is the server's."""
    for kind in type(error).__mro__:
        if kind in _STATUSES:
            return _STATUSES[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: PixmillError) -> Problem:
    """The error as a value, for answers that have begun already."""
    status = status_of(error)
    return Problem(
        type=PROBLEM_TYPE + error.code,
        title=status.phrase,
        status=status,
        detail=error.message,
        hint=error.hint,
        field=getattr(error, "field", ""),
    )


def problem(
    status: int, code: str, detail: str, *, hint: str = "", field: str = "", extra: dict[str, JsonValue] | None = None
) -> JSONResponse:
    """One problem as an answer; `extra` are members of its own type."""
    content: dict[str, JsonValue] = {
        "type": PROBLEM_TYPE + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "hint": hint,
        "field": field,
        **(extra or {}),
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(content, status_code=status, media_type=PROBLEM_MEDIA_TYPE, headers=headers)


def answer_with_problems(app: FastAPI) -> None:
    """Make every error of this application a problem."""
    app.add_exception_handler(PixmillError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DatabaseFault, _away)
    app.add_exception_handler(OSError, _no_room)
    app.add_exception_handler(BaseError, _no_room)
    app.add_exception_handler(Exception, _broken)


def _refused(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, PixmillError):
        raise error
    extra = getattr(error, "extra", None)
    return problem(
        status_of(error), error.code, error.message, hint=error.hint, field=getattr(error, "field", ""), extra=extra
    )


def _invalid(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    said = []
    first = ""
    for one in error.errors():
        place = ".".join(str(part) for part in one["loc"][1:])
        first = first or place
        said.append(f"{place or one['loc'][0]}: {one['msg']}")
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-request",
        "The request is not understood: " + "; ".join(said) + ".",
        hint="See docs/reference/openapi.json.",
        field=first,
    )


def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    answer = problem(error.status_code, code, str(error.detail) + ".")
    answer.headers.update(error.headers or {})
    return answer


def _away(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, DatabaseFault) or not is_away(error):
        raise error
    logger.warning("the database is away", extra={"why": str(error.orig)})
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "database-away",
        "The database cannot be reached or written just now; nothing was changed half-way.",
        hint="Try again when it is back. The server's log says what is missing.",
    )


def _no_room(_request: Request, error: Exception) -> JSONResponse:
    if not is_full(error):
        raise error
    logger.warning("no room is left", extra={"why": str(error)})
    return problem(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "no-room",
        "There is no room left where Pixmill keeps its data; nothing was changed half-way.",
        hint="Make room on the server's disk, then try again.",
    )


def _broken(_request: Request, _error: Exception) -> JSONResponse:
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Pixmill has made a mistake; nothing was changed half-way.",
        hint="Its log, on the machine where it runs, has the details.",
    )
