"""What the server's machine can do, in JSON."""

from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from pixmill.wire.base import WireModel


class Finding(WireModel):
    """One thing that was looked at."""

    name: str
    verdict: Literal["ok", "warning", "missing"]
    """warning: it works, but worse than it could."""
    summary: str
    hint: str = ""
    """What to do; empty where there is nothing to do."""
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    found_at: AwareDatetime


class Doctor(WireModel):
    """Everything that was looked at."""

    healthy: bool
    """Whether nothing is missing."""
    findings: list[Finding]
