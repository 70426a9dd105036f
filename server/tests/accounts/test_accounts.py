"""Accounts on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from pixmill.errors import Conflict, Forbidden, NotFound, NotSignedIn
from pixmill_server.accounts.accounts import Accounts
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.accounts.sessions import (
    LINK_LIFETIME,
    SESSION_LIFETIME,
    actor_of_session,
    begin_session,
    create_signin_link,
    end_session,
)
from pixmill_server.accounts.tables import ApiTokenRow, SessionRow, SigninLinkRow
from pixmill_server.accounts.tokens import (
    actor_of_token,
    create_token,
    ensure_local_token,
    list_tokens,
    revoke_token,
)
from pixmill_server.accounts.users import create_organization, create_user, ensure_owner, find_user, user_names
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database


@dataclass
class SetClock:
    """Says the time that it is set to."""

    time: datetime = datetime(2026, 11, 22, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def accounts(database_url: str, clock: SetClock) -> Iterator[Accounts]:
    database = open_database(database_url)
    schema.upgrade(database)
    yield Accounts(database, clock)
    database.close()


@pytest.fixture
def owner(accounts: Accounts) -> Actor:
    return ensure_owner(accounts)


def test_the_owner_is_made_once(accounts: Accounts, owner: Actor) -> None:
    assert ensure_owner(accounts) == owner
    assert (owner.role, find_user(accounts, owner.user_id).organization) == (Role.OWNER, "pixmill")


def test_names_of_users_and_organizations_are_taken_once(accounts: Accounts, owner: Actor) -> None:
    member = create_user(accounts, owner, "ada")
    with pytest.raises(Conflict, match="'ada'"):
        create_user(accounts, owner, "ada")
    stranger = create_organization(accounts, "elsewhere", owner="ada")
    with pytest.raises(Conflict, match="'elsewhere'"):
        create_organization(accounts, "elsewhere", owner="grace")
    assert user_names(accounts, [member.id, stranger.user_id]) == {member.id: "ada", stranger.user_id: "ada"}


def test_a_member_may_not_add_users(accounts: Accounts, owner: Actor) -> None:
    member = create_user(accounts, owner, "ada")
    with pytest.raises(Forbidden, match="Only an owner may add users"):
        create_user(accounts, Actor(member.id, owner.organization_id, Role.MEMBER), "grace")


def test_a_token_stands_for_its_user_until_it_expires(accounts: Accounts, owner: Actor, clock: SetClock) -> None:
    token, secret = create_token(accounts, owner, "brief", lifetime=timedelta(days=1))
    assert actor_of_token(accounts, secret) == owner
    assert [kept.last_used_at for kept in list_tokens(accounts, owner)] == [clock.time]
    clock.time += timedelta(days=1)
    with pytest.raises(NotSignedIn):
        actor_of_token(accounts, secret)
    revoke_token(accounts, owner, token.id)
    with pytest.raises(NotFound):
        revoke_token(accounts, owner, token.id)


def test_a_session_lasts_a_month_or_until_it_is_ended(accounts: Accounts, owner: Actor, clock: SetClock) -> None:
    first = begin_session(accounts, create_signin_link(accounts, owner))
    second = begin_session(accounts, create_signin_link(accounts, owner))
    assert actor_of_session(accounts, first) == owner
    end_session(accounts, first)
    end_session(accounts, first)
    with pytest.raises(NotSignedIn):
        actor_of_session(accounts, first)
    clock.time += SESSION_LIFETIME
    with pytest.raises(NotSignedIn):
        actor_of_session(accounts, second)


def test_a_link_works_once_and_for_half_an_hour(accounts: Accounts, owner: Actor, clock: SetClock) -> None:
    used, late = create_signin_link(accounts, owner), create_signin_link(accounts, owner)
    begin_session(accounts, used)
    clock.time += LINK_LIFETIME
    for link in (used, late, "made-up"):
        with pytest.raises(NotSignedIn):
            begin_session(accounts, link)


def test_no_secret_is_kept_as_it_is(accounts: Accounts, owner: Actor) -> None:
    _, token = create_token(accounts, owner, "laptop")
    link = create_signin_link(accounts, owner)
    session_secret = begin_session(accounts, link)
    with accounts.database.reading() as session:
        kept = {
            *session.scalars(select(ApiTokenRow.token_hash)),
            *session.scalars(select(SigninLinkRow.hash)),
            *session.scalars(select(SessionRow.id_hash)),
        }
    assert len(kept) == 3
    assert not kept & {token, link, session_secret}


def test_the_local_token_is_made_anew_only_where_it_is_worthless(
    accounts: Accounts, owner: Actor, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    first = ensure_local_token(accounts, owner, file)
    assert ensure_local_token(accounts, owner, file) == first
    file.write_text("pxm_old")
    second = ensure_local_token(accounts, owner, file)
    assert actor_of_token(accounts, second) == owner
    assert file.stat().st_mode & 0o777 == 0o600
