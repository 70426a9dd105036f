"""Versions of Processings and their defaults on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import JsonValue

from pixmill.environments import Header
from pixmill.errors import NotFound
from pixmill_server.accounts.accounts import Accounts
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.users import create_organization, ensure_owner
from pixmill_server.computes.computes import Computes, ensure_local
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.kernel.clock import SystemClock
from pixmill_server.processings.bundled import sync_builtins
from pixmill_server.processings.defaults import set_defaults
from pixmill_server.processings.queries import find_processing, list_processings, read_source
from pixmill_server.processings.records import Processings
from pixmill_server.processings.store import Code, store
from pixmill_server.storage.objects import open_objects


@pytest.fixture
def processings(database_url: str, tmp_path: Path) -> Iterator[Processings]:
    database = open_database(database_url)
    schema.upgrade(database)
    objects = open_objects(str(tmp_path / "objects"))
    yield Processings(
        database, objects, SystemClock(), tmp_path / "environments", tmp_path / "no.whl", "auto", lambda _image: {}
    )
    database.close()


@pytest.fixture
def owner(processings: Processings) -> Actor:
    owner = ensure_owner(Accounts(processings.database, SystemClock()))
    ensure_local(Computes(processings.database, SystemClock()), owner.organization_id)
    return owner


def code(name: str, source: str, default: float = 0.5) -> Code:
    parameter: dict[str, JsonValue] = {
        "name": "threshold",
        "type": "float",
        "default": default,
        "minimum": 0.0,
        "maximum": 1.0,
    }
    described: dict[str, JsonValue] = {
        "name": name,
        "title": "T",
        "description": "D",
        "kind": "tagging",
        "parameters": [parameter],
    }
    return Code(source.encode(), b"# lock\n", Header(), described)


def push(processings: Processings, owner: Actor | None, what: Code) -> None:
    organization_id, user_id = (owner.organization_id, owner.user_id) if owner else (None, None)
    store(processings, what, organization_id=organization_id, user_id=user_id)


def test_the_same_code_again_is_no_new_version(processings: Processings, owner: Actor) -> None:
    for source in ("a", "a", "b", "b"):
        push(processings, owner, code("tags", source))
    found = find_processing(processings, owner.organization_id, "tags")
    assert [version.number for version in found.versions] == [2, 1]
    assert [read_source(processings, version) for version in found.versions] == [b"b", b"a"]


def test_ones_own_goes_before_a_public_one_of_the_same_name(processings: Processings, owner: Actor) -> None:
    push(processings, None, code("tags", "public"))
    push(processings, owner, code("tags", "own"))
    stranger = create_organization(Accounts(processings.database, SystemClock()), "elsewhere", owner="x")
    assert not find_processing(processings, owner.organization_id, "tags").public
    assert find_processing(processings, stranger.organization_id, "tags").public
    assert [one.public for one in list_processings(processings, stranger.organization_id)] == [True]


def test_defaults_are_each_organizations_own(processings: Processings, owner: Actor) -> None:
    push(processings, None, code("tags", "public"))
    changed = set_defaults(processings, owner, "tags", parameters={"threshold": 1}, compute="local")
    assert (changed.defaults, changed.compute) == ({"threshold": 1.0}, "local")
    stranger = create_organization(Accounts(processings.database, SystemClock()), "elsewhere", owner="x")
    assert find_processing(processings, stranger.organization_id, "tags").defaults == {}
    assert set_defaults(processings, owner, "tags", parameters={"threshold": None}).defaults == {}
    with pytest.raises(NotFound, match="Compute 'local'"):
        set_defaults(processings, stranger, "tags", parameters={}, compute="local")


def test_built_in_ones_are_made_public_once(processings: Processings, owner: Actor, bundle: Path) -> None:
    names = sync_builtins(processings, bundle / "processings")
    assert sync_builtins(processings, bundle / "processings") == names
    found = list_processings(processings, owner.organization_id)
    assert [(one.name, one.public, one.newest.number) for one in found] == [(name, True, 1) for name in sorted(names)]


def test_numbers_are_given_once_however_many_push_at_once(processings: Processings, owner: Actor) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: push(processings, owner, code("tags", f"{number}")), range(8)))
    found = find_processing(processings, owner.organization_id, "tags")
    assert sorted(version.number for version in found.versions) == list(range(1, 9))
