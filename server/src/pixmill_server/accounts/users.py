"""Organizations and their users."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from pixmill.errors import Conflict, InvalidInput, NotFound
from pixmill_server.accounts.accounts import Accounts
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.accounts.permissions import require_owner
from pixmill_server.accounts.tables import OrganizationRow, UserRow
from pixmill_server.kernel.ids import new_id

FIRST_ORGANIZATION = "pixmill"
FIRST_USER = "owner"
LONGEST_NAME = 100
LONGEST_EMAIL = 254
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class NameTaken(Conflict):
    """Two users of one Organization cannot share a name."""

    field = "name"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a user '{name}' already.", hint="Give another name.")


@dataclass(frozen=True, slots=True)
class User:
    """A person, as others are shown them."""

    id: str
    name: str
    email: str | None
    role: Role
    organization_id: str
    organization: str
    created_at: datetime


def ensure_owner(accounts: Accounts) -> Actor:
    """The owner of the first Organization; both are made where there are none, so twice is as once."""
    with accounts.database.transaction() as session:
        found = session.scalars(select(UserRow).where(UserRow.role == Role.OWNER).order_by(UserRow.id)).first()
        if found is None:
            now = accounts.clock.now()
            organization = OrganizationRow(id=new_id("org"), name=FIRST_ORGANIZATION, created_at=now)
            session.add(organization)
            session.flush()
            found = _user_row(organization.id, FIRST_USER, Role.OWNER, now)
            session.add(found)
        return actor_of(found)


def create_organization(accounts: Accounts, name: str, *, owner: str) -> Actor:
    """A new Organization and its owner; the operator's deed, nobody's over the network."""
    with accounts.database.transaction() as session:
        if session.scalars(select(OrganizationRow).where(OrganizationRow.name == name)).first():
            raise Conflict(f"There is an organization '{name}' already.")
        now = accounts.clock.now()
        organization = OrganizationRow(id=new_id("org"), name=name, created_at=now)
        session.add(organization)
        session.flush()
        row = _user_row(organization.id, owner, Role.OWNER, now)
        session.add(row)
        return actor_of(row)


def create_user(
    accounts: Accounts, actor: Actor, name: str, *, role: Role = Role.MEMBER, email: str | None = None
) -> User:
    """A new user of the actor's Organization."""
    require_owner(actor, "add users")
    if not name.strip():
        raise InvalidInput("A user needs a name.", field="name")
    with accounts.database.transaction() as session:
        taken = select(UserRow).where(UserRow.organization_id == actor.organization_id, UserRow.name == name)
        if session.scalars(taken).first():
            raise NameTaken(name)
        row = _user_row(actor.organization_id, name, role, accounts.clock.now(), email)
        session.add(row)
        organization = session.get_one(OrganizationRow, actor.organization_id)
        return _user(row, organization)


def find_user(accounts: Accounts, user_id: str) -> User:
    """One user by id."""
    with accounts.database.reading() as session:
        row = session.get(UserRow, user_id)
        if row is None:
            raise NotFound("user", user_id)
        return _user(row, session.get_one(OrganizationRow, row.organization_id))


def change_profile(accounts: Accounts, actor: Actor, *, name: str, email: str | None) -> User:
    """Call the actor another name; `email` None: none is known."""
    called = name.strip()
    if not called or len(called) > LONGEST_NAME:
        raise InvalidInput(f"A user needs a name of 1 to {LONGEST_NAME} characters.", field="name")
    if email is not None and (not _EMAIL.fullmatch(email) or len(email) > LONGEST_EMAIL):
        raise InvalidInput(f"'{email[:100]}' is no e-mail address.", hint="Leave it empty, or mend it.", field="email")
    with accounts.database.transaction() as session:
        taken = select(UserRow).where(
            UserRow.organization_id == actor.organization_id, UserRow.name == called, UserRow.id != actor.user_id
        )
        if session.scalars(taken).first():
            raise NameTaken(called)
        row = session.get_one(UserRow, actor.user_id)
        row.name, row.email = called, email
        return _user(row, session.get_one(OrganizationRow, row.organization_id))


def _user_row(organization_id: str, name: str, role: Role, now: datetime, email: str | None = None) -> UserRow:
    return UserRow(
        id=new_id("usr"), organization_id=organization_id, name=name, email=email, role=role.value, created_at=now
    )


def user_names(accounts: Accounts, ids: Collection[str]) -> dict[str, str]:
    """Their names, by id."""
    with accounts.database.reading() as session:
        rows = session.execute(select(UserRow.id, UserRow.name).where(UserRow.id.in_(ids)))
        return {row.id: row.name for row in rows}


def actor_of(row: UserRow) -> Actor:
    """The actor that a user's row stands for."""
    return Actor(row.id, row.organization_id, Role(row.role))


def _user(row: UserRow, organization: OrganizationRow) -> User:
    return User(row.id, row.name, row.email, Role(row.role), organization.id, organization.name, row.created_at)
