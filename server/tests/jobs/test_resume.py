"""Going on with Runs that failed or were cancelled, and what becomes of their partial results."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pixmill.annotations import AnnotationColumns, Review
from pixmill.errors import Conflict
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.datasets.edit import EditBatch, SetReview, save
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.read import annotations_of, assets_page
from pixmill_server.datasets.versions import lock, unlock
from pixmill_server.jobs.results import staged_run
from pixmill_server.jobs.upkeep import KEPT_FOR, clear_away
from pixmill_server.processings.tables import ProcessingRow, ProcessingVersionRow
from pixmill_server.settings import Settings, read_settings
from server.tests.datasets.building import IMPORT, asset_rows, run_commit
from server.tests.jobs.acting import PATHS, Stage, Supervisor, boxes
from tests.running_server import RunningServer

MORE = tuple(f"more/{number:03}.jpg" for number in range(90))
ALL = sorted([*PATHS, *MORE])


@pytest.fixture
def server_settings(tmp_path: Path, bundle: Path, database_url: str) -> Settings:
    return read_settings(
        {
            "PIXMILL_DATA": str(tmp_path / "data"),
            "PIXMILL_BUNDLE": str(bundle),
            "PIXMILL_DATABASE_URL": database_url,
        }
    )


@pytest.fixture
def stage(server: RunningServer) -> Iterator[Stage]:
    """With 96 assets: three chunks of 32."""
    stage = Stage(server)
    services = server.services
    pictures = asset_rows(services.datasets, MORE, digest=services.objects.put(b"picture"))
    run_commit(services.datasets, stage.version_id, ChangePart(assets=pictures), origin=IMPORT)
    yield stage
    stage.client.close()


def fail_after(stage: Stage, chunks: int, **wish: Any) -> tuple[str, Supervisor]:
    """A Job whose Run failed when so many of its three chunks were staged."""
    job_id = stage.launch(**wish)
    supervisor = stage.supervisor()
    supervisor.start()
    for _ in range(chunks):
        chunk = supervisor.claim()
        assert chunk is not None
        assert supervisor.stage(chunk).status_code == 204
    assert supervisor.finish(exit_code=1).json() == {"status": "failed"}
    return job_id, supervisor


def files_of(stage: Stage) -> int:
    return len(list(stage.server.services.objects.list_named("runs")))


def clear(stage: Stage) -> None:
    services = stage.server.services
    while clear_away(services.database, services.objects, now=services.clock.now()):
        pass


def contents(stage: Stage) -> list[tuple[str, str, float | None]]:
    """Path, bounds and score of every annotation of the head: all but ids, times and Runs."""
    datasets = stage.server.services.datasets
    head = pin(datasets, stage.version_id)
    paths = {asset.id: asset.path for asset in assets_page(datasets, head, after=None, limit=1000).items}
    rows = annotations_of(datasets, head, list(paths)).to_pylist()
    return sorted((paths[row["asset_id"]], str(row["bbox_x"]), row["score"]) for row in rows)


def test_a_resumed_run_is_given_only_the_chunks_that_are_not_done_and_ends_as_an_undisturbed_one(stage: Stage) -> None:
    job_id, first = fail_after(stage, 2)
    assert contents(stage) == []
    resumed = stage.client.jobs.resume(job_id)
    counts, progress = resumed.runs[0].counts, resumed.runs[0].progress
    assert (resumed.runs[0].continues, counts.carried, progress.done) == (True, 64, 64)
    second = stage.supervisor()
    second.start()
    chunk = second.claim()
    assert chunk is not None
    assert chunk["index"] == 2
    beat = {"progress": {"done": 3, "failed": 0, "skipped": 0, "total": 96}}
    second.send("POST", "heartbeat", beat)
    assert stage.client.jobs.show(job_id).progress.done == 67
    second.stage(chunk)
    assert second.claim() is None
    assert second.finish().json() == {"status": "succeeded"}
    job = stage.client.jobs.show(job_id)
    assert [run.partial for run in job.runs] == [None, "resumed"]
    assert (job.runs[0].counts.done, job.runs[0].counts.shapes_added) == (96, 96)
    assert [path for path, _, _ in contents(stage)] == ALL
    assert {each.fence for each in stage.chunks(second) if each.index < 2} == {0}
    clear(stage)
    assert files_of(stage) == 0
    assert first.run.run_id != second.run.run_id


def test_a_run_can_be_resumed_again_and_again(stage: Stage) -> None:
    job_id, _ = fail_after(stage, 1)
    stage.client.jobs.resume(job_id)
    second = stage.supervisor()
    second.start()
    chunk = second.claim()
    assert chunk is not None
    second.stage(chunk)
    stage.client.jobs.cancel(job_id)
    second.finish()
    assert stage.client.jobs.resume(job_id).runs[0].counts.carried == 64
    third = stage.supervisor()
    assert third.work() == "succeeded"
    assert [path for path, _, _ in contents(stage)] == ALL


def test_failed_assets_of_chunks_that_are_done_stay_failed_and_count_against_what_is_allowed(stage: Stage) -> None:
    job_id = stage.launch(on_failure="2%")
    first = stage.supervisor()
    first.start()
    chunk = first.claim()
    assert chunk is not None
    first.stage(chunk, failed=[{"asset_id": chunk["assets"][0]["id"], "reason": "no", "log_offset": 3}])
    first.finish(exit_code=1)
    resumed = stage.client.jobs.resume(job_id)
    (failed,) = stage.client.jobs.outcomes(job_id, 2)
    assert (failed.reason, failed.log_offset, resumed.runs[0].progress.failed) == ("no", None, 1)
    second = stage.supervisor()
    assert second.send("GET", "plan").json()["failures_allowed"] == 0
    assert second.work() == "succeeded"
    assert stage.client.jobs.show(job_id).outcome == "succeeded, 1 of 96 failed"


def test_a_run_that_failed_because_too_many_assets_did_is_resumed_only_where_more_are_allowed(stage: Stage) -> None:
    job_id = stage.launch(on_failure="stop")
    first = stage.supervisor()
    first.start()
    chunk = first.claim()
    assert chunk is not None
    first.stage(chunk, failed=[{"asset_id": chunk["assets"][0]["id"], "reason": "no"}])
    first.finish(exit_code=1)
    with pytest.raises(Conflict, match="1 of 96 assets failed"):
        stage.client.jobs.resume(job_id)
    assert stage.client.jobs.resume(job_id, on_failure="continue").runs[0].on_failure == "continue"
    assert stage.supervisor().work() == "succeeded"


def test_a_run_is_not_resumed_with_other_parameters_code_or_model_and_the_difference_is_named(stage: Stage) -> None:
    job_id, _ = fail_after(stage, 1)
    with pytest.raises(Conflict, match=r"threshold: 0\.5 -> 0\.9"):
        stage.client.jobs.resume(job_id, parameters={"threshold": 0.9})
    services = stage.server.services
    with services.database.transaction() as session:
        processing = session.query(ProcessingRow).where(ProcessingRow.name == "annotate").one()
        old = session.query(ProcessingVersionRow).where(ProcessingVersionRow.processing_id == processing.id).one()
        session.add(
            ProcessingVersionRow(
                id="procv_2", processing_id=processing.id, number=2, code_digest="d" * 64, source_key=old.source_key,
                lock_key=old.lock_key, schema=old.schema, requires={}, created_at=services.clock.now(), created_by=None,
            )
        )  # fmt: skip
    with pytest.raises(Conflict, match="code: cccccccc -> dddddddd"):
        stage.client.jobs.resume(job_id)
    assert [run.number for run in stage.client.jobs.show(job_id).runs] == [1]


def test_a_run_with_a_newer_model_is_not_resumed(stage: Stage) -> None:
    stage.model("cars", ["car"])
    stage.processing("with-model", takes={"model": {"task": "detection"}})
    job_id, _ = fail_after(stage, 1, processing="with-model", model="cars")
    assert stage.client.jobs.resume(job_id).runs[0].number == 2
    stage.client.jobs.cancel(job_id)
    stage.newer_model("cars")
    with pytest.raises(Conflict, match="model files: "):
        stage.client.jobs.resume(job_id)


def test_a_run_that_succeeded_or_goes_on_is_not_resumed(stage: Stage) -> None:
    job_id = stage.launch()
    with pytest.raises(Conflict, match="pending"):
        stage.client.jobs.resume(job_id)
    stage.supervisor().work()
    with pytest.raises(Conflict, match="it succeeded"):
        stage.client.jobs.resume(job_id)


def test_partial_results_are_looked_at_and_seen_nowhere_else(stage: Stage) -> None:
    job_id, _ = fail_after(stage, 2)
    found = stage.client.jobs.partial.show(job_id)
    assert (found.state, found.done, found.not_reached, found.shapes, found.by_label) == (
        "kept",
        64,
        32,
        64,
        {"car": 64},
    )
    assets = list(stage.client.jobs.partial.assets(job_id))
    assert [asset.path for asset in assets] == ALL[:64]
    (shape,) = assets[0].shapes
    assert (shape.kind, shape.label, shape.bbox, shape.score) == ("box", "car", [1, 2, 3, 4], 0.5)
    assert contents(stage) == []


def test_partial_results_are_committed_once_as_one_revision_by_the_user(stage: Stage) -> None:
    job_id, _ = fail_after(stage, 2)
    stage.client.jobs.partial.commit(job_id)
    run = stage.client.jobs.show(job_id).runs[0]
    assert (run.status, run.partial, run.result_revision, run.counts.shapes_added) == ("failed", "committed", 5, 64)
    assert "committed as Revision 5" in run.outcome
    assert [path for path, _, _ in contents(stage)] == ALL[:64]
    assert files_of(stage) == 0
    for again in (stage.client.jobs.partial.commit, stage.client.jobs.partial.drop):
        with pytest.raises(Conflict, match="they were committed"):
            again(job_id)
    with pytest.raises(Conflict, match="were committed"):
        stage.client.jobs.resume(job_id)


def test_partial_results_are_dropped_with_their_files(stage: Stage) -> None:
    job_id, _ = fail_after(stage, 2)
    assert files_of(stage) > 0
    stage.client.jobs.partial.drop(job_id)
    assert (files_of(stage), contents(stage)) == (0, [])
    assert list(stage.client.jobs.partial.assets(job_id)) == []
    with pytest.raises(Conflict, match="were dropped"):
        stage.client.jobs.resume(job_id)


def test_partial_results_are_not_committed_while_a_run_of_the_job_goes_on(stage: Stage) -> None:
    job_id, _ = fail_after(stage, 2)
    stage.client.jobs.rerun(job_id)
    with pytest.raises(Conflict, match="pending"):
        stage.client.jobs.partial.commit(job_id, 1)


def test_a_run_that_succeeds_later_supersedes_partial_results_and_upkeep_removes_them(stage: Stage) -> None:
    job_id, _ = fail_after(stage, 2)
    stage.client.jobs.rerun(job_id)
    stage.supervisor().work()
    assert stage.client.jobs.show(job_id).runs[1].partial == "superseded"
    clear(stage)
    assert files_of(stage) == 0


def test_partial_results_that_nobody_wants_are_dropped_after_their_time(stage: Stage) -> None:
    job_id, _ = fail_after(stage, 1)
    services = stage.server.services
    clear_away(services.database, services.objects, now=services.clock.now())
    assert files_of(stage) > 0
    clear_away(services.database, services.objects, now=services.clock.now() + 2 * KEPT_FOR)
    assert (files_of(stage), stage.client.jobs.show(job_id).runs[0].partial) == (0, "dropped")


def test_a_run_that_could_not_be_committed_is_committed_later_on_purpose(stage: Stage) -> None:
    job_id = stage.launch()
    supervisor = stage.supervisor()
    supervisor.start()
    supervisor.stage_all()
    services = stage.server.services
    lock(services.datasets, stage.server.owner.actor, stage.version_id)
    supervisor.finish()
    with pytest.raises(Conflict, match="locked"):
        stage.client.jobs.partial.commit(job_id)
    unlock(services.datasets, stage.server.owner.actor, stage.version_id)
    stage.client.jobs.partial.commit(job_id)
    assert [path for path, _, _ in contents(stage)] == ALL


@pytest.mark.parametrize("existing", ["keep", "replace", "add"])
def test_a_rerun_never_duplicates_and_never_touches_what_a_human_did(stage: Stage, existing: str) -> None:
    job_id = stage.launch(existing=existing)
    stage.supervisor().work()
    assert len(contents(stage)) == 96
    accept_first(stage)
    for _ in range(2):
        stage.client.jobs.rerun(job_id)
        assert stage.supervisor().work() == "succeeded"
    assert [path for path, _, _ in contents(stage)] == ALL
    assert accepted_ones(stage) == 1


def accept_first(stage: Stage) -> None:
    datasets = stage.server.services.datasets
    head = pin(datasets, stage.version_id)
    (asset,) = assets_page(datasets, head, after=None, limit=1).items
    (shape,) = annotations_of(datasets, head, [asset.id]).to_pylist()
    edit = SetReview(asset.id, shape["id"], Review.ACCEPTED)
    save(datasets, stage.server.owner.actor, stage.version_id, EditBatch(base=head.number, edits=(edit,)))


def accepted_ones(stage: Stage) -> int:
    datasets = stage.server.services.datasets
    head = pin(datasets, stage.version_id)
    ids = [asset.id for asset in assets_page(datasets, head, after=None, limit=1000).items]
    return sum(row["review"] == Review.ACCEPTED for row in annotations_of(datasets, head, ids).to_pylist())


@pytest.mark.parametrize("existing", ["replace", "add"])
def test_older_partial_results_are_not_committed_over_those_of_a_later_run(stage: Stage, existing: str) -> None:
    job_id, _ = fail_after(stage, 2, existing=existing)
    stage.client.jobs.rerun(job_id)
    later = stage.supervisor()
    later.start()
    chunk = later.claim()
    assert chunk is not None
    later.stage(chunk)
    later.finish(exit_code=1)
    stage.client.jobs.partial.commit(job_id, 2)
    with pytest.raises(Conflict, match="Run 1 cannot be committed: Run 2") as refused:
        stage.client.jobs.partial.commit(job_id, 1)
    assert "partial drop" in (refused.value.hint or "")
    assert [path for path, _, _ in contents(stage)] == ALL[:32]
    assert stage.client.jobs.show(job_id).runs[1].partial == "kept"
    stage.client.jobs.partial.drop(job_id, 1)


def test_a_commit_takes_the_place_of_what_any_other_run_of_the_job_wrote(stage: Stage) -> None:
    job_id, first = fail_after(stage, 1, existing="add")
    stage.client.jobs.rerun(job_id)
    second = stage.supervisor()
    second.start()
    second.finish(exit_code=1)
    with stage.server.services.database.reading() as session:
        assert staged_run(session, first.run.run_id).other_runs == (second.run.run_id,)
        assert staged_run(session, second.run.run_id).other_runs == (first.run.run_id,)


def stop_in_the_middle(supervisor: Supervisor, done: int, **changed: Any) -> list[str]:
    """Claims a chunk, stages so many of its assets, and fails; the chunk's asset ids."""
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    ids = [asset["id"] for asset in chunk["assets"]]
    told = {"done": ids[:done], "annotations": boxes(ids[:done]), "partial": True, **changed}
    assert supervisor.stage(chunk, **told).status_code == 204
    assert supervisor.finish(exit_code=1).json() == {"status": "failed"}
    return ids


@pytest.mark.parametrize("claims", [0, 2])
def test_a_resumed_run_that_fails_at_once_still_has_the_assets_of_a_chunk_that_was_cut_off(
    stage: Stage, claims: int
) -> None:
    job_id = stage.launch()
    stop_in_the_middle(stage.supervisor(), 31)
    assert stage.client.jobs.resume(job_id).runs[0].counts.carried == 0
    second = stage.supervisor()
    second.start()
    after = -1
    for index in range(claims):
        chunk = second.claim_after(after)
        assert chunk is not None
        assert chunk == second.claim_after(after)
        assert chunk["index"] == index
        after = index
    second.finish(exit_code=1)
    assert stage.client.jobs.show(job_id).runs[0].counts.done == 31
    stage.client.jobs.partial.commit(job_id)
    assert [path for path, _, _ in contents(stage)] == ALL[:31]


def test_a_chunk_that_was_cut_off_is_done_again_whole_by_the_resumed_run(stage: Stage) -> None:
    job_id = stage.launch(on_failure="stop", existing="add")
    ids = stop_in_the_middle(stage.supervisor(), 30)
    stage.client.jobs.resume(job_id)
    second = stage.supervisor()
    second.start()
    chunk = second.claim()
    assert chunk is not None
    assert ([asset["id"] for asset in chunk["assets"]], chunk["index"]) == (ids, 0)
    second.stage(chunk)
    assert stage.client.jobs.show(job_id).progress.done == 32
    second.stage_all()
    assert second.finish().json() == {"status": "succeeded"}
    assert [path for path, _, _ in contents(stage)] == ALL
    assert stage.client.jobs.show(job_id).runs[0].counts.done == 96


def test_what_failed_in_a_chunk_that_was_cut_off_is_tried_again(stage: Stage) -> None:
    job_id = stage.launch(on_failure="stop")
    first = stage.supervisor()
    datasets = stage.server.services.datasets
    fourth = assets_page(datasets, pin(datasets, stage.version_id), after=None, limit=4).items[3]
    stop_in_the_middle(first, 2, failed=[{"asset_id": fourth.id, "reason": "no"}])
    stage.client.jobs.resume(job_id)
    second = stage.supervisor()
    assert second.send("GET", "plan").json()["failures_allowed"] == 0
    assert second.work() == "succeeded"
    assert list(stage.client.jobs.outcomes(job_id, 2)) == []


@pytest.mark.parametrize(("existing", "skipped"), [("keep", 6), ("replace", 0), ("add", 0)])
def test_an_asset_that_a_run_did_not_come_to_is_skipped_only_where_annotations_are_kept(
    stage: Stage, existing: str, skipped: int
) -> None:
    datasets = stage.server.services.datasets
    columns = AnnotationColumns.from_bytes(boxes(list(PATHS)))
    run_commit(datasets, stage.version_id, ChangePart(annotations=columns), origin=IMPORT)
    job_id = stage.launch(existing=existing)
    stop_in_the_middle(stage.supervisor(), 0)
    counts = stage.client.jobs.show(job_id).runs[0].counts
    assert (counts.skipped, counts.not_reached) == (skipped, 96 - skipped)
    assert len(list(stage.client.jobs.outcomes(job_id, 1, outcome="skipped"))) == skipped
