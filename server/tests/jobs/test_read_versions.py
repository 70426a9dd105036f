"""Versions that a Run reads beside the one it is launched on."""

from collections.abc import Iterator
from typing import Any

import pytest

from pixmill.annotations import AnnotationColumns, Origin, Review, Source, rows_of
from pixmill.errors import InvalidInput
from pixmill_server.accounts.actor import Actor, Role
from pixmill_server.accounts.tables import OrganizationRow, UserRow
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.edit import EditBatch, SetReview, save
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import annotations_of, assets_page
from pixmill_server.datasets.versions import create_version, delete
from pixmill_server.kernel.ids import new_id
from server.tests.datasets.building import IMPORT, asset_rows, boxes, run_commit, street
from server.tests.jobs.acting import Stage, Supervisor
from tests.running_server import RunningServer

RUN = Origin(Source.RUN, run_id="run_x", processing="p")
TRUTH = ("a.jpg", "b.jpg", "c.jpg")


@pytest.fixture
def stage(server: RunningServer) -> Iterator[Stage]:
    stage = Stage(server)
    stage.processing("compare", kind="tagging", reads=("reference", "older"))
    yield stage
    stage.client.close()


@pytest.fixture
def truth(stage: Stage) -> str:
    """`street/truth`: three images, a person on the first and the last of them; its id."""
    services, actor = stage.server.services, stage.server.owner.actor
    version_id = street(services.datasets, actor, (), name="street/truth")
    content = services.objects.put(b"of the truth")
    parts = [ChangePart(assets=asset_rows(services.datasets, TRUTH, digest=content))]
    run_commit(services.datasets, version_id, *parts, origin=IMPORT)
    run_commit(services.datasets, version_id, boxes(["a.jpg", "c.jpg"], label="person"), origin=RUN)
    return version_id


def one_more(stage: Stage, version_id: str) -> None:
    services = stage.server.services
    rows = asset_rows(services.datasets, ["d.jpg"], digest=services.objects.put(b"one more"))
    run_commit(services.datasets, version_id, ChangePart(assets=rows), origin=IMPORT)


def plan_of(supervisor: Supervisor) -> dict[str, Any]:
    told: dict[str, Any] = supervisor.send("GET", "plan").json()
    return told


def page(supervisor: Supervisor, *, after: str = "", limit: int = 100) -> dict[str, Any]:
    told: dict[str, Any] = supervisor.send("GET", f"versions/reference/assets?after={after}&limit={limit}").json()
    return told


def paths(supervisor: Supervisor) -> list[str]:
    return [asset["path"] for asset in page(supervisor)["assets"]]


def annotated(supervisor: Supervisor) -> list[str]:
    """Paths of the assets that come with a person."""
    known = {asset["id"]: asset["path"] for asset in page(supervisor)["assets"]}
    answer = supervisor.send("GET", "versions/reference/annotations")
    rows = list(rows_of(AnnotationColumns.from_bytes(answer.content)))
    assert {row.label for row in rows} <= {"person"}
    return [known[row.asset] for row in rows]


def test_a_run_reads_the_assets_annotations_and_images_of_another_version(stage: Stage, truth: str) -> None:
    stage.launch(processing="compare", parameters={"reference": "street/truth"})
    supervisor = stage.supervisor()
    number = pin(stage.server.services.datasets, truth).number
    told = plan_of(supervisor)
    assert told["parameters"]["reference"] == f"street/truth@{number}"
    assert told["parameters"]["older"] is None
    assert told["versions"] == [
        {"parameter": "reference", "name": f"street/truth@{number}", "labels": ["car", "person"], "assets": 3}
    ]
    first = page(supervisor, limit=2)
    assert [asset["path"] for asset in first["assets"]] == ["a.jpg", "b.jpg"]
    rest = page(supervisor, after=first["next"], limit=2)
    assert ([asset["path"] for asset in rest["assets"]], rest["next"]) == (["c.jpg"], None)
    assert annotated(supervisor) == ["a.jpg", "c.jpg"]
    asset = first["assets"][0]
    image = supervisor.send("GET", asset["url"].partition(f"{supervisor.run.run_id}/")[2])
    assert image.content == b"of the truth"


def test_what_a_human_rejected_is_not_read(stage: Stage, truth: str) -> None:
    datasets, actor = stage.server.services.datasets, stage.server.owner.actor
    head = pin(datasets, truth)
    one = assets_page(datasets, head, after=None, limit=1).items[0]
    shape = annotations_of(datasets, head, [str(one.id)]).to_pylist()[0]["id"]
    save(datasets, actor, truth, EditBatch([SetReview(str(one.id), shape, Review.REJECTED)]))
    stage.launch(processing="compare", parameters={"reference": "street/truth"})
    assert annotated(stage.supervisor()) == ["c.jpg"]


def test_what_comes_to_the_other_version_later_is_not_read_and_the_next_run_says_so(stage: Stage, truth: str) -> None:
    job_id = stage.launch(processing="compare", parameters={"reference": "street/truth"})
    datasets = stage.server.services.datasets
    before = pin(datasets, truth).number
    one_more(stage, truth)
    first = stage.supervisor()
    assert paths(first) == [*TRUTH]
    first.work()
    again = stage.client.jobs.rerun(job_id)
    assert paths(stage.supervisor()) == [*TRUTH, "d.jpg"]
    assert f"reference: street/truth@{before} -> street/truth@{before + 1}" in again.runs[0].differs


def test_a_revision_that_was_asked_for_is_read_also_in_the_next_run(stage: Stage, truth: str) -> None:
    datasets = stage.server.services.datasets
    number = pin(datasets, truth).number
    one_more(stage, truth)
    job_id = stage.launch(processing="compare", parameters={"reference": f"street/truth@{number}"})
    first = stage.supervisor()
    assert paths(first) == [*TRUTH]
    first.work()
    stage.client.jobs.rerun(job_id)
    assert paths(stage.supervisor()) == [*TRUTH]


def test_a_run_is_resumed_only_with_the_revision_that_it_read(stage: Stage, truth: str) -> None:
    job_id = stage.launch(processing="compare", parameters={"reference": "street/truth"})
    datasets = stage.server.services.datasets
    number = pin(datasets, truth).number
    first = stage.supervisor()
    first.start()
    first.stage(first.claim() or {})
    first.finish(exit_code=1, returned=False, error={"type": "E", "message": "m", "traceback": ""})
    one_more(stage, truth)
    with pytest.raises(Exception, match=rf"reference: street/truth@{number} -> street/truth@{number + 1}"):
        stage.client.jobs.resume(job_id)
    stage.client.jobs.resume(job_id, parameters={"reference": f"street/truth@{number}"})
    assert paths(stage.supervisor()) == [*TRUTH]


@pytest.mark.parametrize("address", ["street/nowhere", "street/truth@99", "street", "", "other/v1"])
def test_a_version_that_is_not_there_is_refused_at_launch(stage: Stage, truth: str, address: str) -> None:
    strangers_version(stage, "other/v1")
    with pytest.raises(InvalidInput, match="'reference' cannot be") as refused:
        stage.launch(processing="compare", parameters={"reference": address})
    assert refused.value.field == "reference"


def test_a_deleted_version_is_refused_at_launch_but_read_to_the_end_where_a_run_has_it(
    stage: Stage, truth: str
) -> None:
    stage.launch(processing="compare", parameters={"reference": "street/truth"})
    delete(stage.server.services.datasets, stage.server.owner.actor, truth)
    assert paths(stage.supervisor()) == [*TRUTH]
    with pytest.raises(InvalidInput, match="'reference' cannot be"):
        stage.launch(processing="compare", parameters={"reference": "street/truth"})


def test_a_run_reads_no_version_that_it_was_not_given(stage: Stage, truth: str) -> None:
    stage.launch(processing="compare", parameters={"reference": "street/truth"})
    supervisor = stage.supervisor()
    assert supervisor.send("GET", "versions/older/assets").status_code == 404
    assert supervisor.send("GET", f"versions/{truth}/assets").status_code == 404
    own = assets_page(
        stage.server.services.datasets, pin(stage.server.services.datasets, stage.version_id), after=None, limit=1
    )
    assert supervisor.send("GET", f"versions/reference/assets/{own.items[0].id}").status_code == 404


def strangers_version(stage: Stage, address: str) -> None:
    """One of another Organization."""
    services = stage.server.services
    organization, user = new_id("org"), new_id("usr")
    with services.database.transaction() as session:
        now = services.clock.now()
        session.add(OrganizationRow(id=organization, name="others", created_at=now))
        session.flush()
        session.add(UserRow(id=user, organization_id=organization, name="other", role="owner", created_at=now))
    create_version(services.datasets, Actor(user, organization, Role.OWNER), address)
