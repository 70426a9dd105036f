"""A database with an Organization and a Compute, and Jobs in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from pixmill_server.accounts.tables import OrganizationRow
from pixmill_server.computes.tables import ComputeRow
from pixmill_server.db.engine import Database, open_database
from pixmill_server.jobs.runs import enqueue
from pixmill_server.jobs.tables import JobRow, RunRow
from pixmill_server.kernel.ids import new_id
from pixmill_server.migrations.metadata import all_tables

START = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Bench:
    """A queue to be driven by hand, with a clock to be set by hand."""

    database: Database
    now: datetime = START

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def launch(
        self,
        *,
        compute: str = "local",
        assets: int = 10,
        job_id: str | None = None,
        number: int = 1,
        limits: dict[str, float] | None = None,
    ) -> RunRow:
        """A Job with a pending Run, or one more Run of a Job."""
        with self.database.transaction() as session:
            if job_id is None:
                job_id = new_id("job")
                session.add(_job(job_id, compute, self.now))
                session.flush()
            run = _run(job_id, number, compute, assets, self.now)
            run.timeouts = dict(limits or {})
            enqueue(session, run)
            return run

    def compute(self, name: str, *, concurrency: int) -> None:
        with self.database.transaction() as session:
            session.add(_compute(name, concurrency, self.now))

    def run(self, run_id: str) -> RunRow:
        with self.database.reading() as session:
            return session.get_one(RunRow, run_id)


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    database = open_bench(database_url)
    yield database
    database.database.close()


def open_bench(url: str) -> Bench:
    database = open_database(url)
    all_tables().create_all(database.engine)
    with database.transaction() as session:
        session.add(OrganizationRow(id="org_1", name="Test", created_at=START))
        session.flush()
        session.add(_compute("local", 1, START))
    return Bench(database)


def _compute(name: str, concurrency: int, now: datetime) -> ComputeRow:
    return ComputeRow(
        id=f"comp_{name}",
        organization_id="org_1",
        name=name,
        executor="process",
        cpus=1,
        memory_bytes=0,
        gpus=0,
        concurrency=concurrency,
        price_per_hour=3.6,
        created_at=now,
    )


def _job(job_id: str, compute: str, now: datetime) -> JobRow:
    return JobRow(
        id=job_id,
        organization_id="org_1",
        version_id="ver_1",
        processing_id="proc_1",
        compute_id=f"comp_{compute}",
        parameters={},
        label_map={},
        scope={},
        existing="keep",
        created_by="usr_1",
        created_at=now,
    )


def _run(job_id: str, number: int, compute: str, assets: int, now: datetime) -> RunRow:
    return RunRow(
        id=new_id("run"),
        job_id=job_id,
        number=number,
        compute_id=f"comp_{compute}",
        status="pending",
        input_number=1,
        processing_version_id="procv_1",
        processing_number=1,
        code_digest="0" * 64,
        model_digests={},
        given={},
        parameters={},
        labels=["car"],
        chunk_size=4,
        created_at=now,
        assets=assets,
        price_per_hour=3.6,
    )
