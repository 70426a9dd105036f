from collections.abc import Iterator
from pathlib import Path

import pytest

from pixmill.environments import Environment
from pixmill.parameters.secrets import forms_of
from tests.run_server import PATIENCE_SECONDS, FakeRun, make_run, serving, supervising

HEAD = '''"""A Processing."""
import os, sys, time
import numpy as np
from pixmill.authoring import *
from pixmill.annotations import BoundingBox, Classification
'''


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert not folder.exists(), "a Run leaves no scratch folder behind"


def run_to_the_end(run: FakeRun, code: str, environment: Environment, scratch: Path, *, sandbox: str = "auto") -> int:
    source = scratch.parent / "processing.py"
    source.write_text(HEAD + code)
    with serving(run) as url, supervising(url, environment, source, scratch, sandbox=sandbox) as supervisor:
        return supervisor.wait(PATIENCE_SECONDS)


ANNOTATE = """
@processing(kind="pre-annotation")
class Processing:
    def __call__(self, batch):
        for asset, image in zip(batch.assets, batch.images):
            assert image.shape == (48, 64, 3) and image.dtype == np.uint8
            yield asset.annotate(BoundingBox(1, 2, 3, 4), label="car", score=0.5)
            yield asset.annotate(Classification(), label="sky")
            yield asset.tag("seen")
            yield asset.set_metadata(mean=float(image.mean()))
"""


@pytest.mark.parametrize("sandbox", ["bubblewrap", "landlock", "none"])
def test_every_asset_is_worked_on_and_staged_with_its_shapes_in_each_sandbox(
    sandbox: str, plain_environment: Environment, tmp_path: Path, scratch: Path, request: pytest.FixtureRequest
) -> None:
    if sandbox == "bubblewrap":
        request.getfixturevalue("bubblewrap")
    run = make_run(tmp_path / "images")
    assert run_to_the_end(run, ANNOTATE, plain_environment, scratch, sandbox=sandbox) == 0
    assert run.finished == {
        "exit_code": 0,
        "signal": None,
        "ledger_complete": True,
        "returned": True,
        "error": None,
        "limit": None,
    }
    assert sorted(run.outcomes("done")) == [f"asset-{n:04d}" for n in range(20)]
    rows = run.rows()
    assert len(rows) == 20
    assert {(row.label, row.score, row.shape) for row in rows} == {("car", 0.5, rows[0].bbox)}
    assert sum(chunk["dropped"].get("sky", 0) for chunk in run.staged.values()) == 20
    assert run.staged[0]["tags"]["asset-0000"] == ["seen"]
    assert run.started is not None
    assert run.started["sandbox"]["tier"] == sandbox
    assert run.wrong_tokens == 0


def test_what_a_processing_states_as_its_facts_is_kept_on_the_run(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
@processing(kind="pre-annotation")
class Processing:
    def __init__(self):
        self.facts = {"engine": "mine", "size": (3, 4), "odd": {1}}
    def __call__(self, batch):
        return []
"""
    run = make_run(tmp_path / "images", images=3)
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert run.facts == {"processing": {"engine": "mine", "size": [3, 4], "odd": "{1}"}}


def test_detections_go_to_the_labels_that_the_run_maps_their_classes_to(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
@processing(kind="pre-annotation")
class Processing:
    def __call__(self, batch):
        found = Detections(np.array([[1., 2, 3, 4], [5, 6, 7, 8], [0, 0, 9, 9]]), np.array([.9, .8, .7]),
                           np.array([0, 1, 2]), ("auto", "person", "dog"))
        return [asset.annotate(found) for asset in batch.assets]
"""
    run = make_run(tmp_path / "images", images=3, label_map={"auto": "car", "person": "person"})
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    of_first = [(row.label, row.score) for row in run.rows() if row.asset == "asset-0000"]
    assert of_first == [("car", 0.9), ("person", 0.8)]
    assert run.staged[0]["dropped"] == {"dog": 3}


FAILS_AT_6 = """
@processing(kind="pre-annotation")
class Processing:
    def __call__(self, batch):
        for asset in batch.assets:
            if asset.path == "0006.jpg":
                raise ValueError("too red")
            yield asset.annotate(BoundingBox(1, 2, 3, 4), label="car")
"""


def test_one_bad_image_of_a_batch_fails_alone_with_its_traceback_and_its_place_in_the_log(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    run = make_run(tmp_path / "images", images=10, batch_size=8)
    assert run_to_the_end(run, FAILS_AT_6, plain_environment, scratch) == 0
    [failed] = run.outcomes("failed")
    assert (failed["asset_id"], failed["reason"]) == ("asset-0006", "ValueError: too red")
    assert 'raise ValueError("too red")' in failed["traceback"]
    assert run.text[failed["log_offset"] :].startswith("0006.jpg:\nTraceback (most recent call last):")
    assert len(run.rows()) == 9
    assert run.finished is not None
    assert run.finished["error"] is None
    assert run.finished["ledger_complete"]


PRINTS_WITHOUT_END = """
import os, subprocess, sys, threading

@processing(kind="pre-annotation")
class Processing:
    def __init__(self):
        self.printing = subprocess.Popen(["/bin/sh", "-c", "while :; do echo from a process; done"])
        threading.Thread(target=self.chatter, daemon=True).start()
    def chatter(self):
        while True:
            os.write(1, b"from a thread\\n")
    def __call__(self, batch):
        if batch.assets[-1].path == "0019.jpg" and len(batch) == 1:
            self.printing.kill()
        raise ValueError(f"no {batch.assets[0].path}")
"""


def test_the_place_of_a_failed_asset_is_its_first_line_though_others_print_all_the_time(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    run = make_run(tmp_path / "images", images=20, chunk_size=20, batch_size=2)
    run_to_the_end(run, PRINTS_WITHOUT_END, plain_environment, scratch)
    failed = run.outcomes("failed")
    assert len(failed) >= 4
    for each in failed:
        path = f"{each['asset_id'].removeprefix('asset-')}.jpg"
        line = run.log[each["log_offset"] :].split(b"\n", 1)[0].decode()
        assert line in {f"{path}:", f"{path}: ValueError: no {path}"}
        assert run.log[each["log_offset"] - 1 : each["log_offset"]] == b"\n"
    assert b"\x1e" not in run.log


def test_images_of_a_failing_batch_that_were_done_when_tried_again_are_counted_and_said(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    run = make_run(tmp_path / "images", images=10, batch_size=8)
    assert run_to_the_end(run, FAILS_AT_6, plain_environment, scratch) == 0
    assert sum(chunk["retried"] for chunk in run.staged.values()) == 7
    assert [event["facts"]["images"] for event in run.events if event["kind"] == "retried"] == [7]


def test_a_run_that_stops_at_the_first_failure_stages_what_it_has_and_leaves_the_rest(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    run = make_run(tmp_path / "images", images=20, batch_size=4, failures_allowed=0)
    assert run_to_the_end(run, FAILS_AT_6, plain_environment, scratch) == 0
    assert [failed["asset_id"] for failed in run.outcomes("failed")] == ["asset-0006"]
    assert sorted(run.outcomes("done")) == [f"asset-{n:04d}" for n in range(6)]
    assert [chunk["partial"] for chunk in run.staged.values()] == [True]
    assert len(run.rows()) == 6
    assert run.finished is not None
    assert (run.finished["exit_code"], run.finished["error"]["type"]) == (1, "ValueError")
    assert run.text.count("Traceback") == 1


def test_an_unreadable_image_stops_a_run_that_allows_no_failure(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    run = make_run(tmp_path / "images", images=20, batch_size=4, failures_allowed=0)
    (tmp_path / "images" / "0002.jpg").write_text("no image")
    assert run_to_the_end(run, ANNOTATE, plain_environment, scratch) == 0
    assert run.finished is not None
    assert run.finished["error"]["message"] == "0002.jpg: the file is not an image"


def test_shapes_of_an_asset_that_the_processing_skips_are_left_out(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
@processing(kind="pre-annotation")
class Processing:
    def __call__(self, batch):
        for asset in batch.assets:
            yield asset.annotate(BoundingBox(1, 2, 3, 4), label="car")
            if asset.path == "0001.jpg":
                yield asset.skip("too blurred")
"""
    run = make_run(tmp_path / "images", images=3)
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert [skip["reason"] for skip in run.outcomes("skipped")] == ["too blurred"]
    assert {row.asset for row in run.rows()} == {"asset-0000", "asset-0002"}


def test_an_image_that_cannot_be_decoded_fails_with_the_reason_and_the_rest_goes_on(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    run = make_run(tmp_path / "images", images=6)
    (tmp_path / "images" / "0001.jpg").write_text("no image")
    whole = (tmp_path / "images" / "0002.jpg").read_bytes()
    (tmp_path / "images" / "0002.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "images" / "0003.jpg").unlink()
    assert run_to_the_end(run, ANNOTATE, plain_environment, scratch) == 0
    reasons = {failed["asset_id"]: failed["reason"] for failed in run.outcomes("failed")}
    assert reasons.keys() == {"asset-0001", "asset-0002", "asset-0003"}
    assert reasons["asset-0001"] == "the file is not an image"
    assert reasons["asset-0002"].startswith("the image cannot be decoded: ")
    assert reasons["asset-0003"] == "the file cannot be read: No such file or directory"
    assert len(run.outcomes("done")) == 3
    assert {event["kind"] for event in run.events} == {"undecodable-image"}


def test_a_processing_that_raises_for_every_image_from_its_third_batch_on_fails(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
@processing(kind="pre-annotation")
class Processing:
    calls = 0
    def __call__(self, batch):
        self.calls += 1
        if self.calls > 2:
            raise RuntimeError("the model is tired")
"""
    run = make_run(tmp_path / "images", images=40, batch_size=4)
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert run.finished is not None
    assert run.finished["error"]["type"] == "RuntimeError"
    assert "the model is tired" in run.finished["error"]["traceback"]
    assert not run.finished["ledger_complete"]
    assert (run.finished["exit_code"], run.finished["returned"]) == (1, False)
    assert 'raise RuntimeError("the model is tired")' in run.text


def test_a_run_that_ends_in_a_batch_failing_for_each_of_its_images_fails_even_if_short(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
@processing(kind="pre-annotation")
class Processing:
    calls = 0
    def __call__(self, batch):
        self.calls += 1
        if self.calls > 2:
            raise RuntimeError("the model is tired")
"""
    run = make_run(tmp_path / "images", images=12, batch_size=4)
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert run.finished is not None
    assert run.finished["error"]["type"] == "RuntimeError"


def test_running_out_of_memory_halves_the_batch_and_says_so(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
@processing(kind="pre-annotation")
class Processing:
    def __call__(self, batch):
        if len(batch) > 2:
            raise MemoryError
"""
    run = make_run(tmp_path / "images", images=16, batch_size=8)
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert len(run.outcomes("done")) == 16
    assert [event["facts"]["batch_size"] for event in run.events if event["kind"] == "batch-halved"] == [4, 2]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("        os._exit(0)", "ProcessExited"),
        ("        os.kill(os.getpid(), 9)", "ProcessKilled"),
        ("        sys.exit(0)", "SystemExit"),
    ],
)
def test_user_code_cannot_declare_its_own_success_by_leaving(
    body: str, error: str, plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = f"\n@processing(kind='a')\nclass Processing:\n    def __call__(self, batch):\n{body}\n"
    run = make_run(tmp_path / "images", images=12)
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert run.finished is not None
    assert run.finished["error"]["type"] == error
    if error == "ProcessKilled":
        assert "was killed" in run.finished["error"]["message"]
    assert not run.finished["ledger_complete"] or error == "SystemExit"
    assert not run.finished["returned"]


def test_a_constructor_that_raises_fails_the_run_with_its_traceback_in_the_log(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
@processing(kind='a')
class Processing:
    def __init__(self):
        raise FileNotFoundError("weights.onnx")
    def __call__(self, batch): ...
"""
    run = make_run(tmp_path / "images")
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert run.finished is not None
    assert run.finished["error"]["type"] == "FileNotFoundError"
    assert 'raise FileNotFoundError("weights.onnx")' in run.text
    assert "pixmill/runtime" not in run.text
    assert not run.staged


def test_a_whole_version_function_reads_twice_and_its_ledger_is_what_it_read_and_changed(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
@processing(kind='curation')
def tag_some(ctx, dataset, *, below: int):
    (ctx.scratch / "note").write_text("mine")
    assert len(list(dataset.assets())) == len(dataset) == 20
    for asset, image in dataset.images():
        if asset.path == "0010.jpg":
            break
        if image[0, 0, 0] < below:
            yield asset.tag("dark")
"""
    run = make_run(tmp_path / "images", form="version", parameters={"below": 5})
    assert run_to_the_end(run, code, plain_environment, scratch) == 0, run.text
    assert run.finished is not None
    assert (run.finished["returned"], run.finished["ledger_complete"], run.finished["error"]) == (True, True, None)
    assert sorted(run.outcomes("done")) == [f"asset-{n:04d}" for n in range(11)]
    assert {skip["reason"] for skip in run.outcomes("skipped")} == {"the Processing did not read it"}
    tagged = [name for chunk in run.staged.values() for name in chunk["tags"]]
    assert sorted(tagged) == [f"asset-{n:04d}" for n in range(5)]


def test_a_stale_fence_stops_the_supervisor_and_it_stays_silent(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = "\n@processing(kind='a')\nclass Processing:\n    def __call__(self, batch):\n        time.sleep(600)\n"
    run = make_run(tmp_path / "images")
    source = tmp_path / "processing.py"
    source.write_text(HEAD + code)
    with serving(run) as url, supervising(url, plain_environment, source, scratch) as supervisor:
        run.wait_for(lambda run: run.started)
        run.fence = 8
        assert supervisor.wait(PATIENCE_SECONDS) == 1
    assert run.finished is None


def test_a_server_that_does_not_answer_for_a_while_loses_nothing(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = ANNOTATE + "\n    def __init__(self):\n        for n in range(1000):\n            print('line', n)\n"
    run = make_run(tmp_path / "images")
    run.silent_calls = 5
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert run.text == "".join(f"line {n}\n" for n in range(1000))
    assert len(run.outcomes("done")) == 20


def test_what_is_printed_last_and_by_native_code_is_in_the_log_though_threads_go_on(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    code = """
import ctypes, threading
@processing(kind='a')
class Processing:
    def __init__(self):
        threading.Thread(target=time.sleep, args=(600,)).start()
    def __call__(self, batch):
        ctypes.CDLL(None).printf(b"from C\\n")
"""
    run = make_run(tmp_path / "images", images=1)
    assert run_to_the_end(run, code, plain_environment, scratch) == 0
    assert run.text == "from C\n"
    assert run.finished is not None
    assert (run.finished["exit_code"], run.finished["ledger_complete"]) == (0, True)


def test_a_run_whose_model_cannot_be_fetched_fails_with_the_reason(
    plain_environment: Environment, tmp_path: Path
) -> None:
    run = make_run(
        tmp_path / "images",
        model={
            "name": "m/1",
            "task": "",
            "framework": "onnx",
            "labels": [],
            "files": [{"name": "m.onnx", "size_bytes": 1, "url": "nowhere"}],
        },
    )
    assert run_to_the_end(run, ANNOTATE, plain_environment, tmp_path / "scratch") == 0
    assert run.finished is not None
    assert run.finished["error"]["type"] == "ServerRefused"
    assert run.text.startswith("GET /nowhere was refused: 404")


TELLS_ITS_SECRET = """
import base64, subprocess
from urllib.parse import quote

@processing(kind="tagging", secrets=["API_KEY"])
class Processing:
    def __init__(self):
        key = os.environ["API_KEY"]
        for letter in f"10%\\r{key}|{quote(key)}|{base64.b64encode(b'user:' + key.encode()).decode()}\\n":
            sys.stdout.write(letter)
            sys.stdout.flush()
        subprocess.run(["sh", "-c", 'echo from below: "$API_KEY"'])
        assert key not in open("/proc/self/environ").read()
        self.facts = {"engine": key}

    def __call__(self, batch):
        for asset in batch.assets:
            if asset.path == "0001.jpg":
                raise ValueError("refused: " + os.environ["API_KEY"])
            yield asset.tag("seen")
"""


def test_a_secret_reaches_the_child_and_nothing_that_the_supervisor_says(
    plain_environment: Environment, tmp_path: Path, scratch: Path
) -> None:
    key = "sk-4+2/=seven eleven"
    run = make_run(tmp_path / "images", images=10, batch_size=5, secrets={"API_KEY": key})
    assert run_to_the_end(run, TELLS_ITS_SECRET, plain_environment, scratch) == 0
    assert run.text.startswith("10%\r[secret]|[secret]|")
    assert "from below: [secret]" in run.text
    [failed] = run.outcomes("failed")
    assert failed["reason"] == "ValueError: refused: [secret]"
    assert run.facts["processing"] == {"engine": "[secret]"}
    said = f"{run.text}{run.staged}{run.events}{run.facts}{run.finished}"
    assert not [form for form in forms_of(key) if form.decode() in said]
