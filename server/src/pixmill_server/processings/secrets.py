"""Secrets of an Organization: set by name, kept encrypted, told to no one but the Runs whose Processing names them.

Encrypted with AES-256-GCM under a key that lies in a file of its own, so that neither the database nor a copy of it is
enough to read them. The Organization and the name are authenticated: a value cannot be moved to another name.
"""

import os
import secrets as random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pixmill.errors import Conflict, InvalidInput, NotFound
from pixmill.parameters.secrets import why_not_name, why_not_value
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.permissions import require_owner
from pixmill_server.db.engine import Database
from pixmill_server.kernel.clock import Clock
from pixmill_server.processings.tables import SecretRow

_KEY_BITS = 256
_NONCE_BYTES = 12
_OTHERS = 0o077


class SecretNotSet(Conflict):
    """A launch of a Processing that names a secret which nobody has set."""

    code = "secret-not-set"


class SecretUnreadable(Conflict):
    """The key is not the one that it was encrypted with."""

    code = "secret-unreadable"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What they need, built once in wiring."""

    database: Database
    clock: Clock
    key_file: Path


@dataclass(frozen=True, slots=True)
class Secret:
    """That there is one, and since when; never its value."""

    name: str
    set_at: datetime


def ensure_key(path: Path) -> None:
    """Make the key where there is none; raises `InvalidInput` for a file that others can read."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{random.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(AESGCM.generate_key(_KEY_BITS).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # Whoever comes second keeps the key of whoever came first.
        path.hardlink_to(fresh) if not path.exists() else None
        fresh.unlink()
    if path.stat().st_mode & _OTHERS:
        raise InvalidInput(
            f"The key of the secrets, {path}, can be read by others.", hint=f"Make it private: chmod 600 {path}"
        )


def set_secret(secrets: Secrets, actor: Actor, name: str, value: str) -> Secret:
    """Keep a value, in place of one that was there; Runs that are launched from now on get it."""
    require_owner(actor, "set secrets")
    if why := why_not_name(name):
        raise InvalidInput(f"A secret cannot be called '{name[:80]}': {why}.", hint="As in HF_TOKEN.", field="name")
    if why := why_not_value(value):
        raise InvalidInput(f"This cannot be the value of {name}: {why}.", field="value")
    nonce = os.urandom(_NONCE_BYTES)
    encrypted = nonce + _cipher(secrets).encrypt(nonce, value.encode(), _bound_to(actor.organization_id, name))
    now = secrets.clock.now()
    with secrets.database.transaction() as session:
        row = session.get(SecretRow, (actor.organization_id, name))
        if row is None:
            session.add(SecretRow(organization_id=actor.organization_id, name=name, encrypted=encrypted, set_at=now))
        else:
            row.encrypted, row.set_at = encrypted, now
    return Secret(name, now)


def list_secrets(secrets: Secrets, organization_id: str) -> list[Secret]:
    """By name."""
    with secrets.database.reading() as session:
        rows = session.scalars(
            select(SecretRow).where(SecretRow.organization_id == organization_id).order_by(SecretRow.name)
        )
        return [Secret(row.name, row.set_at) for row in rows]


def remove_secret(secrets: Secrets, actor: Actor, name: str) -> None:
    """Forget one; raises `NotFound`."""
    require_owner(actor, "remove secrets")
    with secrets.database.transaction() as session:
        this = (SecretRow.organization_id == actor.organization_id, SecretRow.name == name)
        if session.scalars(delete(SecretRow).where(*this).returning(SecretRow.name)).one_or_none() is None:
            raise NotFound("secret", name, hint="See what there is with `pixmill secrets ls`.")


def require_set(session: Session, organization_id: str, names: Collection[str], *, processing: str) -> None:
    """Raise `SecretNotSet` for the first that nobody has set."""
    wanted = select(SecretRow.name).where(SecretRow.organization_id == organization_id, SecretRow.name.in_(names))
    known = set(session.scalars(wanted)) if names else set()
    for name in names:
        if name not in known:
            raise SecretNotSet(
                f"{processing} needs the secret {name}, which is not set.",
                hint=f"Set it with: pixmill secrets set {name}",
            )


def values_of(secrets: Secrets, organization_id: str, names: Collection[str]) -> dict[str, str]:
    """By name, for the supervisor of a Run; one that was removed since the launch is left out."""
    if not names:
        return {}
    wanted = select(SecretRow).where(SecretRow.organization_id == organization_id, SecretRow.name.in_(names))
    with secrets.database.reading() as session:
        rows = session.scalars(wanted.order_by(SecretRow.name)).all()
    cipher = _cipher(secrets)
    return {row.name: _decrypted(cipher, row) for row in rows}


def _decrypted(cipher: AESGCM, row: SecretRow) -> str:
    nonce, rest = row.encrypted[:_NONCE_BYTES], row.encrypted[_NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, rest, _bound_to(row.organization_id, row.name)).decode()
    except InvalidTag as error:
        raise SecretUnreadable(
            f"The secret {row.name} was encrypted with another key.",
            hint=f"Put the key of then in place, or set it anew: pixmill secrets set {row.name}",
        ) from error


def _cipher(secrets: Secrets) -> AESGCM:
    return AESGCM(bytes.fromhex(secrets.key_file.read_text()))


def _bound_to(organization_id: str, name: str) -> bytes:
    return f"{organization_id}/{name}".encode()
