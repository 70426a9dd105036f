"""Fixtures for tests that run a Processing: its environment, built by uv once a session."""

from pathlib import Path

import pytest

from pixmill.environments import Environment, Header, build, lock, pack_sdk


@pytest.fixture(scope="session")
def plain_lock() -> bytes:
    """The lock of a Processing that needs nothing."""
    return lock(Header())


@pytest.fixture(scope="session")
def plain_environment(plain_lock: bytes, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The environment of a Processing that needs nothing, with the SDK as it is in this checkout."""
    root = tmp_path_factory.mktemp("environments")
    return build(plain_lock, pack_sdk(Path(root)), root)
