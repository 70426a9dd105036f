"""`Client`: one server, as one actor."""

from types import TracebackType
from typing import Self

from pixmill.client.assets import Annotations, Assets
from pixmill.client.computes import Computes
from pixmill.client.connection import Connection
from pixmill.client.credentials import find_credentials
from pixmill.client.datasets import Datasets, Labels, Versions
from pixmill.client.exports import Exports
from pixmill.client.imports import Imports
from pixmill.client.jobs import Jobs
from pixmill.client.models import Hub, Models
from pixmill.client.processings import Processings
from pixmill.client.secrets import Secrets
from pixmill.wire.accounts import CreateToken, Health, Me, NewToken, SigninLink


class Client:
    """Speaks to a Pixmill server; where to, and who as, is found as the command line finds it.

    May be shared by threads; close it, or use it in a `with`.
    """

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        credentials = find_credentials(url, token)
        self.url = credentials.url
        self.connection = Connection(credentials)
        self.datasets = Datasets(self.connection)
        self.versions = Versions(self.connection)
        self.labels = Labels(self.connection)
        self.assets = Assets(self.connection)
        self.annotations = Annotations(self.connection)
        self.imports = Imports(self.connection)
        self.exports = Exports(self.connection)
        self.computes = Computes(self.connection)
        self.models = Models(self.connection)
        self.hub = Hub(self.connection)
        self.processings = Processings(self.connection)
        self.secrets = Secrets(self.connection)
        self.jobs = Jobs(self.connection)

    def health(self) -> Health:
        """Whether the server answers, and as which release; needs no token."""
        return self.connection.ask("GET", "/health", Health)

    def me(self) -> Me:
        """Who I am to the server."""
        return self.connection.ask("GET", "/me", Me)

    def create_token(self, name: str, *, days: int | None = None) -> NewToken:
        """A new token of mine; its secret is shown this once. Without `days` it lives until it is revoked."""
        return self.connection.ask("POST", "/tokens", NewToken, send=CreateToken(name=name, days=days))

    def signin_url(self) -> str:
        """An address that signs one browser in as me, once, within half an hour."""
        return self.url + self.connection.ask("POST", "/signin-links", SigninLink).path

    def close(self) -> None:
        """Close every connection to the server."""
        self.connection.close()

    def __enter__(self) -> Self:
        """Closed at the end of the `with`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection to the server."""
        self.close()
