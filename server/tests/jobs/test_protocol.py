"""The Run protocol over HTTP, on SQLite and PostgreSQL: what a supervisor says, and what becomes of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pixmill.environments import pack_files
from pixmill.runtime.http_server import HttpRunServer
from pixmill.runtime.server import AssetUnreadable
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import annotations_scan
from pixmill_server.datasets.schemas import ASSETS
from pixmill_server.datasets.versions import lock
from pixmill_server.jobs.finish import COMMIT_LEASE, finish
from pixmill_server.jobs.lifecycle import ChildEnd, RunStatus
from pixmill_server.jobs.queue import LEASE, expire
from pixmill_server.jobs.staging import drop_staged
from pixmill_server.jobs.supervise import Caller
from pixmill_server.jobs.tables import RunRow
from pixmill_server.processings.tables import ProcessingVersionRow
from pixmill_server.settings import Settings, read_settings
from server.tests.datasets.building import IMPORT, asset_rows, run_commit
from server.tests.jobs.acting import PATHS, Stage, boxes, with_attributes
from tests.running_server import RunningServer


@pytest.fixture
def server_settings(tmp_path: Path, bundle: Path, database_url: str) -> Settings:
    folder = {
        "PIXMILL_DATA": str(tmp_path / "data"),
        "PIXMILL_BUNDLE": str(bundle),
        "PIXMILL_DATABASE_URL": database_url,
        "PIXMILL_REFERENCE_ROOTS": str(tmp_path / "listed"),
    }
    return read_settings(folder)


@pytest.fixture
def stage(server: RunningServer) -> Stage:
    return Stage(server)


def test_a_run_that_did_everything_is_committed_and_leaves_no_staged_files(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    plan = supervisor.send("GET", "plan").json()
    assert (plan["labels"], plan["totals"]) == (["car", "person"], {"assets": 6, "chunks": 1})
    assert plan["processing"]["batch_size"] == 2
    assert stage.annotated() == []
    assert supervisor.work() == "succeeded"
    assert stage.annotated() == list(PATHS)
    job = stage.client.jobs.show(job_id)
    assert (job.status, job.outcome, job.runs[0].counts.shapes_added) == ("succeeded", "succeeded", 6)
    assert job.runs[0].result_revision == 4
    assert list(stage.server.services.objects.list_named(f"runs/{supervisor.run.run_id}")) == []


def test_a_wrong_token_opens_nothing(stage: Stage) -> None:
    stage.launch()
    supervisor = replace(stage.supervisor(), token="guessed")
    for method, path in (("GET", "plan"), ("POST", "chunks/claim"), ("GET", "source")):
        assert supervisor.send(method, path).status_code == 401


def test_whoever_holds_an_older_fence_is_told_so_and_changes_nothing(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    answer = replace(supervisor, fence=0).send("POST", "heartbeat", {})
    assert (answer.status_code, answer.json()["type"].endswith("stale-fence")) == (409, True)


def test_a_run_that_is_over_is_gone(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    supervisor.work()
    for method, path, body in (
        ("POST", "heartbeat", {}),
        ("POST", "chunks/claim", None),
        ("POST", "started", {}),
        ("POST", "events", []),
        ("POST", "finish", {}),
    ):
        assert supervisor.send(method, path, body).status_code == 410, path
    assert supervisor.send("PUT", "log?offset=0", raw=b"late").status_code == 410
    assert len(stage.annotated()) == 6


def test_exit_code_0_before_everything_is_done_is_a_failure_and_changes_nothing(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    assert supervisor.finish(ledger_complete=True).json() == {"status": "failed"}
    job = stage.client.jobs.show(job_id)
    assert (job.runs[0].reason, stage.annotated()) == ("incomplete", [])


def test_a_run_that_never_gave_a_sign_of_life_cannot_succeed(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    supervisor.stage_all()
    assert supervisor.finish().json() == {"status": "failed"}


def test_some_failed_assets_are_said_and_the_others_are_kept(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    bad = {"asset_id": chunk["assets"][2]["id"], "reason": "truncated", "traceback": "Traceback ...", "log_offset": 5}
    assert supervisor.stage(chunk, failed=[bad]).status_code == 204
    assert supervisor.claim() is None
    assert supervisor.finish().json() == {"status": "succeeded"}
    assert stage.client.jobs.show(job_id).outcome == "succeeded, 1 of 6 failed"
    (outcome,) = stage.client.jobs.outcomes(job_id, 1)
    assert (outcome.path, outcome.outcome, outcome.reason, outcome.log_offset) == (PATHS[2], "failed", "truncated", 5)
    assert stage.annotated() == [path for path in PATHS if path != PATHS[2]]
    assert stage.chunks(supervisor)[0].done_bitmap == bytes([0b111011])


def test_every_asset_failed_is_a_failure(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    supervisor.stage(chunk, failed=[{"asset_id": asset["id"], "reason": "no"} for asset in chunk["assets"]])
    assert supervisor.finish().json() == {"status": "failed"}
    assert stage.client.jobs.show(job_id).runs[0].reason == "all-failed"


def test_the_same_chunk_staged_again_counts_once(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    skipped = [{"asset_id": chunk["assets"][0]["id"], "reason": "not wanted"}]
    for _ in range(2):
        assert supervisor.stage(chunk, skipped=skipped).status_code == 204
    assert supervisor.finish().json() == {"status": "succeeded"}
    counts = stage.client.jobs.show(job_id).runs[0].counts
    assert (counts.done, counts.skipped, counts.shapes_added) == (5, 1, 5)


def test_a_claim_whose_answer_was_lost_gets_the_same_chunk_again(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    first = supervisor.claim_after(-1)
    assert first is not None
    assert supervisor.claim_after(-1) == first
    assert supervisor.claim_after(first["index"]) is None
    # A supervisor that does not say how far it came gets nothing twice.
    assert supervisor.send("POST", "chunks/claim").json() == {"chunk": None}
    assert supervisor.stage(first).status_code == 204
    assert supervisor.finish().json() == {"status": "succeeded"}


def test_a_finish_that_is_said_twice_at_once_is_committed_once(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    supervisor.stage_all()
    caller, child = Caller(supervisor.run.run_id, supervisor.fence), ChildEnd(exit_code=0, signal=None, returned=False)
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(finish, stage.server.services.jobs, caller, child) for _ in range(2)]
    assert [end.result() for end in ends] == [RunStatus.SUCCEEDED, RunStatus.SUCCEEDED]
    assert stage.client.jobs.show(job_id).runs[0].result_revision == 4
    assert stage.annotated() == list(PATHS)


def test_staged_results_that_are_gone_fail_the_run_with_the_reason(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    supervisor.stage_all()
    drop_staged(stage.server.services.objects, supervisor.run.run_id)
    assert supervisor.finish().json() == {"status": "failed"}
    assert stage.client.jobs.show(job_id).runs[0].reason == "commit"


def test_a_heartbeat_takes_nothing_of_a_longer_lease_away(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    longer = stage.server.services.clock.now() + COMMIT_LEASE
    with stage.server.services.database.transaction() as session:
        session.get_one(RunRow, supervisor.run.run_id).lease_expires_at = longer
    assert supervisor.send("POST", "heartbeat", {}).status_code == 200
    assert stage.run(supervisor).lease_expires_at == longer


def test_results_that_do_not_fit_their_chunk_are_refused(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    ids = [asset["id"] for asset in chunk["assets"]]
    for wrong in (
        {"done": ids[:-1]},
        {"done": [*ids, ids[0]]},
        {"annotations": boxes(["f" * 32])},
        {"annotations": boxes(ids, "unicorn")},
        {"annotations": b"not columns"},
        {"annotations": with_attributes(boxes(ids), b'{"a":1},"key":"b"')},
        {"tags": {"f" * 32: ["x"]}},
    ):
        assert supervisor.stage(chunk, **wrong).status_code == 422, wrong
    assert supervisor.stage({**chunk, "index": 9}).status_code == 422
    assert supervisor.send("PUT", "chunks/0", raw=b"\xc1").status_code == 422


def test_a_gap_in_the_log_is_refused_with_the_offset_that_is_expected(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    assert supervisor.send("PUT", "log?offset=0", raw=b"one\n").json() == {"next_offset": 4}
    refused = supervisor.send("PUT", "log?offset=9", raw=b"two\n")
    assert (refused.status_code, refused.json()["expected"]) == (409, 4)


def test_a_cancelled_run_is_cancelled_however_well_it_ended(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    supervisor.stage_all()
    assert supervisor.send("POST", "heartbeat", {}).json() == {"cancel": False}
    stage.client.jobs.cancel(job_id)
    assert supervisor.send("POST", "heartbeat", {}).json() == {"cancel": True}
    assert supervisor.finish().json() == {"status": "cancelled"}
    assert stage.annotated() == []


def test_a_version_that_was_locked_meanwhile_fails_the_run_and_keeps_its_staged_results(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    supervisor.stage_all()
    lock(stage.server.services.datasets, stage.server.owner.actor, stage.version_id)
    assert supervisor.finish().json() == {"status": "failed"}
    run = stage.client.jobs.show(job_id).runs[0]
    assert (run.reason, "locked" in run.outcome) == ("commit", True)
    assert len(list(stage.server.services.objects.list_named(f"runs/{supervisor.run.run_id}/chunks"))) == 1


def test_under_keep_what_is_annotated_already_is_no_work(stage: Stage) -> None:
    stage.launch()
    stage.supervisor().work()
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    assert supervisor.claim() is None
    assert supervisor.finish().json() == {"status": "succeeded"}
    assert stage.client.jobs.show(job_id).outcome == "succeeded, 6 of 6 skipped, no shapes were added"
    assert {each.reason for each in stage.client.jobs.outcomes(job_id, 1)} == {"it has annotations already"}


def test_what_was_annotated_while_the_run_ran_is_kept_and_said(stage: Stage) -> None:
    slow_id = stage.launch()
    slow = stage.supervisor()
    slow.start()
    slow.stage_all()
    stage.client.computes.set("local", concurrency=2)
    stage.launch(existing="add")
    stage.supervisor().work()
    assert slow.finish().json() == {"status": "succeeded"}
    counts = stage.client.jobs.show(slow_id).runs[0].counts
    assert (counts.done, counts.skipped, counts.shapes_added) == (0, 6, 0)
    assert sorted(each.path for each in stage.client.jobs.outcomes(slow_id, 1)) == list(PATHS)
    assert len(stage.annotated()) == 6


def test_a_label_that_is_renamed_meanwhile_gets_its_shapes_and_another_of_its_old_name_none(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    supervisor.stage_all()
    stage.client.labels.rename("street/v1", "car", "vehicle")
    stage.client.labels.add("street/v1", ["car"])
    assert supervisor.finish().json() == {"status": "succeeded"}
    assert stage.client.jobs.show(job_id).runs[0].counts.shapes_added == 6
    services = stage.server.services
    head = pin(services.datasets, stage.version_id)
    found = {row["label_id"] for _, rows in annotations_scan(services.datasets, head) for row in rows.to_pylist()}
    assert found == {head.label_named("vehicle").id}


def test_under_replace_a_second_run_never_doubles_shapes(stage: Stage) -> None:
    for _ in range(2):
        stage.launch(existing="replace")
        assert stage.supervisor().work() == "succeeded"
    assert stage.annotated() == list(PATHS)


def test_a_rerun_pins_anew_and_says_what_differs(stage: Stage) -> None:
    job_id = stage.launch(existing="replace")
    stage.supervisor().work()
    again = stage.client.jobs.rerun(job_id, parameters={"threshold": 0.9})
    assert again.runs[0].differs == ["input revision: 3 -> 4", "threshold: 0.5 -> 0.9"]
    assert [run.number for run in again.runs] == [2, 1]
    assert stage.supervisor().work() == "succeeded"


def test_events_are_kept_apart_from_the_log_with_their_place_in_it(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    supervisor.send("PUT", "log?offset=0", raw=b"before\nafter\n")
    event = {"offset": 7, "at": "2026-11-22T10:00:00Z", "kind": "batch-halved", "message": "halved", "facts": {"to": 4}}
    for _ in range(2):
        assert supervisor.send("POST", "events", [event]).status_code == 204
    supervisor.stage_all()
    supervisor.finish()
    told = list(stage.client.jobs.follow(job_id, 1))
    assert [type(message).__name__ for message in told] == ["LogBytes", "LogEvent", "LogEnd"]
    assert b"".join(stage.client.jobs.log(job_id, 1)) == b"before\nafter\n"


def test_an_image_by_reference_is_read_only_below_a_listed_folder_and_said_to_be_unreadable_elsewhere(
    stage: Stage, tmp_path: Path
) -> None:
    for folder in ("listed", "secret"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpg").write_bytes(folder.encode())
    (tmp_path / "listed" / "link.jpg").symlink_to(tmp_path / "secret" / "a.jpg")
    files = [tmp_path / "listed" / "a.jpg", tmp_path / "secret" / "a.jpg", tmp_path / "listed" / "link.jpg"]
    datasets = stage.server.services.datasets
    for path, file in zip(("listed.jpg", "secret.jpg", "link.jpg"), files, strict=True):
        rows = asset_rows(datasets, [path], digest="").to_pylist()
        part = ChangePart(assets=pa.RecordBatch.from_pylist([{**rows[0], "source_uri": str(file)}], schema=ASSETS))
        run_commit(datasets, stage.version_id, part, origin=IMPORT)
    stage.launch()
    run = stage.supervisor().run
    reading = HttpRunServer(stage.server.url, run.run_id, token=run.token, fence=run.fence, patience_seconds=60)
    chunk = reading.claim()
    assert chunk is not None
    assets = {asset.path: asset for asset in chunk.assets}
    assert reading.read_asset(assets["listed.jpg"]) == b"listed"
    for path in ("secret.jpg", "link.jpg"):
        assert assets[path].local_path is None
        with pytest.raises(AssetUnreadable, match="no longer listed"):
            reading.read_asset(assets[path])


def test_a_supervisor_on_another_machine_fetches_a_folder_and_lays_it_out(stage: Stage, tmp_path: Path) -> None:
    services, files = stage.server.services, {"pyproject.toml": b"[project]", "src/dark/main.py": b"x = 1\n"}
    with services.database.transaction() as session:
        version = session.query(ProcessingVersionRow).order_by(ProcessingVersionRow.created_at.desc()).first()
        assert version is not None
        version.source_key = services.objects.put(pack_files(files))
        version.schema = {**version.schema, "folder": {"module": "dark.main", "root": "src"}}
    stage.launch()
    run = stage.supervisor().run
    server = HttpRunServer(stage.server.url, run.run_id, token=run.token, fence=run.fence, patience_seconds=60)
    plan = server.plan()
    assert plan.processing.folder is not None
    assert (plan.processing.folder.root, plan.processing.folder.module) == ("src", "dark.main")
    laid = server.source(plan, tmp_path)
    assert {str(path.relative_to(laid)): path.read_bytes() for path in laid.rglob("*") if path.is_file()} == files


def test_results_of_an_asset_that_was_not_done_are_refused(stage: Stage) -> None:
    stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    first = chunk["assets"][0]["id"]
    failed, skipped = [{"asset_id": first, "reason": "no"}], [{"asset_id": first, "reason": "not wanted"}]
    for wrong in (
        {"failed": failed, "annotations": boxes([first])},
        {"skipped": skipped, "annotations": boxes([first])},
        {"failed": failed, "tags": {first: ["x"]}},
        {"skipped": skipped, "metadata": {first: {"x": 1}}},
    ):
        refused = supervisor.stage(chunk, **wrong)
        assert (refused.status_code, "that are done" in refused.json()["detail"]) == (422, True)


def test_a_run_that_stops_in_the_middle_of_a_chunk_accounts_for_every_asset(stage: Stage) -> None:
    job_id = stage.launch(on_failure="stop")
    supervisor = stage.supervisor()
    assert supervisor.send("GET", "plan").json()["failures_allowed"] == 0
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    ids = [asset["id"] for asset in chunk["assets"]]
    bad = {"asset_id": ids[2], "reason": "ValueError: no", "traceback": "Traceback ...", "log_offset": 40}
    told = {"done": ids[:2], "failed": [bad], "annotations": boxes(ids[:2]), "partial": True, "retried": 1}
    assert supervisor.stage(chunk, **told).status_code == 204
    assert supervisor.finish(exit_code=1).json() == {"status": "failed"}
    job = stage.client.jobs.show(job_id)
    assert job.on_failure == "stop"
    assert job.outcome == "failed: 1 of 6 assets failed, and by its launch it stops at the first failure"
    counts = job.runs[0].counts
    assert (counts.done, counts.failed, counts.skipped, counts.not_reached, counts.retried) == (2, 1, 0, 3, 1)
    assert [each.path for each in stage.client.jobs.outcomes(job_id, 1, outcome="failed")] == [PATHS[2]]
    assert list(stage.client.jobs.outcomes(job_id, 1, outcome="skipped")) == []
    assert stage.annotated() == []


def test_a_run_that_is_lost_accounts_for_every_asset(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    services = stage.server.services
    with services.database.transaction() as session:
        session.get_one(RunRow, supervisor.run.run_id).handle = "h"
        expire(session, now=services.clock.now() + 2 * LEASE)
    counts = stage.client.jobs.show(job_id).runs[0].counts
    assert (counts.assets, counts.done, counts.not_reached) == (6, 0, 6)
