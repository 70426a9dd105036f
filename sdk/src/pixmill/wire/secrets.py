"""Secrets in JSON: their names, and a value on its way in; never one on its way out."""

from pydantic import AwareDatetime

from pixmill.wire.base import WireModel, WireRequest


class Secret(WireModel):
    """That there is one, and since when."""

    name: str
    set_at: AwareDatetime


class SecretPage(WireModel):
    """By name."""

    items: list[Secret]
    next_cursor: str | None = None


class SetSecret(WireRequest):
    """The value to keep."""

    value: str
