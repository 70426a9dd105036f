"""Fixtures for tests that run a Processing: its environment, built by uv once a session, for all its processes."""

import pytest

from pixmill.environments import Environment, Header, build, lock, pack_sdk
from tests.shared_environments import shared_environments


@pytest.fixture(scope="session")
def plain_lock() -> bytes:
    """The lock of a Processing that needs nothing."""
    return lock(Header())


@pytest.fixture(scope="session")
def plain_environment(plain_lock: bytes, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment of a Processing that needs nothing, with the SDK as it is in this checkout."""
    packed = tmp_path_factory.mktemp("sdk")
    root = shared_environments(packed) or tmp_path_factory.mktemp("environments")
    return build(plain_lock, pack_sdk(packed), root)
