"""Computes and findings on SQLite and on PostgreSQL."""

import math
from collections.abc import Iterator

import pytest

from pixmill.errors import InvalidInput, NotFound
from pixmill_server.accounts.accounts import Accounts
from pixmill_server.accounts.users import ensure_owner
from pixmill_server.computes.computes import (
    ComputeChange,
    Computes,
    available_cpus,
    ensure_local,
    find_compute,
    list_computes,
    set_compute,
)
from pixmill_server.computes.findings import Finding, Verdict, examine, kept_findings
from pixmill_server.computes.probes import look_at_database
from pixmill_server.db import schema
from pixmill_server.db.engine import open_database
from pixmill_server.kernel.clock import SystemClock


@pytest.fixture
def computes(database_url: str) -> Iterator[Computes]:
    database = open_database(database_url)
    schema.upgrade(database)
    yield Computes(database, SystemClock())
    database.close()


@pytest.fixture
def organization_id(computes: Computes) -> str:
    organization_id = ensure_owner(Accounts(computes.database, SystemClock())).organization_id
    ensure_local(computes, organization_id)
    return organization_id


def test_local_is_made_once_and_stays_as_it_was_set(computes: Computes, organization_id: str) -> None:
    set_compute(computes, organization_id, "local", ComputeChange(price_per_hour=0.4, concurrency=3))
    again = ensure_local(computes, organization_id)
    assert (again.price_per_hour, again.concurrency, again.cpus) == (0.4, 3, available_cpus())
    assert list_computes(computes, organization_id) == [again]
    assert find_compute(computes, organization_id, again.id) == again


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (ComputeChange(cpus=0), "cpus"),
        (ComputeChange(cpus=math.nan), "cpus"),
        (ComputeChange(memory_bytes=1), "memory_bytes"),
        (ComputeChange(processes=1), "processes"),
        (ComputeChange(scratch_bytes=1), "scratch_bytes"),
        (ComputeChange(concurrency=0), "concurrency"),
        (ComputeChange(price_per_hour=-1), "price_per_hour"),
        (ComputeChange(price_per_hour=math.inf), "price_per_hour"),
    ],
)
def test_what_no_run_could_live_with_is_refused(
    computes: Computes, organization_id: str, change: ComputeChange, field: str
) -> None:
    before = find_compute(computes, organization_id, "local")
    with pytest.raises(InvalidInput) as refused:
        set_compute(computes, organization_id, "local", change)
    assert refused.value.field == field
    assert find_compute(computes, organization_id, "local") == before


def test_another_organization_has_no_such_compute(computes: Computes, organization_id: str) -> None:
    with pytest.raises(NotFound):
        find_compute(computes, "org_other", "local")


def test_what_is_found_takes_the_place_of_what_was_found_before(computes: Computes) -> None:
    old = Finding("disk", Verdict.WARNING, "little is free", "Free some.", {"free_bytes": 1})
    examine(computes, [lambda: old])
    found = examine(computes, [lambda: look_at_database(computes.database), lambda: old])
    assert [kept.finding for kept in kept_findings(computes)] == [kept.finding for kept in found]
    assert found[0].finding.facts["name"] == {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[computes.database.dialect]
