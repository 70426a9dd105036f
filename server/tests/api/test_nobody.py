"""What is open to nobody in particular: health, and nothing else."""

import httpx2
import pytest

from pixmill_server.app import create_api
from tests.running_server import RunningServer

OPEN = {"GET /api/v1/health"}


def operations() -> list[str]:
    paths = create_api().openapi()["paths"]
    return sorted(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods)


def test_every_operation_but_health_asks_who_you_are(server: RunningServer) -> None:
    answers = {}
    with httpx2.Client(base_url=server.url, headers={"Pixmill-Fence": "1"}, timeout=60) as http:
        for operation in operations():
            method, path = operation.split(" ")
            answers[operation] = http.request(method, path.replace("{", "").replace("}", ""), json={}).status_code
    assert {operation for operation, status in answers.items() if status != httpx2.codes.UNAUTHORIZED} == OPEN


@pytest.mark.parametrize("header", ["Bearer", "Basic cHhtOnB4bQ==", "pxm_x", "Bearer x y"])
def test_a_header_that_is_no_token_is_refused(server: RunningServer, header: str) -> None:
    answer = httpx2.get(f"{server.url}/api/v1/me", headers={"Authorization": header}, timeout=60)
    assert answer.status_code in {400, 401}
