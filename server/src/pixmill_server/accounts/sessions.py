"""Browser sessions, and the links that begin one."""

from datetime import timedelta

from sqlalchemy import delete

from pixmill.errors import NotSignedIn
from pixmill_server.accounts.accounts import Accounts
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.secrets import hash_of, new_secret
from pixmill_server.accounts.tables import SessionRow, SigninLinkRow, UserRow
from pixmill_server.accounts.users import actor_of

SESSION_LIFETIME = timedelta(days=30)
LINK_LIFETIME = timedelta(minutes=30)


def create_signin_link(accounts: Accounts, actor: Actor) -> str:
    """The secret of a link that signs one browser in as the actor, once, within half an hour."""
    secret = new_secret()
    with accounts.database.transaction() as session:
        expires_at = accounts.clock.now() + LINK_LIFETIME
        session.add(SigninLinkRow(hash=hash_of(secret), user_id=actor.user_id, expires_at=expires_at, used_at=None))
    return secret


def begin_session(accounts: Accounts, link_secret: str) -> str:
    """Use a sign-in link up; gives the secret of the session that it begins."""
    secret, now = new_secret(), accounts.clock.now()
    with accounts.database.transaction() as session:
        link = session.get(SigninLinkRow, hash_of(link_secret))
        if link is None or link.used_at is not None or link.expires_at <= now:
            raise NotSignedIn(
                "This sign-in link is not valid (any more): each works once, for half an hour.",
                hint="Get a new one with `pixmill login --browser`.",
            )
        link.used_at = now
        session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
        session.add(
            SessionRow(id_hash=hash_of(secret), user_id=link.user_id, created_at=now, expires_at=now + SESSION_LIFETIME)
        )
    return secret


def actor_of_session(accounts: Accounts, secret: str) -> Actor:
    """Whose session it is; raises `NotSignedIn` for one that is unknown or over."""
    with accounts.database.reading() as session:
        row = session.get(SessionRow, hash_of(secret))
        if row is None or row.expires_at <= accounts.clock.now():
            raise NotSignedIn("Your session is over.", hint="Get a new sign-in link with `pixmill login --browser`.")
        return actor_of(session.get_one(UserRow, row.user_id))


def end_other_sessions(accounts: Accounts, actor: Actor, secret: str) -> int:
    """Sign every other browser of the actor out; how many there were. `secret` is of the one that stays."""
    with accounts.database.transaction() as session:
        others = delete(SessionRow).where(SessionRow.user_id == actor.user_id, SessionRow.id_hash != hash_of(secret))
        return len(session.scalars(others.returning(SessionRow.id_hash)).all())


def end_session(accounts: Accounts, secret: str) -> None:
    """Sign out; nothing happens the second time."""
    with accounts.database.transaction() as session:
        session.execute(delete(SessionRow).where(SessionRow.id_hash == hash_of(secret)))
