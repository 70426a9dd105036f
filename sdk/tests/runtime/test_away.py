"""A server that cannot answer for longer than anybody is patient."""

from pathlib import Path

import pytest

from pixmill.runtime.http_server import HttpRunServer
from pixmill.runtime.server import ServerLost
from tests.run_server import FENCE, RUN, TOKEN, FakeRun, make_run, serving

CALLS = 4


def plan_of(run: FakeRun, *, has_worker: bool) -> str:
    """What the plan is made for, as somebody without any patience hears it."""
    with serving(run) as url:
        server = HttpRunServer(url, RUN, token=TOKEN, fence=FENCE, patience_seconds=0, has_worker=lambda: has_worker)
        return server.plan().version


def away(folder: Path, status: int) -> FakeRun:
    run = make_run(folder, images=1)
    run.silent_calls, run.silent_status = CALLS, status
    return run


@pytest.mark.parametrize("status", [503, 507], ids=["the database is away", "there is no room"])
def test_what_passes_is_waited_for_as_long_as_the_worker_lives(status: int, tmp_path: Path) -> None:
    run = away(tmp_path, status)
    assert plan_of(run, has_worker=True) == "street/v1@1"
    assert run.silent_calls == 0


def test_without_a_worker_nobody_waits_for_longer_than_the_lease(tmp_path: Path) -> None:
    with pytest.raises(ServerLost, match="status 503"):
        plan_of(away(tmp_path, 503), has_worker=False)


def test_a_mistake_of_the_server_is_not_waited_for_without_end(tmp_path: Path) -> None:
    with pytest.raises(ServerLost, match="status 500"):
        plan_of(away(tmp_path, 500), has_worker=True)
