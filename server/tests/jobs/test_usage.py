from datetime import timedelta

import pytest

from pixmill_server.datasets.tables import DatasetRow, VersionRow
from pixmill_server.jobs.tables import RunRow
from pixmill_server.jobs.usage import last_used, usage
from pixmill_server.processings.tables import ProcessingRow
from server.tests.jobs.conftest import START, Bench


@pytest.fixture
def named(bench: Bench) -> Bench:
    """The queue, whose Jobs belong to a Processing and a Dataset."""
    with bench.database.transaction() as session:
        session.add(
            ProcessingRow(
                id="proc_1", organization_id=None, name="boxes", kind="k", title="", description="", created_at=START
            )
        )
        session.add(DatasetRow(id="data_1", organization_id="org_1", name="street", created_at=START))
        session.flush()
        session.add(VersionRow(id="ver_1", dataset_id="data_1", name="v1", branch="b", head_number=1, created_at=START))
    return bench


def ran(bench: Bench, *, begun: timedelta, seconds: float | None) -> RunRow:
    """A Run that began so long after the start; None seconds: it is still running."""
    run = bench.launch()
    with bench.database.transaction() as session:
        row = session.get_one(RunRow, run.id)
        row.started_at = START + begun
        row.ended_at = None if seconds is None else START + begun + timedelta(seconds=seconds)
    return run


def test_running_time_and_cost_are_added_up_by_processing_dataset_and_month(named: Bench) -> None:
    ran(named, begun=timedelta(0), seconds=100)
    ran(named, begun=timedelta(days=20), seconds=300)
    named.launch()
    with named.database.reading() as session:
        found = usage(session, "org_1", now=START + timedelta(days=30))
    # A second costs 0.001: an hour 3.6. The Run that waits costs nothing.
    assert (found.total.runs, found.total.seconds, round(found.total.cost, 6)) == (2, 400, 0.4)
    assert [(line.name, line.seconds) for line in found.by_processing] == [("boxes", 400)]
    assert [(line.name, line.seconds) for line in found.by_dataset] == [("street", 400)]
    assert [(line.name, line.seconds) for line in found.by_month] == [("2026-12", 300), ("2026-11", 100)]


def test_a_run_that_is_running_counts_up_to_now(named: Bench) -> None:
    ran(named, begun=timedelta(0), seconds=None)
    with named.database.reading() as session:
        assert usage(session, "org_1", now=START + timedelta(seconds=50)).total.seconds == 50


def test_nobody_sees_the_usage_of_others(named: Bench) -> None:
    ran(named, begun=timedelta(0), seconds=100)
    with named.database.reading() as session:
        assert usage(session, "org_2", now=START).total.runs == 0
        assert last_used(session, "org_2") == {}
        assert last_used(session, "org_1") == {"proc_1": START}
