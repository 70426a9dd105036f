"""Turns what went wrong over HTTP into the errors of `pixmill.errors`."""

import json
from http import HTTPStatus
from typing import NoReturn

import httpx2
from pydantic import ValidationError

from pixmill.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    NotSignedIn,
    PixmillError,
    ServerUnreachable,
)
from pixmill.wire.problems import PROBLEM_TYPE, Problem


class ServerError(PixmillError):
    """The server answered with a mistake of its own, or with something that is not Pixmill's."""

    code = "server-error"


class NothingThere(NotFound):
    """`NotFound`, in the server's words."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        PixmillError.__init__(self, message, hint=hint)
        self.kind = self.name = ""


_KINDS: dict[int, type[PixmillError]] = {
    HTTPStatus.BAD_REQUEST: InvalidInput,
    HTTPStatus.UNAUTHORIZED: NotSignedIn,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NothingThere,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Conflict,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: InvalidInput,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidInput,
}


def raise_for_refusal(answer: httpx2.Response) -> None:
    """Nothing for an answer that worked (read before); else its error, with the problem's `code`."""
    if answer.is_success:
        return
    problem = _problem(answer)
    if problem is None:
        raise ServerError(
            f"{answer.request.url} answered {answer.status_code} {answer.reason_phrase}, not as Pixmill does.",
            hint="Check the address: `pixmill login URL` or PIXMILL_URL.",
        )
    raise error_of(problem)


def error_of(problem: Problem | None) -> PixmillError:
    """The error that a problem stands for; None: the server stopped in the middle of an answer."""
    if problem is None:
        return ServerError("The server stopped in the middle of its answer.", hint="Try again.")
    error = _KINDS.get(problem.status, ServerError)(problem.detail or problem.title, hint=problem.hint)
    error.code = problem.type.removeprefix(PROBLEM_TYPE)
    if isinstance(error, InvalidInput):
        error.field = problem.field
    return error


def raise_unreachable(url: str, error: httpx2.TransportError) -> NoReturn:
    """`ServerUnreachable`, naming the address and what to do."""
    why = str(error) or type(error).__name__
    raise ServerUnreachable(
        f"No answer from {url}: {why}.", hint="Start it with `pixmill up`, or give another address with PIXMILL_URL."
    ) from error


def _problem(answer: httpx2.Response) -> Problem | None:
    try:
        problem = Problem.model_validate(json.loads(answer.content))
    except (ValueError, ValidationError):
        return None
    return problem if problem.type.startswith(PROBLEM_TYPE) else None
