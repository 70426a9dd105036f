"""The lines of a Run's metrics."""

from datetime import UTC, datetime

from pixmill_server.jobs.metrics import Point, RunMetrics
from pixmill_server.web.run_charts import MOST_ROWS, RunChart, RunCharts, run_charts

NOTHING = Point(0.0, 0.0, 0.0, 0)
BEGIN = datetime(2026, 5, 4, tzinfo=UTC)


def charts_of(*points: Point, peak: float = 0.0, interval_seconds: float = 2.0) -> RunCharts:
    made = run_charts(RunMetrics(BEGIN, interval_seconds, points, peak, 0))
    assert made is not None
    return made


def cpus_of(*values: float | None, peak: float = 0.0) -> RunChart:
    return charts_of(*(NOTHING if value is None else Point(value, 0, 0, 1) for value in values), peak=peak).charts[0]


def test_nothing_is_drawn_where_nothing_was_sampled() -> None:
    assert run_charts(RunMetrics(None, 2.0, (), 0.0, 0)) is None
    assert run_charts(RunMetrics(BEGIN, 2.0, (NOTHING,), 0.0, 0)) is None


def test_one_sample_is_a_level_line_over_its_interval() -> None:
    assert cpus_of(0.5).line == "M0.00,20.00 L50.00,20.00 L100.00,20.00"


def test_the_upper_edge_is_a_round_number_above_the_greatest_value() -> None:
    assert [cpus_of(value).top for value in (0.0, 0.3, 0.48, 1.0, 1.8, 1.81, 7.0)] == [
        "1.00", "0.50", "1.00", "2.00", "2.00", "5.00", "10.00",
    ]  # fmt: skip


def test_a_late_sample_leaves_no_hole_and_a_long_silence_does() -> None:
    assert cpus_of(0.5, None, 0.5).line.count("M") == 1
    assert cpus_of(0.5, None, None, None, None, 0.5).line.count("M") == 2
    assert cpus_of(0.5, None, None, None, None, 0.5).values == "0.50|||||0.50"


def test_a_peak_between_two_looks_is_said_though_the_line_is_of_averages() -> None:
    chart = cpus_of(0.5, 0.7, peak=1.9)
    assert (chart.now, chart.peak) == ("0.70", "1.90")


def test_what_was_zero_all_the_time_is_left_out_but_for_the_cpus() -> None:
    assert [chart.name for chart in charts_of(Point(0.0, 0.0, 0.0, 1)).charts] == ["CPUs"]
    assert [chart.name for chart in charts_of(Point(0.0, 9.0, 3.0, 1)).charts] == ["CPUs", "Memory", "Images/s"]


def test_the_table_of_a_long_run_stays_short_and_begins_where_each_row_says() -> None:
    charts = charts_of(*[Point(1.0, 1.0, 1.0, 1)] * 300)
    assert len(charts.rows) <= MOST_ROWS
    assert [when for when, _ in charts.rows[:3]] == ["0.0 s", "16 s", "32 s"]
    assert charts.ends == "10 min 00 s"
