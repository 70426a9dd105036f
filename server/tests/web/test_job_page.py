"""What a Job's page and the list of Jobs are made of: figures drawn, what was written, the ledger, and the nudges."""

import io
import pkgutil
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue

import httpx2
import pytest
from fastapi.routing import APIRoute
from PIL import Image
from starlette.routing import Match

from pixmill import Client
from pixmill_server import web
from pixmill_server.datasets.changes import ChangePart
from pixmill_server.jobs.metrics import Sample, note_sample
from pixmill_server.settings import read_settings
from server.tests.datasets.building import IMPORT, asset_rows, run_commit, street
from server.tests.jobs.acting import PATHS, Stage, Supervisor, boxes
from server.tests.web.browsing import browser_of
from tests.running_server import PATIENCE_SECONDS, serve


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, bundle: str) -> Iterator[Stage]:
    """Six pictures in `street/v1`, a Processing, and supervisors to be acted; each test launches its own Job."""
    data = tmp_path_factory.mktemp("stage") / "data"
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as running:
        yield Stage(running)


@pytest.fixture
def making(tmp_path: Path, bundle: str) -> Iterator[tuple[Stage, httpx2.Client]]:
    """A Pixmill of its own with a Processing that makes versions, and a browser."""
    settings = read_settings({"PIXMILL_DATA": str(tmp_path / "data"), "PIXMILL_BUNDLE": bundle})
    with serve(settings) as running, browser_of(running, running.owner) as client:
        stage = Stage(running)
        stage.processing("copy", kind="augmentation", new_version="fork")
        yield stage, client


@pytest.fixture
def browser(stage: Stage) -> Iterator[httpx2.Client]:
    with browser_of(stage.server, stage.server.owner) as client:
        yield client


def page_of(browser: httpx2.Client, job: str, query: str = "") -> str:
    answer = browser.get(f"/jobs/{job}{query}")
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def sampled(stage: Stage, supervisor: Supervisor, *samples: Sample) -> None:
    services = stage.server.services
    with services.database.transaction() as session:
        for place, sample in enumerate(samples):
            now = services.clock.now() + timedelta(seconds=2.5 * place)
            note_sample(session, supervisor.run.run_id, sample, now=now)


def test_what_a_run_takes_is_drawn_and_said_while_it_goes_on(stage: Stage, browser: httpx2.Client) -> None:
    job = stage.launch(existing="add")
    supervisor = stage.supervisor()
    supervisor.start()
    assert "data-chart=" not in page_of(browser, job)
    sampled(stage, supervisor, Sample(0.5, 3 << 20, 2.0, 0), Sample(1.25, 5 << 20, 4.0, 0))
    state = browser.get(f"/jobs/{job}/state?run=1").text
    assert "CPUs over time: at first 0.50, at last 1.25, at most 1.25" in state
    assert "Memory over time: at first 3.0 MiB, at last 5.0 MiB, at most 5.0 MiB" in state
    assert "Images/s over time: at first 2.0, at last 4.0, at most 4.0" in state
    assert '<td class="number">1.25</td><td class="number">5.0 MiB</td><td class="number">4.0</td>' in state
    assert f'data-live-stream="/live?job={job}"' in state
    supervisor.stage_all()
    supervisor.finish()
    assert "data-live" not in browser.get(f"/jobs/{job}/state?run=1").text


def test_a_run_too_short_for_a_rate_says_its_images_per_second_all_the_same(
    stage: Stage, browser: httpx2.Client
) -> None:
    job = stage.launch(existing="add")
    assert stage.supervisor().work() == "succeeded"
    assert "<span>images/s</span>" in page_of(browser, job)


def test_what_a_run_wrote_is_shown_by_label_before_and_after(stage: Stage, browser: httpx2.Client) -> None:
    before = len(stage.annotated())
    job = stage.launch(existing="add")
    first = stage.supervisor()
    assert first.work() == "succeeded"
    page = page_of(browser, job)
    assert f'<td class="number">{before}</td>' in page
    assert '<span class="plus">+6</span>' in page
    assert "minus" not in page
    assert f'href="/datasets/street/v1?label=car&amp;run_id={first.run.run_id}"' in page
    assert "Score 0.50 to 0.55: 6 shapes" in page
    assert f"/datasets/street/v1?run_id={first.run.run_id}&amp;min_score=0.5&amp;max_score=0.55" in page
    again = browser.post(f"/jobs/{job}/rerun", data={})
    assert again.status_code == 303, again.text
    second = stage.supervisor()
    second.start()
    chunk = second.claim()
    assert chunk is not None
    ids = [asset["id"] for asset in chunk["assets"]]
    assert second.stage(chunk, annotations=boxes(ids[:1], label="person")).status_code == 204
    second.stage_all()
    second.finish()
    # The Job's own six made room, and only one picture got a shape, of another Label.
    page = page_of(browser, job)
    assert '<span class="minus">\u22126</span></td><td class="number"><span class="soft">0</span>' in page
    assert '<span class="plus">+1</span>' in page
    assert f"label=person&amp;run_id={second.run.run_id}" in page
    assert page_of(browser, job, "?run=1").count("+6") == 1


def test_the_ledger_lists_what_failed_first_and_what_was_skipped_when_asked(
    stage: Stage, browser: httpx2.Client
) -> None:
    job = stage.launch(existing="add")
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    first, second, *_ = chunk["assets"]
    failed = {
        "asset_id": first["id"],
        "path": first["path"],
        "reason": "<b>dark</b>",
        "traceback": "Traceback <i>",
        "log_offset": 41,
    }
    skipped = {"asset_id": second["id"], "path": second["path"], "reason": "seen before"}
    assert supervisor.stage(chunk, failed=[failed], skipped=[skipped]).status_code == 204
    supervisor.stage_all()
    supervisor.finish()
    page = page_of(browser, job)
    assert f'<a href="/datasets/street/v1/assets/{first["id"]}">{first["path"]}</a>' in page
    assert "&lt;b&gt;dark&lt;/b&gt;" in page
    assert 'href="#byte-41"' in page
    assert "Traceback &lt;i&gt;" in page
    assert "seen before" not in page
    assert f'href="/jobs/{job}?run=1&amp;outcome=skipped#outcomes"' in page
    other = page_of(browser, job, "?run=1&outcome=skipped")
    assert "seen before" in other
    assert "dark" not in other


@contextmanager
def nudges_to(browser: httpx2.Client, address: str) -> "Iterator[SimpleQueue[str]]":
    """The names of the events of a stream as they come."""
    heard: SimpleQueue[str] = SimpleQueue()
    with browser.stream("GET", address) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")

        def listen() -> None:
            try:
                for line in answer.iter_lines():
                    if line.startswith("event: "):
                        heard.put(line.removeprefix("event: "))
            except httpx2.HTTPError:
                # The test has closed it.
                return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield heard


def heard(*nudges: "SimpleQueue[str]") -> list[str]:
    return [each.get(timeout=PATIENCE_SECONDS) for each in nudges]


@pytest.fixture(scope="module")
def stranger(stage: Stage) -> Iterator[Client]:
    """With pictures of their own in their own `street/v1`."""
    services, stranger = stage.server.services, stage.server.stranger
    version_id = street(services.datasets, stranger.actor, ())
    pictures = asset_rows(services.datasets, PATHS, digest=services.objects.put(b"picture"))
    run_commit(services.datasets, version_id, ChangePart(assets=pictures), origin=IMPORT)
    with Client(stage.server.url, stranger.token) as client:
        yield client


@pytest.mark.parametrize("act", ["start", "finish"])
def test_open_pages_are_nudged_when_a_job_changes_and_each_only_about_its_own(
    stage: Stage, stranger: Client, act: str
) -> None:
    server = stage.server
    job = stage.launch(existing="add")
    supervisor = stage.supervisor()
    if act == "finish":
        supervisor.start()
        supervisor.stage_all()
    with (
        browser_of(server, server.owner) as owner,
        browser_of(server, server.stranger) as other,
        nudges_to(owner, "/live") as of_list,
        nudges_to(owner, f"/live?job={job}") as of_job,
        nudges_to(other, "/live") as elsewhere,
    ):
        assert heard(of_list, of_job, elsewhere) == ["changed"] * 3
        # Of all that was before, everybody has been told: what comes now comes of this alone.
        supervisor.start() if act == "start" else supervisor.finish()
        assert heard(of_list, of_job) == ["changed"] * 2
        # Whoever opens a page is told after one more look at the Jobs of all.
        with nudges_to(owner, "/live") as one_look_later:
            assert heard(one_look_later) == ["changed"]
        assert elsewhere.empty()
        theirs = stranger.jobs.launch("annotate", "street/v1", existing="add").id
        assert heard(elsewhere) == ["changed"]
    # Nothing is left for the supervisor of another test to claim.
    stranger.jobs.cancel(theirs)
    supervisor.finish()


def test_who_is_not_signed_in_hears_nothing(stage: Stage) -> None:
    headers = {"Accept": "text/event-stream"}
    answer = httpx2.get(f"{stage.server.url}/live", headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.status_code == 303


def test_no_address_is_taken_by_the_pattern_of_another() -> None:
    # In the order in which the application takes them.
    modules = [import_module(f"{web.__name__}.{found.name}") for found in pkgutil.iter_modules(web.__path__)]
    routers = [module.router for module in modules if hasattr(module, "router")]
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    taken = []
    for route in routes:
        for method in route.methods or ():
            scope = {"type": "http", "method": method, "path": route.path}
            first = next(one for one in routes if one.matches(scope)[0] is Match.FULL)
            if first is not route:
                taken.append(f"{method} {route.path} is answered by {first.path}")
    assert len(routes) > 1
    assert taken == []


def cancelled_copies(stage: Stage) -> tuple[str, str]:
    """A Job whose Run had made one image when it was cancelled, and the id of that."""
    job = stage.launch(processing="copy", to="street/v2")
    supervisor = stage.supervisor()
    supervisor.start()
    chunk = supervisor.claim()
    assert chunk is not None
    written = io.BytesIO()
    Image.new("RGB", (12, 9), (200, 40, 40)).save(written, "PNG")
    digest = supervisor.send("POST", "images", raw=written.getvalue()).json()["digest"]
    added = [{"origin": chunk["assets"][0]["id"], "path": "copies/<new>.png", "digest": digest}]
    assert supervisor.stage(chunk, annotations=b"", added=added).status_code == 204
    stage.client.jobs.cancel(job)
    supervisor.finish()
    return job, digest


def test_images_that_a_cancelled_run_had_made_are_seen_before_they_are_in_a_version(
    making: tuple[Stage, httpx2.Client],
) -> None:
    stage, browser = making
    job, _ = cancelled_copies(stage)
    page = page_of(browser, f"{job}/partial", "?run=1")
    assert "1 new images for street/v2" in page
    assert "copies/&lt;new&gt;.png: no annotation" in page
    assert "They become the version street/v2 by you" in page
    found = re.search(rf"/jobs/{job}/runs/1/partial/0/[0-9a-z_]+/thumbnail", page)
    assert found is not None
    picture = browser.get(found[0])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(picture.content)).size == (12, 9)
    browser.post(f"/jobs/{job}/runs/1/partial/drop")
    assert browser.get(found[0]).status_code == 404


def test_a_run_whose_name_was_taken_goes_on_from_its_page_under_another(making: tuple[Stage, httpx2.Client]) -> None:
    stage, browser = making
    job, _ = cancelled_copies(stage)
    stage.client.versions.fork("street/v1", "street/v2")
    page = page_of(browser, job)
    # The name that it had is taken: a free one is offered.
    assert re.search(r'id="resume-to" name="to" type="text" value="v3"', page)
    refused = browser.post(f"/jobs/{job}/resume", data={"to": "v2"})
    assert refused.status_code == 422
    assert "There is a version &#39;street/v2&#39; already." in refused.text
    assert re.search(r'id="resume-to" name="to" type="text" value="v2" aria-invalid="true"', refused.text)
    assert browser.post(f"/jobs/{job}/resume", data={"to": "v3"}).status_code == 303
    newest = stage.client.jobs.show(job).runs[0]
    assert (newest.number, newest.new_version, newest.continues) == (2, "street/v3", True)
