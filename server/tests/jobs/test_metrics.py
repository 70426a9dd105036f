"""What Runs take over time, in rows of bounded size, and what an operator watches."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pixmill_server.jobs.metrics import MOST_POINTS, Point, Sample, halved, metrics_of, note_sample
from pixmill_server.jobs.queue import LEASE, expire
from pixmill_server.jobs.tables import RunMetricsRow
from pixmill_server.settings import read_settings
from server.tests.jobs.acting import Stage
from server.tests.jobs.conftest import Bench
from tests.running_server import serve


def sampled(bench: Bench, run_id: str, sample: Sample, *, after_seconds: float) -> None:
    with bench.database.transaction() as session:
        note_sample(session, run_id, sample, now=bench.now + timedelta(seconds=after_seconds))


def test_samples_of_one_interval_are_averaged_and_peaks_are_kept(bench: Bench) -> None:
    run_id = bench.launch().id
    for after, cpus, memory in [(0, 1.0, 100), (1, 3.0, 900), (2, 0.5, 300), (9, 1.5, 200)]:
        sampled(bench, run_id, Sample(cpus, memory, 10.0 * after, 7), after_seconds=after)
    with bench.database.reading() as session:
        found = metrics_of(session, run_id)
    assert (found.interval_seconds, found.peak_cpus, found.peak_memory_bytes) == (2.0, 3.0, 900)
    assert [point for point in found.points if point.samples] == [
        Point(2.0, 900.0, 5.0, 2),
        Point(0.5, 300.0, 20.0, 1),
        Point(1.5, 200.0, 90.0, 1),
    ]


def test_nine_hours_take_no_more_room_than_ten_minutes(bench: Bench) -> None:
    run_id = bench.launch().id
    for minute in range(9 * 60):
        sampled(bench, run_id, Sample(1.0, minute, 2.0, 0), after_seconds=60 * minute)
    with bench.database.reading() as session:
        found = metrics_of(session, run_id)
        assert len(session.get_one(RunMetricsRow, run_id).points) <= 16 * MOST_POINTS
    assert found.interval_seconds == 128.0
    assert found.interval_seconds * len(found.points) >= 60 * (9 * 60 - 1)
    assert sum(point.samples for point in found.points) == 9 * 60
    assert found.peak_memory_bytes == 9 * 60 - 1


points = st.builds(Point, st.floats(0, 64), st.floats(0, 1e9), st.floats(0, 100), st.integers(1, 9))


@given(st.lists(points, min_size=1))
def test_halving_keeps_the_number_of_samples_the_mean_and_the_peak(given: list[Point]) -> None:
    half = halved(given)
    assert sum(point.samples for point in half) == sum(point.samples for point in given)
    assert max(point.memory_bytes for point in half) == max(point.memory_bytes for point in given)
    assert sum(point.cpus * point.samples for point in half) == pytest.approx(
        sum(point.cpus * point.samples for point in given)
    )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Stage]:
    data = tmp_path_factory.mktemp("metrics") / "data"
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as server:
        yield Stage(server)


def figures(stage: Stage) -> dict[str, float]:
    headers = {"Authorization": f"Bearer {stage.server.owner.token}"}
    answer = httpx2.get(f"{stage.server.url}/metrics", headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == 200
    return {
        sample.name + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_a_run_took_is_told_with_its_heartbeat(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    beat = {"images_per_second": 4.5, "sample": {"cpus": 1.5, "memory_bytes": 3 << 20, "log_lag_bytes": 77}}
    assert supervisor.send("POST", "heartbeat", beat).status_code == 200
    told = stage.client.jobs.metrics(job_id, 1)
    assert (told.peak_cpus, told.peak_memory_bytes) == (1.5, 3 << 20)
    assert [(point.seconds, point.images_per_second) for point in told.points] == [(0, 4.5)]
    assert figures(stage)["pixmill_log_lag_bytes"] == 77
    supervisor.stage_all()
    supervisor.finish()
    assert figures(stage)["pixmill_log_lag_bytes"] == 0


def test_the_queue_claims_ends_and_lost_runs_are_counted(stage: Stage) -> None:
    before = figures(stage)
    stage.launch()
    waiting = figures(stage)
    assert waiting["pixmill_queue_depth"] == before["pixmill_queue_depth"] + 1
    assert waiting["pixmill_runs[pending]"] == 1
    stage.supervisor().work()
    stage.launch()
    lost = stage.supervisor()
    lost.start()
    services = stage.server.services
    with services.database.transaction() as session:
        expire(session, now=services.clock.now() + 2 * LEASE)
    for after in (figures(stage), figures(stage)):
        assert after["pixmill_queue_depth"] == 0
        assert after["pixmill_claim_latency_seconds_count"] == before["pixmill_claim_latency_seconds_count"] + 2
        assert after["pixmill_runs_ended_total[succeeded]"] == before["pixmill_runs_ended_total[succeeded]"] + 1
        assert after["pixmill_runs_reaped_total"] == before["pixmill_runs_reaped_total"] + 1
    assert before["process_resident_memory_bytes"] > 0


def test_metrics_need_a_token_unless_the_operator_has_opened_them(stage: Stage, tmp_path: Path, bundle: Path) -> None:
    assert httpx2.get(f"{stage.server.url}/metrics", trust_env=False, timeout=60).status_code == 401
    opened = {"PIXMILL_DATA": str(tmp_path / "data"), "PIXMILL_BUNDLE": str(bundle), "PIXMILL_METRICS_OPEN": "1"}
    with serve(read_settings(opened)) as server:
        assert httpx2.get(f"{server.url}/metrics", trust_env=False, timeout=60).status_code == 200
