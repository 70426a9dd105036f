"""A real server for tests: uvicorn on a free port of this machine, on a data folder of its own, and its cast.

`server` answers to three people: the owner and a member of one Organization, and a stranger who owns another.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import uvicorn

from pixmill.environments import pack_sdk
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.accounts.tokens import create_token
from pixmill_server.accounts.users import create_organization, create_user, ensure_owner
from pixmill_server.app import create_app
from pixmill_server.computes.computes import ensure_local
from pixmill_server.listening import listen
from pixmill_server.settings import Settings, read_settings
from pixmill_server.wiring import Services, open_services, prepare
from tests.shared_environments import share_environments
from tools.bundle import copy_processings

PATIENCE_SECONDS: Final = 120
"""Of who asks the server: long, because other tests may have the CPU."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token."""

    actor: Actor
    token: str


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Its address, what it was wired with, and who may ask it."""

    url: str
    services: Services
    owner: Person
    member: Person
    stranger: Person


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SDK's wheel and the built-in Processings of these very sources, as `make setup` bundles them."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "sdk").mkdir()
    pack_sdk(folder / "sdk")
    copy_processings(folder / "processings")
    return folder


@pytest.fixture
def server_settings(tmp_path: Path, bundle: Path) -> Settings:
    """Settings on a fresh data folder; a test module may override it."""
    return read_settings({"PIXMILL_DATA": str(tmp_path / "server-data"), "PIXMILL_BUNDLE": str(bundle)})


@pytest.fixture
def server(server_settings: Settings) -> Iterator[RunningServer]:
    """A server that answers, without a worker; ends with the test."""
    with serve(server_settings) as running:
        yield running


class serve:  # noqa: N801 - used as a context manager, like `open`
    """A server on these settings for the length of a `with`."""

    def __init__(self, settings: Settings) -> None:
        share_environments(settings.data)
        prepare(settings)
        self.services = open_services(settings)
        self.listener = listen("127.0.0.1", 0)
        config = uvicorn.Config(create_app(self.services), log_config=None, timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.listener]})

    def __enter__(self) -> RunningServer:
        """Wait until it answers."""
        owner, member, stranger = cast_of(self.services)
        self.thread.start()
        while not self.server.started:
            if not self.thread.is_alive():
                message = "The server ended before it had begun."
                raise RuntimeError(message)
            time.sleep(0.005)
        url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        return RunningServer(url, self.services, owner, member, stranger)

    def __exit__(self, *_: object) -> None:
        """Wait until it has ended."""
        self.server.should_exit = True
        self.thread.join()
        self.listener.close()


def cast_of(services: Services) -> tuple[Person, Person, Person]:
    """Owner, member and stranger, each with a token."""
    owner = ensure_owner(services.accounts)
    user = create_user(services.accounts, owner, "member")
    member = Actor(user.id, owner.organization_id, Role.MEMBER)
    stranger = create_organization(services.accounts, "elsewhere", owner="stranger")
    ensure_local(services.computes, stranger.organization_id)
    people = []
    for actor in (owner, member, stranger):
        _, secret = create_token(services.accounts, actor, "test")
        people.append(Person(actor, secret))
    return people[0], people[1], people[2]
