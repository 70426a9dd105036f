"""Settings: profile, API tokens, secrets, usage, and what the server's machine can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from pixmill.errors import PixmillError
from pixmill_server.accounts.actor import Role
from pixmill_server.accounts.sessions import end_other_sessions
from pixmill_server.accounts.tokens import create_token, list_tokens, revoke_token
from pixmill_server.accounts.users import change_profile, find_user
from pixmill_server.computes.findings import Verdict, examine, kept_findings
from pixmill_server.jobs.usage import UsageLine, usage
from pixmill_server.processings.secrets import list_secrets, remove_secret, set_secret
from pixmill_server.web.page import SESSION_COOKIE, Services, Visitor, page_router, render
from pixmill_server.web.settings_tabs import tabs

LIFETIMES = (("", "until it is revoked"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year"))
SAVED = {"profile": "Saved.", "sessions": "Every other browser is signed out.", "looked": "Looked again, just now."}
GROUPS = 20

router = page_router()


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of usage; `part` is its share of the longest, 0 to 1."""

    line: UsageLine
    part: float


@router.get("/settings")
def profile_page(request: Request, services: Services, visitor: Visitor, saved: str = "") -> Response:
    """Who I am."""
    return _profile(request, services, visitor, saved=saved)


@router.post("/settings")
def save_profile(
    request: Request,
    services: Services,
    visitor: Visitor,
    name: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
) -> Response:
    """Call me something else."""
    try:
        change_profile(services.accounts, visitor, name=name, email=email.strip() or None)
    except PixmillError as error:
        return _profile(request, services, visitor, typed={"name": name, "email": email}, error=error)
    return RedirectResponse("/settings?saved=profile", HTTPStatus.SEE_OTHER)


@router.post("/settings/sign-out-others")
def sign_out_others(request: Request, services: Services, visitor: Visitor) -> Response:
    """End every session of mine but this one."""
    end_other_sessions(services.accounts, visitor, request.cookies.get(SESSION_COOKIE, ""))
    return RedirectResponse("/settings?saved=sessions", HTTPStatus.SEE_OTHER)


@router.get("/settings/tokens")
def tokens_page(request: Request, services: Services, visitor: Visitor) -> Response:
    """API tokens of mine."""
    return _tokens(request, services, visitor)


@router.post("/settings/tokens")
def new_token(
    request: Request,
    services: Services,
    visitor: Visitor,
    name: Annotated[str, Form()] = "",
    days: Annotated[str, Form()] = "",
) -> Response:
    """Make one; this answer is the only place where its secret is shown."""
    lifetime = timedelta(days=int(days)) if days in dict(LIFETIMES) and days else None
    try:
        token, secret = create_token(services.accounts, visitor, name.strip(), lifetime=lifetime)
    except PixmillError as error:
        return _tokens(request, services, visitor, refused=error.message)
    return _tokens(request, services, visitor, made=token.name, secret=secret)


@router.post("/settings/tokens/{token_id}/revoke")
def revoke(services: Services, visitor: Visitor, token_id: str) -> Response:
    """Make one worthless."""
    revoke_token(services.accounts, visitor, token_id)
    return RedirectResponse("/settings/tokens", HTTPStatus.SEE_OTHER)


@router.get("/settings/secrets")
def secrets_page(request: Request, services: Services, visitor: Visitor) -> Response:
    """What Processings may name; no value is ever shown."""
    return _secrets(request, services, visitor)


@router.post("/settings/secrets")
def keep_secret(
    request: Request,
    services: Services,
    visitor: Visitor,
    name: Annotated[str, Form()] = "",
    value: Annotated[str, Form()] = "",
) -> Response:
    """Keep a value, in place of one that was there."""
    try:
        set_secret(services.secrets, visitor, name.strip(), value)
    except PixmillError as error:
        return _secrets(request, services, visitor, name=name, error=error)
    return RedirectResponse("/settings/secrets", HTTPStatus.SEE_OTHER)


@router.post("/settings/secrets/{name}/remove")
def forget_secret(services: Services, visitor: Visitor, name: str) -> Response:
    """Forget one."""
    remove_secret(services.secrets, visitor, name)
    return RedirectResponse("/settings/secrets", HTTPStatus.SEE_OTHER)


@router.get("/settings/usage")
def usage_page(request: Request, services: Services, visitor: Visitor) -> Response:
    """What Runs took and cost."""
    with services.database.reading() as session:
        found = usage(session, visitor.organization_id, now=services.clock.now())
    groups = (("Processing", found.by_processing), ("Dataset", found.by_dataset), ("Month", found.by_month))
    return render(
        request,
        "settings_usage.html",
        tabs=tabs("usage"),
        total=found.total,
        groups=[(name, _bars(lines[:GROUPS]), max(len(lines) - GROUPS, 0)) for name, lines in groups],
    )


@router.get("/settings/doctor")
def doctor_page(request: Request, services: Services, _visitor: Visitor, saved: str = "") -> Response:
    """What was found the last time."""
    found = kept_findings(services.computes)
    return render(
        request,
        "settings_doctor.html",
        tabs=tabs("doctor"),
        findings=found,
        missing=sum(one.finding.verdict is Verdict.MISSING for one in found),
        warnings=sum(one.finding.verdict is Verdict.WARNING for one in found),
        saved=SAVED.get(saved, ""),
    )


@router.post("/settings/doctor")
def look_again(services: Services, _visitor: Visitor) -> Response:
    """Look at everything now."""
    examine(services.computes, services.probes())
    return RedirectResponse("/settings/doctor?saved=looked", HTTPStatus.SEE_OTHER)


def _profile(
    request: Request,
    services: Services,
    visitor: Visitor,
    *,
    typed: dict[str, str] | None = None,
    error: PixmillError | None = None,
    saved: str = "",
) -> Response:
    user = find_user(services.accounts, visitor.user_id)
    return render(
        request,
        "settings_profile.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        tabs=tabs("profile"),
        user=user,
        typed=typed or {"name": user.name, "email": user.email or ""},
        errors=_errors(error, ("name", "email")),
        saved=SAVED.get(saved, ""),
    )


def _tokens(
    request: Request, services: Services, visitor: Visitor, *, refused: str = "", made: str = "", secret: str = ""
) -> Response:
    return render(
        request,
        "settings_tokens.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        tabs=tabs("tokens"),
        tokens=list_tokens(services.accounts, visitor),
        lifetimes=LIFETIMES,
        now=services.clock.now(),
        made=made,
        secret=secret,
        refused=refused,
    )


def _secrets(
    request: Request, services: Services, visitor: Visitor, *, name: str = "", error: PixmillError | None = None
) -> Response:
    errors = _errors(error, ("name", "value"))
    return render(
        request,
        "settings_secrets.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
        tabs=tabs("secrets"),
        secrets=list_secrets(services.secrets, visitor.organization_id),
        may_set=visitor.role is Role.OWNER,
        name=name,
        errors=errors,
        refused=error.message if error and not any(errors.values()) else "",
    )


def _errors(error: PixmillError | None, fields: Sequence[str]) -> dict[str, str]:
    field = getattr(error, "field", "") if error else ""
    message = f"{error.message} {error.hint}".strip() if error else ""
    return {name: message if name == field else "" for name in fields}


def _bars(lines: Sequence[UsageLine]) -> list[Bar]:
    longest = max((line.seconds for line in lines), default=0.0)
    return [Bar(line, line.seconds / longest if longest else 0.0) for line in lines]
