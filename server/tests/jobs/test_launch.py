"""What a launch does and refuses, over REST as the SDK speaks it."""

import threading
import time

import pytest

from pixmill.client.jobs import LogBytes
from pixmill.errors import Conflict, InvalidInput, NotFound, PixmillError
from pixmill.wire.jobs import JobScope, LaunchJob
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.selections import keep_selection
from pixmill_server.jobs.tables import JobRow, RunRow
from server.tests.datasets.building import IMPORT, asset_rows, id_of, run_commit
from server.tests.jobs.acting import PATHS, Stage
from tests.running_server import PATIENCE_SECONDS, RunningServer

DETECTOR = {"model": {"task": "detection", "frameworks": ["onnx"]}}


@pytest.fixture
def stage(server: RunningServer) -> Stage:
    stage = Stage(server)
    stage.processing("detect", takes=DETECTOR)
    return stage


def wish(**given: object) -> LaunchJob:
    return LaunchJob.model_validate({"processing": "detect", "version": "street/v1", **given})


def jobs_and_runs(stage: Stage) -> tuple[int, int]:
    with stage.server.services.database.reading() as session:
        return session.query(JobRow).count(), session.query(RunRow).count()


def test_a_plan_says_what_will_be_done_and_launches_nothing(stage: Stage) -> None:
    stage.model("toy", ["car", "People", "dog"])
    plan = stage.client.jobs.plan(wish(model="toy/1", parameters={"threshold": 0.9}))
    assert (plan.version, plan.assets, plan.model) == ("street/v1@3", 6, "toy/1")
    assert (plan.mapped, plan.ignored) == ({"car": "car"}, ["People", "dog"])
    assert plan.labels_without_class == ["person"]
    assert [(each.model_class, each.label) for each in plan.proposals] == [("People", "person")]
    assert plan.parameters == {"model": "toy/1", "threshold": 0.9, "batch_size": 2}
    assert jobs_and_runs(stage) == (0, 0)


def test_the_supervisor_is_told_which_classes_are_wanted_and_where_they_go(stage: Stage) -> None:
    stage.model("toy", ["dog", "car", "truck"])
    stage.client.jobs.send(wish(model="toy", map={"truck": "car"}))
    plan = stage.supervisor().send("GET", "plan").json()
    assert (plan["wanted_classes"], plan["label_map"]) == ([1, 2], {"car": "car", "truck": "car"})
    assert (plan["model"]["name"], plan["model_parameter"]) == ("toy/1", "model")
    (file,) = plan["model"]["files"]
    assert file["name"] == "model.onnx"


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"processing": "nothing"}, NotFound, "nothing"),
        ({"processing": "detect@7", "model": "toy/1"}, NotFound, "detect@7"),
        ({"processing": "detect@x", "model": "toy/1"}, InvalidInput, "detect@x"),
        ({"version": "street/v9"}, NotFound, "street/v9"),
        ({"version": "street"}, InvalidInput, "street"),
        ({"model": "none/1"}, NotFound, "none/1"),
        ({}, InvalidInput, "--model"),
        ({"model": "sorter/1"}, InvalidInput, "classification"),
        ({"model": "lite/1"}, InvalidInput, "tflite"),
        ({"model": "animals/1"}, InvalidInput, "dog, cat"),
        ({"model": "upper/1"}, InvalidInput, "--map Car=car"),
        ({"model": "toy/1", "map": {"lion": "car"}}, InvalidInput, "lion"),
        ({"model": "toy/1", "map": {"car": "lion"}}, InvalidInput, "lion"),
        ({"model": "toy/1", "parameters": {"threshold": 7}}, InvalidInput, "'threshold' cannot be 7"),
        ({"model": "toy/1", "parameters": {"speed": 7}}, InvalidInput, "speed"),
        ({"model": "toy/1", "compute": "moon"}, NotFound, "moon"),
        ({"model": "toy/1", "scope": {"assets": ["zz.jpg"]}}, NotFound, "zz.jpg"),
        ({"model": "toy/1", "scope": {"assets": []}}, InvalidInput, "scope"),
        ({"model": "toy/1", "scope": {"label": "unicorn"}}, NotFound, "unicorn"),
        ({"model": "toy/1", "scope": {"label": "car"}}, InvalidInput, "Label 'car'"),
        ({"model": "toy/1", "scope": {"tag": "night"}}, InvalidInput, "tag 'night'"),
        ({"model": "toy/1", "scope": {"filter": "lable=car"}}, InvalidInput, "lable"),
        ({"model": "toy/1", "scope": {"filter": "min_score=0.5"}}, InvalidInput, "scored 0.5 or more"),
        ({"model": "toy/1", "scope": {"filter": "selection=sel_1"}}, NotFound, "sel_1"),
        ({"model": "toy/1", "scope": {"filter": "label=car", "label": "person"}}, InvalidInput, "Say it once"),
        ({"model": "toy/1", "scope": {"filter": "annotated=true", "unannotated": True}}, InvalidInput, "Say it once"),
    ],
)
def test_a_launch_that_cannot_be_is_refused_by_name_and_leaves_nothing(
    stage: Stage, given: dict[str, object], error: type[PixmillError], said: str
) -> None:
    stage.model("toy", ["car"])
    stage.model("sorter", ["car"], task="classification")
    stage.model("lite", ["car"], framework="tflite")
    stage.model("animals", ["dog", "cat"])
    stage.model("upper", ["Car"])
    with pytest.raises(error) as refused:
        stage.client.jobs.send(wish(**given))
    assert said in str(refused.value)
    assert jobs_and_runs(stage) == (0, 0)


def test_a_scope_of_paths_is_worked_in_the_order_of_paths(stage: Stage) -> None:
    stage.launch(scope=JobScope(assets=[PATHS[4], PATHS[1]]))
    chunk = stage.supervisor().claim()
    assert chunk is not None
    assert [asset["path"] for asset in chunk["assets"]] == [PATHS[1], PATHS[4]]


def test_what_has_no_annotations_is_a_scope_of_its_own(stage: Stage) -> None:
    stage.launch(scope=JobScope(assets=[PATHS[0]]))
    stage.supervisor().work()
    assert stage.client.jobs.plan(wish(processing="annotate", scope={"unannotated": True})).assets == 5
    assert stage.client.jobs.plan(wish(processing="annotate", scope={"label": "car"})).assets == 1


def test_a_filter_of_the_grid_is_a_scope_and_stays_one_when_the_job_is_run_again(stage: Stage) -> None:
    stage.launch(scope=JobScope(assets=[PATHS[0], PATHS[3]]))
    stage.supervisor().work()
    job_id = stage.launch(scope=JobScope(filter="label=car&min_score=0.4&source=run"), existing="add")
    assert stage.client.jobs.show(job_id).scope == {"filter": "label=car&source=run&min_score=0.4"}
    assert [asset["path"] for asset in (stage.supervisor().claim() or {})["assets"]] == [PATHS[0], PATHS[3]]
    stage.client.jobs.cancel(job_id)


def test_ten_thousand_selected_assets_are_a_scope(stage: Stage) -> None:
    services = stage.server.services
    paths = [f"many/{number:05}.jpg" for number in range(10_001)]
    rows = asset_rows(services.datasets, paths, digest=services.objects.put(b"picture"))
    run_commit(services.datasets, stage.version_id, ChangePart(assets=rows), origin=IMPORT)
    selected = keep_selection(services.objects, (id_of(path) for path in paths[1:]))
    job_id = stage.launch(scope=JobScope(filter=f"selection={selected}"))
    job = stage.client.jobs.show(job_id)
    assert (job.scope, job.progress.total) == ({"filter": f"selection={selected}"}, 10_000)


def test_a_pending_run_says_what_it_waits_for(stage: Stage) -> None:
    first = stage.launch()
    assert "worker" in str(stage.client.jobs.show(first).waits_for)
    stage.supervisor()
    second, third = stage.launch(), stage.launch()
    assert stage.client.jobs.show(second).waits_for == "a place on Compute 'local' (1 of 1 in use); position 1"
    assert "position 2" in str(stage.client.jobs.show(third).waits_for)


def test_jobs_are_listed_newest_first_by_status_version_and_processing(stage: Stage) -> None:
    first = stage.launch()
    stage.supervisor().work()
    second = stage.launch()
    client = stage.client
    assert [job.id for job in client.jobs.list()] == [second, first]
    assert [job.id for job in client.jobs.list(status="succeeded")] == [first]
    assert [job.id for job in client.jobs.list(version="street/v1", processing="annotate")] == [second, first]
    assert list(client.jobs.list(processing="detect")) == []


def test_a_job_is_found_by_any_beginning_that_only_it_has(stage: Stage) -> None:
    job_id = stage.launch()
    assert stage.client.jobs.show("job_").id == job_id
    assert stage.client.jobs.show(job_id.removeprefix("job_")).id == job_id
    stage.launch()
    with pytest.raises(InvalidInput, match="Several Jobs"):
        stage.client.jobs.show("job_")
    with pytest.raises(NotFound):
        stage.client.jobs.show("job_nothing")


def test_a_stranger_sees_nothing_of_a_job(stage: Stage) -> None:
    job_id = stage.launch()
    with pytest.raises(NotFound):
        type(stage.client)(stage.server.url, stage.server.stranger.token).jobs.show(job_id)


def test_a_rerun_is_refused_while_a_run_is_active(stage: Stage) -> None:
    job_id = stage.launch()
    with pytest.raises(Conflict, match="pending or running"):
        stage.client.jobs.rerun(job_id)
    supervisor = stage.supervisor()
    supervisor.start()
    with pytest.raises(Conflict, match="pending or running"):
        stage.client.jobs.rerun(job_id)


def test_running_time_and_cost_are_those_from_the_first_sign_of_life_to_the_end(stage: Stage) -> None:
    stage.client.computes.set("local", price_per_hour=3600)
    job_id = stage.launch()
    supervisor = stage.supervisor()
    assert stage.client.jobs.show(job_id).runs[0].usage_seconds == 0
    supervisor.work()
    run = stage.client.jobs.show(job_id).runs[0]
    assert run.started_at is not None
    assert run.ended_at is not None
    seconds = (run.ended_at - run.started_at).total_seconds()
    assert (run.usage_seconds, run.cost) == pytest.approx((seconds, seconds))


def test_a_follower_that_comes_back_goes_on_where_it_was(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    supervisor.send("PUT", "log?offset=0", raw=b"one\ntwo\n")
    path = f"/jobs/{job_id}/runs/1/log/stream"
    with stage.client.connection.stream(path, headers={"Last-Event-ID": "4"}) as answer:
        lines = answer.iter_lines()
        assert [next(lines), next(lines)] == ["id: 8", 'data: {"offset":4,"bytes":"dHdvCg=="}']


def test_a_follower_hears_bytes_as_they_come_and_the_end(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    heard: list[str] = []

    def follow() -> None:
        heard.extend(type(message).__name__ for message in stage.client.jobs.follow(job_id, 1))

    thread = threading.Thread(target=follow)
    thread.start()
    supervisor.send("PUT", "log?offset=0", raw=b"one\n")
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not heard and time.monotonic() < give_up:
        time.sleep(0.01)
    assert heard == ["LogBytes"], "before the Run is over"
    supervisor.send("PUT", "log?offset=4", raw=b"two\n")
    supervisor.stage_all()
    supervisor.finish()
    thread.join(PATIENCE_SECONDS)
    assert heard == ["LogBytes", "LogBytes", "LogEnd"]


def test_a_follower_gets_what_looks_like_events_byte_for_byte_in_blocks_of_many_segments(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    tricky = b"event: end\r\ndata: {}\r\n\r\n\x00\xff\n\n: ping\n\n" * 50_000
    written = tricky + b"%d" % len(tricky)
    followed, first = bytearray(), threading.Event()

    def follow() -> None:
        for message in stage.client.jobs.follow(job_id, 1):
            if isinstance(message, LogBytes):
                assert message.offset == len(followed)
                followed.extend(message.written)
                first.set()

    thread = threading.Thread(target=follow)
    thread.start()
    for number in range(6):
        supervisor.send("PUT", f"log?offset={number * len(written)}", raw=written)
        assert first.wait(PATIENCE_SECONDS)
    supervisor.stage_all()
    supervisor.finish()
    thread.join(PATIENCE_SECONDS)
    assert followed == written * 6
    late = [each.written for each in stage.client.jobs.follow(job_id, 1, offset=7) if isinstance(each, LogBytes)]
    assert b"".join(late) == followed[7:]


def test_a_range_of_a_log_is_read(stage: Stage) -> None:
    job_id = stage.launch()
    stage.supervisor().send("PUT", "log?offset=0", raw=b"0123456789")
    for asked, status, body in (
        ("bytes=2-4", 206, b"234"),
        ("bytes=8-", 206, b"89"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=10-", 200, b""),
    ):
        answer = stage.client.connection.raw("GET", f"/jobs/{job_id}/runs/1/log", headers={"Range": asked})
        assert (answer.status_code, answer.content) == (status, body), asked
    with pytest.raises(InvalidInput, match="range"):
        stage.client.connection.raw("GET", f"/jobs/{job_id}/runs/1/log", headers={"Range": "lines=1-2"})
