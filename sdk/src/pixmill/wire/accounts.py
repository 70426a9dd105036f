"""Users, tokens and the server's health in JSON."""

from typing import Literal

from pydantic import AwareDatetime, Field

from pixmill.wire.base import WireModel, WireRequest


class Health(WireModel):
    """The server answers."""

    status: Literal["ok"]
    version: str


class Me(WireModel):
    """The signed-in user."""

    id: str
    name: str
    email: str | None = None
    role: Literal["owner", "member"]
    organization_id: str
    organization: str


class ChangeMe(WireRequest):
    """What I am called; null for no e-mail address."""

    name: str = Field(min_length=1, max_length=100)
    email: str | None = Field(default=None, max_length=254)


class SigninLink(WireModel):
    """Signs one browser in, once."""

    path: str
    """Below the server's address."""


class Token(WireModel):
    """What may be shown of an API token."""

    id: str
    name: str
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    """None: never."""


class NewToken(Token):
    """A token just made; the only time that its secret is shown."""

    secret: str


class TokenPage(WireModel):
    """Tokens, newest first."""

    items: list[Token]
    next_cursor: str | None = None


class CreateToken(WireRequest):
    """What a new token is called, and how long it lives (None: until revoked)."""

    name: str = Field(min_length=1, max_length=200)
    days: int | None = Field(default=None, ge=1, le=3650)
