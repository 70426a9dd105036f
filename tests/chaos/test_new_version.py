"""A Run that makes a version, killed at each step of its commit and elsewhere: it is there whole, or not at all."""

from collections.abc import Iterator

import pytest

from pixmill.client.jobs import JobScope
from pixmill.errors import NotFound
from pixmill_server.datasets.stores import Step
from pixmill_server.jobs.lifecycle import RunStatus
from tests.chaos.world import IMAGES, Content, NewDatabase, World, let_go, order, wait_until, world

KILLS = (
    ("stage done", "child", RunStatus.FAILED),
    (f"commit: {Step.BRANCH.value}", "server", RunStatus.SUCCEEDED),
    (f"commit: {Step.STAGE.value}", "server", RunStatus.SUCCEEDED),
    (f"commit: {Step.WRITE_ANNOTATIONS.value}", "server", RunStatus.SUCCEEDED),
    (f"commit: {Step.POINT.value}", "server", RunStatus.SUCCEEDED),
    ("finish done", "server", RunStatus.SUCCEEDED),
)
BASE = "scenes/round-1"
"""The world's own Run has annotated it."""
COPIES = 10
SCOPE = JobScope(assets=[f"scene-{number:03}.png" for number in range(COPIES)])


@pytest.fixture(scope="module")
def chaos(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for all kills: each makes a version of its own out of the same one."""
    with world(tmp_path_factory.mktemp("chaos"), database_url=new_database()) as made:
        yield made


@pytest.fixture(scope="module")
def whole(chaos: World) -> Content:
    """What a Run that nobody disturbs makes."""
    status = _ended(chaos, chaos.client.jobs.launch("augment", BASE, to="scenes/whole", scope=SCOPE).id)
    assert status is RunStatus.SUCCEEDED
    made = chaos.content("scenes/whole")
    assert len(made) == IMAGES + COPIES
    assert all(boxes for _, boxes in made.values())
    return made


@pytest.mark.parametrize(("point", "victim", "end"), KILLS)
def test_whatever_is_killed_a_new_version_is_there_whole_or_not_at_all(
    chaos: World, whole: Content, point: str, victim: str, end: RunStatus
) -> None:
    chaos.rounds += 1
    address = f"scenes/made-{chaos.rounds}"
    order(chaos, point, 1)
    job_id = chaos.client.jobs.launch("augment", BASE, to=address, scope=SCOPE).id
    wait_until((chaos.line / "reached").exists, f"{point} is reached")
    chaos.require_victim(victim, job_id).kill()
    let_go(chaos)
    chaos.start_again(victim)
    assert _ended(chaos, job_id) is end
    try:
        found: Content | None = chaos.content(address)
    except NotFound:
        found = None
    assert found == (whole if end is RunStatus.SUCCEEDED else None)


def _ended(chaos: World, job_id: str) -> RunStatus:
    wait_until(lambda: chaos.run(job_id).state.is_over, "the Run is over")
    return chaos.run(job_id).state
