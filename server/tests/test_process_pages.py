"""The Process form over HTTP: what it offers, what it says will happen, and what it refuses, keeping what was typed."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest

from pixmill_server.datasets import versions
from pixmill_server.datasets.queries import pin
from pixmill_server.datasets.selections import keep_selection
from pixmill_server.jobs.tables import JobRow, RunRow
from pixmill_server.settings import read_settings
from server.tests.datasets.building import id_of
from server.tests.jobs.acting import PATHS, Stage
from server.tests.test_grid_pages import sign_in
from tests.running_server import RunningServer, serve

FORM = "/datasets/street/v1/process"
DETECTOR = {"model": {"task": "detection", "frameworks": ["onnx"]}}
ASKED = {"processing": "detect", "model": "toy/1"}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Iterator[Stage]:
    data = tmp_path_factory.mktemp("process") / "data"
    with serve(read_settings({"PIXMILL_DATA": str(data), "PIXMILL_BUNDLE": str(bundle)})) as running:
        stage = Stage(running)
        stage.processing("detect", takes=DETECTOR)
        stage.processing("tagger", kind="tagging")
        stage.processing("copy", kind="augmentation", new_version="fork")
        stage.model("toy", ["car", "People", "<i>dog</i>"])
        stage.model("animals", ["cat"])
        stage.model("lite", ["car"], framework="tflite")
        stage.model("sorter", ["car"], task="classification")
        yield stage


@pytest.fixture(scope="module")
def browser(stage: Stage) -> Iterator[httpx2.Client]:
    with sign_in(stage.server) as client:
        yield client


def jobs_of(running: RunningServer) -> list[JobRow]:
    with running.services.database.reading() as session:
        return session.query(JobRow).order_by(JobRow.created_at, JobRow.id).all()


def test_only_model_versions_that_fit_are_offered_and_the_hubs_lead_to_the_hub(browser: httpx2.Client) -> None:
    text = browser.get(FORM, params={"processing": "detect"}).text
    assert '<option value="toy/1"' in text
    assert "lite/1" not in text
    assert "sorter/1" not in text
    assert "of the Hub fit, once pulled" in text
    assert "Choose a ModelVersion first" in text
    assert "ModelVersion</label>" not in browser.get(FORM, params={"processing": "tagger"}).text


def test_the_mapping_says_what_matches_what_is_ignored_and_what_gets_nothing(browser: httpx2.Client) -> None:
    text = browser.get(FORM, params=ASKED).text
    assert "1 of 2 Labels get shapes; 2 of 3 classes are ignored." in text
    assert "Perhaps “person”: it differs in number." in text
    assert "gets nothing" in text
    assert "&lt;i&gt;dog&lt;/i&gt;" in text
    assert "<i>dog</i>" not in text


def test_proposals_are_applied_only_when_they_are_taken(browser: httpx2.Client) -> None:
    assert "People as person" not in browser.get(FORM, params=ASKED).text
    taken = browser.get(FORM, params={**ASKED, "proposals": "1"}).text
    assert "People as person" in taken
    assert "2 of 2 Labels get shapes" in taken
    assert "<i>dog</i> as" not in browser.get(FORM, params={**ASKED, "map.<i>dog</i>": "car"}).text


def test_a_mapping_that_can_produce_nothing_is_refused_beside_it(browser: httpx2.Client, stage: Stage) -> None:
    before = len(jobs_of(stage.server))
    answer = browser.post(FORM, data={**ASKED, "model": "animals/1"})
    assert answer.status_code == 422
    assert "No class of animals/1 is a Label of street/v1" in answer.text
    assert len(jobs_of(stage.server)) == before


def test_several_wrong_parameters_are_said_beside_each_and_all_that_was_typed_is_kept(browser: httpx2.Client) -> None:
    sent = {**ASKED, "p.threshold": "1.5", "p.batch_size": "two", "existing": "add", "map.People": "person"}
    answer = browser.post(FORM, data=sent)
    assert answer.status_code == 422
    assert "&#39;threshold&#39; cannot be 1.5" in answer.text
    assert "&#39;batch_size&#39; cannot be &#39;two&#39;" in answer.text
    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="1.5"' in answer.text
    assert 'value="two"' in answer.text
    assert 'value="add" checked' in answer.text
    assert '<option value="person" selected>' in answer.text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"processing": "nothing"}, "nothing"),
        ({"where": "lable=car"}, "lable"),
        ({"where": "label=unicorn"}, "unicorn"),
        ({"where": "tag=night"}, "tag &#39;night&#39;"),
        ({"model": "none/1"}, "none/1"),
        ({"model": "lite/1"}, "tflite"),
        ({"compute": "moon"}, "moon"),
        ({"existing": "burn"}, "burn"),
        ({"on_failure": "perhaps"}, "perhaps"),
        ({"timeouts": "running=soon"}, "running=soon"),
        ({"priority": "101"}, "101"),
    ],
)
def test_what_cannot_be_launched_is_refused_by_name(
    browser: httpx2.Client, stage: Stage, changed: dict[str, str], said: str
) -> None:
    before = len(jobs_of(stage.server))
    answer = browser.post(FORM, data={**ASKED, **changed})
    assert answer.status_code in {404, 422}
    assert said in answer.text
    assert len(jobs_of(stage.server)) == before


def test_a_launch_on_a_selection_means_exactly_it(browser: httpx2.Client, stage: Stage) -> None:
    selected = keep_selection(stage.server.services.objects, [id_of(PATHS[1]), id_of(PATHS[4])])
    where = urlencode({"selection": selected})
    page = browser.get(FORM, params={**ASKED, "where": where}).text
    assert '<strong class="numeric">2 assets</strong>' in page
    assert "Launch on 2 assets" in page
    sent = {**ASKED, "where": where, "scope": "part", "map.People": "person", "p.threshold": "0.75"}
    answer = browser.post(FORM, data=sent)
    assert answer.status_code == 303
    job = jobs_of(stage.server)[-1]
    assert answer.headers["location"] == f"/jobs/{job.id}"
    assert (job.scope, job.label_map) == ({"filter": where}, {"People": "person"})
    with stage.server.services.database.reading() as session:
        run = session.query(RunRow).filter_by(job_id=job.id).one()
    assert (run.assets, run.parameters["threshold"]) == (2, 0.75)


def test_the_whole_version_can_be_meant_though_a_filter_was_on(browser: httpx2.Client) -> None:
    page = browser.get(FORM, params={**ASKED, "where": "name=00", "scope": "all"}).text
    assert "Launch on 6 assets" in page
    assert '<strong class="numeric">1 asset</strong>' in page


def test_a_processing_that_makes_a_version_asks_for_its_name_and_proposes_a_free_one(
    browser: httpx2.Client, stage: Stage
) -> None:
    page = browser.get(FORM, params={"processing": "copy"}).text
    assert 'name="to" value="v2"' in page
    assert "<dt>Makes</dt><dd>street/v2</dd>" in page
    assert 'name="to"' not in browser.get(FORM, params={"processing": "tagger"}).text
    before = len(jobs_of(stage.server))
    for name, said in (
        ("", "no name is given for it"),
        ("v1", "There is a version &#39;street/v1&#39; already."),
        ("v 2", "&#39;street/v 2&#39; is not an address"),
    ):
        answer = browser.post(FORM, data={"processing": "copy", "to": name})
        assert answer.status_code == 422
        assert (
            f'name="to" value="{name}" required maxlength="100" autocomplete="off" spellcheck="false" aria-invalid'
            in answer.text
        )
        assert said in answer.text.partition('id="field-to-about"')[2].partition("</div>")[0]
    assert len(jobs_of(stage.server)) == before
    answer = browser.post(FORM, data={"processing": "copy", "to": "v2"})
    assert answer.status_code == 303
    # A Run is to make it: the next one that is proposed is free.
    assert 'name="to" value="v3"' in browser.get(FORM, params={"processing": "copy"}).text
    job_page = browser.get(answer.headers["location"]).text
    assert "street/v2" in job_page


def test_on_a_locked_version_only_what_makes_a_new_one_is_offered_and_launched(
    browser: httpx2.Client, stage: Stage
) -> None:
    datasets, owner = stage.server.services.datasets, stage.server.owner.actor
    shut = versions.fork(datasets, owner, pin(datasets, stage.version_id), "shut")
    versions.lock(datasets, owner, shut.id)
    assert 'href="/datasets/street/shut/process"' in browser.get("/datasets/street/shut").text
    form = "/datasets/street/shut/process"
    page = browser.get(form).text
    assert 'value="copy"' in page
    assert 'value="tagger"' not in page
    assert "Not here, because they write into the version that they are launched on" in page
    for processing, said in (
        ("tagger", "The version &#39;street/shut&#39; is locked."),
        ("copy", "Launch on 6 assets"),
    ):
        assert said in browser.get(form, params={"processing": processing}).text
    answer = browser.post(form, data={"processing": "tagger"})
    assert answer.status_code == 422
    assert browser.post(form, data={"processing": "copy", "to": "of-the-shut"}).status_code == 303
