"""What a machine can do."""

from pixmill.client.connection import Connection
from pixmill.wire.doctor import Doctor, Finding

__all__ = ["Doctor", "Finding", "doctor_of", "findings_of_server"]


def findings_of_server(connection: Connection, *, again: bool = False) -> Doctor:
    """What the server's machine can do: as it was found, or looked at again."""
    return connection.ask("POST" if again else "GET", "/doctor", Doctor)


def doctor_of(said: list[object]) -> Doctor:
    """What `python -m pixmill_server doctor` said."""
    found = [Finding.model_validate(one) for one in said]
    return Doctor(healthy=all(one.verdict != "missing" for one in found), findings=found)
