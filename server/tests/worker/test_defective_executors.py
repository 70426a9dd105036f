"""A worker whose executor has a defect ends its Runs properly all the same."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from sqlalchemy import select

from pixmill.annotations import Origin, Source, new_id
from pixmill_server.datasets.changes import ChangePart, ChangeSource, Existing
from pixmill_server.datasets.commit import commit
from pixmill_server.datasets.revise import Author
from pixmill_server.datasets.schemas import ASSETS
from pixmill_server.datasets.versions import create_version
from pixmill_server.db.engine import Database
from pixmill_server.executors.contract import Executor
from pixmill_server.executors.process import create
from pixmill_server.jobs.launch import launch
from pixmill_server.jobs.request import LaunchRequest
from pixmill_server.jobs.tables import RunRow
from pixmill_server.processings.push import push
from pixmill_server.settings import read_settings
from pixmill_server.wiring import open_services
from pixmill_server.worker.loop import Worker
from pixmill_server.worker.workplace import Workplace
from server.tests.executors.fakes import (
    CrashingExecutor,
    DeafExecutor,
    NeverExecutor,
    SlowExecutor,
    VanishingExecutor,
)
from tests.running_server import RunningServer, serve

SOURCE = b'''"""Tag every image."""
from pixmill.authoring import processing

@processing(kind="tagging", batch_size=4)
class TagAll:
    def __call__(self, batch):
        for asset in batch.assets:
            yield asset.tag("seen")
'''
PATIENCE_SECONDS = 120


@dataclass(slots=True)
class Ahead:
    """The machine's clock, and some time more."""

    offset: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("data")
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as server:
        services, actor = server.services, server.owner.actor
        push(services.processings, actor, SOURCE, file_name="tag_all.py")
        created = create_version(services.datasets, actor, "drawn/v1")
        encoded = BytesIO()
        Image.new("RGB", (8, 8)).save(encoded, "PNG")
        row = {
            "id": new_id(), "path": "a.png", "digest": services.objects.put(encoded.getvalue()),
            "size_bytes": len(encoded.getvalue()), "width": 8, "height": 8, "orientation": 1, "media_type": "image/png",
            "source_uri": "", "external_id": -1, "tags": [], "metadata": "", "created_at": datetime.now(UTC),
        }  # fmt: skip
        part = ChangePart(assets=pa.RecordBatch.from_pylist([row], schema=ASSETS))
        commit(
            services.datasets,
            created.id,
            ChangeSource(lambda: [part], Origin(Source.IMPORT)),
            author=Author(actor.user_id),
            summary="a picture",
            existing=Existing.ADD,
        )
        yield server


@pytest.mark.parametrize(
    ("defect", "status", "reason"),
    [
        (lambda: SlowExecutor(create(), seconds=1), "succeeded", None),
        (lambda: DeafExecutor(create()), "succeeded", None),
        (NeverExecutor, "failed", "lost"),
        (CrashingExecutor, "failed", "placement"),
        (lambda: VanishingExecutor(create()), "failed", "lost"),
    ],
    ids=["slow", "deaf", "never", "crashing", "vanishing"],
)
def test_a_run_ends_and_says_how_whatever_its_executor_does(
    defect: Callable[[], Executor], status: str, reason: str | None, running: RunningServer
) -> None:
    clock = Ahead()
    services = open_services(running.services.settings, clock=clock)
    workplace = replace(Workplace.of(services, running.url), executors={"process": defect()})
    worker = Worker(workplace)
    worker._begin()
    worker._sign_of_life()
    job_id = launch(services.jobs, running.owner.actor, LaunchRequest("tag-all", "drawn/v1", existing="add"))
    worker._claim_all()
    for thread in worker._placing:
        thread.join()
    until = time.monotonic() + PATIENCE_SECONDS
    while (run := newest(services.database, job_id)).ended_at is None:
        assert time.monotonic() < until, run.status
        if status == "failed":
            clock.offset += timedelta(minutes=1)
        worker._watch()
        worker._reap()
        time.sleep(0.05)
    services.close()
    assert run.status == status, run.message
    assert reason is None or run.reason == reason
    if status == "failed":
        assert not (workplace.scratch / "runs" / run.id).exists()


def newest(database: Database, job_id: str) -> RunRow:
    with database.reading() as session:
        return session.scalars(select(RunRow).where(RunRow.job_id == job_id)).one()
