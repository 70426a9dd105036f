"""What a role allows. Values only."""

from pixmill.errors import Forbidden
from pixmill_server.accounts.actor import Actor, Role


def require_owner(actor: Actor, deed: str) -> None:
    """Raise `Forbidden` unless the actor owns the Organization; `deed` completes "Only an owner may ..."."""
    if actor.role is not Role.OWNER:
        raise Forbidden(f"Only an owner may {deed}.", hint="Ask an owner of your organization.")
