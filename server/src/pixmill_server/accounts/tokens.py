"""API tokens: how a program is let in."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from pixmill.errors import InvalidInput, NotFound, NotSignedIn
from pixmill_server.accounts.accounts import Accounts
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.secrets import TOKEN_PREFIX, hash_of, new_secret
from pixmill_server.accounts.tables import ApiTokenRow, UserRow
from pixmill_server.accounts.users import actor_of
from pixmill_server.kernel.ids import new_id

LOCAL_TOKEN = "this machine"  # noqa: S105 - the name of a token
_USE_NOTED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What may be shown of a token."""

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


def create_token(
    accounts: Accounts, actor: Actor, name: str, *, lifetime: timedelta | None = None
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is shown this once; without a lifetime it never expires."""
    if not name.strip():
        raise InvalidInput("A token needs a name.", hint="Name what will use it.", field="name")
    secret, now = new_secret(TOKEN_PREFIX), accounts.clock.now()
    row = ApiTokenRow(
        id=new_id("tok"),
        user_id=actor.user_id,
        name=name,
        token_hash=hash_of(secret),
        created_at=now,
        last_used_at=None,
        expires_at=None if lifetime is None else now + lifetime,
    )
    with accounts.database.transaction() as session:
        session.add(row)
    return _token(row), secret


def list_tokens(accounts: Accounts, actor: Actor) -> list[ApiToken]:
    """The actor's own, newest first."""
    with accounts.database.reading() as session:
        rows = session.scalars(
            select(ApiTokenRow).where(ApiTokenRow.user_id == actor.user_id).order_by(ApiTokenRow.id.desc())
        )
        return [_token(row) for row in rows]


def revoke_token(accounts: Accounts, actor: Actor, token_id: str) -> None:
    """Make one of the actor's own tokens worthless, at once and for good."""
    with accounts.database.transaction() as session:
        row = session.get(ApiTokenRow, token_id)
        if row is None or row.user_id != actor.user_id:
            raise NotFound("token", token_id, hint="See your tokens with GET /api/v1/tokens.")
        session.delete(row)


def actor_of_token(accounts: Accounts, secret: str) -> Actor:
    """Whose token it is; raises `NotSignedIn` for one that is unknown, revoked or expired."""
    now = accounts.clock.now()
    with accounts.database.reading() as session:
        row = session.scalars(select(ApiTokenRow).where(ApiTokenRow.token_hash == hash_of(secret))).first()
        if row is None or (row.expires_at is not None and row.expires_at <= now):
            raise NotSignedIn("The token is not valid (any more).", hint="Sign in again with `pixmill login URL`.")
        actor = actor_of(session.get_one(UserRow, row.user_id))
        stale = row.last_used_at is None or now - row.last_used_at > _USE_NOTED_EVERY
        token_id = row.id
    if stale:
        with accounts.database.transaction() as session:
            used = session.get(ApiTokenRow, token_id)
            if used is not None:
                used.last_used_at = now
    return actor


def ensure_local_token(accounts: Accounts, owner: Actor, file: Path) -> str:
    """The owner's token in a file that only its owner can read; made anew where there is none or it is worthless."""
    if file.exists():
        secret = file.read_text().strip()
        try:
            actor_of_token(accounts, secret)
        except NotSignedIn:
            file.unlink()
        else:
            file.chmod(0o600)
            return secret
    _, secret = create_token(accounts, owner, LOCAL_TOKEN)
    file.touch(mode=0o600)
    file.write_text(secret + "\n")
    return secret


def _token(row: ApiTokenRow) -> ApiToken:
    return ApiToken(row.id, row.name, row.created_at, row.last_used_at, row.expires_at)
