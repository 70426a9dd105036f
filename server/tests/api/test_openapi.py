"""The description of REST: committed, current, and true of the running server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pixmill.wire.processings import ARCHIVE
from pixmill_server.app import create_api
from pixmill_server.settings import read_settings
from tests.running_server import RunningServer, serve
from tools.openapi import COMMITTED, render


def test_the_committed_description_is_current() -> None:
    assert COMMITTED.read_text() == render(), "run `python -m tools.openapi`"


@pytest.fixture(scope="module")
def standing_server(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("data")
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as running:
        yield running


@schemathesis.serializer(ARCHIVE)
def _as_it_is(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """Whatever was made up, which is no archive."""
    return value if isinstance(value, bytes) else str(value).encode()


DESCRIBED = schemathesis.openapi.from_dict(create_api().openapi())
OPERATIONS = {found.ok().label: found.ok() for found in DESCRIBED.get_all_operations() if isinstance(found, Ok)}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_described(label: str, standing_server: RunningServer) -> None:
    headers = {"Authorization": f"Bearer {standing_server.owner.token}"}

    @given(case=OPERATIONS[label].as_strategy())
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    def ask(case: "schemathesis.Case[Any]") -> None:
        case.call_and_validate(base_url=standing_server.url, headers=headers, timeout=60, checks=CHECKS)

    ask()
