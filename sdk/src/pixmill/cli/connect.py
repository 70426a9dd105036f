"""The Client of a command."""

from pixmill.client import Client


def connect() -> Client:
    """To the server that PIXMILL_URL or `pixmill login` names; nothing is sent yet."""
    return Client()
