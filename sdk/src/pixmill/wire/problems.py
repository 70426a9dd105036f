"""What the server answers when it refuses: RFC 9457."""

from pixmill.wire.base import WireModel

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_TYPE = "urn:pixmill:problem:"
"""Begins every problem type; what follows is the error's code."""


class Problem(WireModel):
    """Why something was refused, and what to do."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    detail: str = ""
    hint: str = ""
    field: str = ""
    """The part of the request that it is about; empty: all of it."""
