"""Secrets that Processings name."""

from collections.abc import Iterator

from pixmill.client.connection import Connection, items_of
from pixmill.wire.secrets import Secret, SecretPage, SetSecret


class Secrets:
    """`client.secrets`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> Iterator[Secret]:
        """By name; no value is ever told."""
        return items_of(self._connection.pages("/secrets", SecretPage))

    def set(self, name: str, value: str) -> Secret:
        """Keep a value, in place of one that was there."""
        return self._connection.ask("PUT", f"/secrets/{name}", Secret, send=SetSecret(value=value))

    def remove(self, name: str) -> None:
        """Forget one."""
        self._connection.do("DELETE", f"/secrets/{name}")
