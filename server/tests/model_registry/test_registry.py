"""The registry's queries on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pixmill_server.accounts.accounts import Accounts
from pixmill_server.accounts.actor import Actor
from pixmill_server.accounts.users import ensure_owner
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.kernel.clock import SystemClock
from pixmill_server.model_registry.errors import ModelVersionExists, UnknownModel
from pixmill_server.model_registry.hub import read_hub
from pixmill_server.model_registry.push import push
from pixmill_server.model_registry.queries import find_model, find_model_version, list_models
from pixmill_server.model_registry.records import Framework, NewModelVersion
from pixmill_server.model_registry.registry import ModelRegistry
from pixmill_server.storage.objects import open_objects

ONNX = b"\x08\x08\x12\x01t\x3a\x00"


@pytest.fixture
def registry(database_url: str, tmp_path: Path) -> Iterator[ModelRegistry]:
    database = open_database(database_url)
    schema.upgrade(database)
    yield ModelRegistry(database, open_objects(str(tmp_path / "objects")), SystemClock(), read_hub())
    database.close()


@pytest.fixture
def owner(registry: ModelRegistry) -> Actor:
    return ensure_owner(Accounts(registry.database, SystemClock()))


def wish(registry: ModelRegistry, model: str, version: str | None) -> NewModelVersion:
    digest = registry.objects.put(ONNX)
    return NewModelVersion(
        model=model,
        version=version,
        task="detection",
        framework=Framework.ONNX,
        family=None,
        labels=("person", "car"),
        files=(("model.onnx", digest),),
        parameters={"input_size": [416, 416]},
    )


def test_versions_are_found_by_address_id_and_as_the_newest(registry: ModelRegistry, owner: Actor) -> None:
    first = push(registry, owner, wish(registry, "yolo", "1"))
    second = push(registry, owner, wish(registry, "yolo", "beta"))
    other = push(registry, owner, wish(registry, "other", None))
    for address, found in (("yolo/1", first), (first.id, first), ("yolo", second), ("other/1", other)):
        assert find_model_version(registry, owner.organization_id, address) == found
    assert [model.name for model in list_models(registry, owner.organization_id)] == ["other", "yolo"]
    assert find_model(registry, owner.organization_id, "yolo").versions == (second, first)
    for address in ("yolo/2", "moon", "modv_0"):
        with pytest.raises(UnknownModel):
            find_model_version(registry, owner.organization_id, address)


def test_other_content_under_the_same_name_is_refused(registry: ModelRegistry, owner: Actor) -> None:
    first = push(registry, owner, wish(registry, "yolo", "1"))
    with pytest.raises(ModelVersionExists):
        push(registry, owner, replace(wish(registry, "yolo", "1"), licence="MIT"))
    assert find_model_version(registry, owner.organization_id, "yolo/1") == first


def test_numbers_are_given_once_however_many_push_at_once(registry: ModelRegistry, owner: Actor) -> None:
    with ThreadPoolExecutor(4) as threads:
        pushed = list(threads.map(lambda _: push(registry, owner, wish(registry, "yolo", None)), range(8)))
    assert sorted(version.version for version in pushed) == [str(number) for number in range(1, 9)]
