"""Built environments that nobody needs any more are removed by upkeep, and no other."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from pixmill.environments import Environment, asked_file, environment_of
from pixmill_server.worker.workplace import ENVIRONMENTS_KEPT_FOR, Workplace
from server.tests.jobs.acting import Stage
from tests.running_server import RunningServer

LATELY = ENVIRONMENTS_KEPT_FOR - timedelta(hours=1)
LONG_AGO = ENVIRONMENTS_KEPT_FOR + timedelta(hours=1)


@pytest.fixture
def stage(server: RunningServer) -> Iterator[Stage]:
    """Its Processings have the lock `lock`."""
    stage = Stage(server)
    yield stage
    stage.client.close()


@pytest.fixture
def workplace(stage: Stage) -> Workplace:
    return Workplace.of(stage.server.services, stage.server.url)


@pytest.fixture
def built(workplace: Workplace) -> Callable[..., Environment]:
    """An environment of a digest and a lock, as `build` leaves it, which was last asked for a time ago."""

    def make(digest: str, locked: bytes, asked: timedelta) -> Environment:
        environment = Environment(workplace.environments / digest, digest)
        (environment.folder / "lib").mkdir(parents=True)
        (environment.folder / "pixmill.lock").write_bytes(locked)
        (environment.folder / "lib").chmod(0o500)
        environment.folder.chmod(0o500)
        at = (workplace.clock.now() - asked).timestamp()
        asked_file(environment).touch()
        os.utime(asked_file(environment), (at, at))
        return environment

    return make


@pytest.fixture
def current(workplace: Workplace) -> str:
    """The digest of the environment that the newest Processing has with this release."""
    return environment_of(b"lock", workplace.sdk_wheel, workplace.environments).digest


def left(workplace: Workplace) -> set[str]:
    return {path.name for path in workplace.environments.iterdir() if not path.name.endswith(".lock")}


@pytest.fixture(autouse=True)
def own_folder(workplace: Workplace) -> None:
    """Tests share one folder of environments by a link: this one is not shared."""
    if workplace.environments.is_symlink():
        workplace.environments.unlink()
    workplace.environments.mkdir(exist_ok=True)


def test_what_nothing_was_run_with_for_a_month_goes_unless_it_is_the_newest(
    workplace: Workplace, built: Callable[..., Environment], current: str
) -> None:
    built(current, b"lock", LONG_AGO)
    built("a" * 32, b"lock", LONG_AGO)
    built("b" * 32, b"other lock", LONG_AGO)
    built("c" * 32, b"other lock", LATELY)
    (workplace.environments / "notes").mkdir()
    workplace.remove_unused_environments()
    assert left(workplace) == {current, "c" * 32, "notes"}
    workplace.remove_unused_environments()
    assert left(workplace) == {current, "c" * 32, "notes"}


def test_what_a_run_was_begun_with_stays_through_a_new_release_until_it_is_over(
    stage: Stage, workplace: Workplace, built: Callable[..., Environment], current: str
) -> None:
    built("a" * 32, b"lock", LONG_AGO)
    stage.launch()
    supervisor = stage.supervisor()
    workplace.remove_unused_environments()
    assert left(workplace) == {"a" * 32}
    assert supervisor.work() == "succeeded"
    workplace.remove_unused_environments()
    assert left(workplace) == set()


def test_what_a_removal_left_that_was_cut_short_goes_with_the_next(
    workplace: Workplace, built: Callable[..., Environment]
) -> None:
    built("a" * 32, b"", LONG_AGO).folder.rename(workplace.environments / f".removed-{'a' * 32}")
    workplace.remove_unused_environments()
    assert left(workplace) == set()


def test_a_folder_that_is_shared_by_a_link_is_left_alone(
    workplace: Workplace, built: Callable[..., Environment], tmp_path: Path
) -> None:
    built("a" * 32, b"", LONG_AGO)
    elsewhere = tmp_path / "shared"
    workplace.environments.rename(elsewhere)
    workplace.environments.symlink_to(elsewhere)
    workplace.remove_unused_environments()
    assert left(workplace) == {"a" * 32}
