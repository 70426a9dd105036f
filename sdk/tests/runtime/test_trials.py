import io
import json
import os
from pathlib import Path
from threading import Event

import pytest
from PIL import Image

from pixmill.cli.main import run
from pixmill.environments import Environment
from pixmill.errors import InvalidInput, NotFound, ParameterError, ProcessingError
from pixmill.runtime.trial import TrialReport, TrialRequest, try_processing
from pixmill.runtime.trial_export import export_coco

MARK_DARK = '''"""Mark dark images."""
from typing import Annotated
from pixmill.annotations import BoundingBox
from pixmill.authoring import *
@processing(kind="pre-annotation")
class MarkDark:
    def __init__(self, *, below: Annotated[float, Between(0, 255)] = 90):
        print("below", below)
        self.below = below
    def __call__(self, batch):
        for asset, image in zip(batch.assets, batch.images):
            if image.mean() < self.below:
                yield asset.annotate(BoundingBox(0, 0, asset.width, asset.height), label="dark", score=0.75)
                yield asset.annotate(BoundingBox(0, 0, 1, 1), label="corner")
'''

IN_A_PACKAGE = '''"""Tag the night."""
import json
from importlib.resources import files
from pathlib import Path
from pixmill.authoring import *
from dark.rules import is_dark
from . import rules
@processing(kind="tagging")
class TagNight:
    def __init__(self):
        self.limit = json.loads((files("dark") / "limits.json").read_text())[0]
        beside = Path(__file__).parent / "limits.json"
        try:
            beside.write_text("[0]")
        except OSError:
            pass
        print("limit", json.loads(beside.read_text())[0], "of", beside.name)
    def __call__(self, batch):
        for asset, image in zip(batch.assets, batch.images):
            if is_dark(image, self.limit) and rules.is_dark is is_dark:
                yield asset.tag("night")
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "photos"
    (made / "night").mkdir(parents=True)
    for name, grey in (("day.png", 200), ("night/one.jpg", 20), ("night/two.jpg", 30)):
        Image.new("RGB", (40, 30), (grey, grey, grey)).save(made / name)
    (made / "broken.jpg").write_text("no image")
    (made / "notes.txt").write_text("not looked at")
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mark_dark.py"
    path.write_text(MARK_DARK)
    return path


def attempt(request: TrialRequest) -> tuple[TrialReport, str]:
    log = io.BytesIO()
    report = try_processing(request, log=log, on_step=lambda _: None, on_progress=lambda _: None, cancel=Event())
    return report, log.getvalue().decode()


def test_a_processing_is_tried_on_a_folder_without_a_server(
    plain_environment: Environment, file: Path, folder: Path
) -> None:
    request = TrialRequest(file, folder, labels=("dark",), environments=plain_environment.folder.parent)
    report, log = attempt(request)
    assert log == "below 90.0\n"
    assert report.succeeded
    assert (report.assets, report.done, report.skipped) == (4, 3, 0)
    assert [(failed.asset_id, failed.reason) for failed in report.failed] == [
        ("broken.jpg", "the file is not an image")
    ]
    assert report.shapes == {"dark": 2}
    assert report.median_score("dark") == 0.75
    assert report.dropped == {"corner": 2}


@pytest.mark.parametrize("sandbox", ["auto", "none"])
@pytest.mark.parametrize("root", ["", "src"])
def test_a_folder_is_tried_with_its_modules_and_its_data(
    plain_environment: Environment, folder: Path, tmp_path: Path, root: str, sandbox: str
) -> None:
    code = code_folder(tmp_path / "code", root)
    request = TrialRequest(code, folder, environments=plain_environment.folder.parent, sandbox=sandbox)
    report, log = attempt(request)
    assert report.succeeded, log
    assert report.tags == {"night": 2}
    assert "limit 90 of limits.json" in log


def test_the_stack_trace_of_a_folder_names_its_own_files_and_lines(
    plain_environment: Environment, folder: Path, tmp_path: Path
) -> None:
    code = code_folder(tmp_path / "code", "src")
    (code / "src/dark/rules.py").write_text("def is_dark(image, limit):\n    return image.mean() < limit / 0\n")
    report, _ = attempt(TrialRequest(code, folder, environments=plain_environment.folder.parent))
    trace = report.failed[-1].traceback or ""
    assert "src/dark/main.py" in trace
    assert 'src/dark/rules.py", line 2, in is_dark\n    return image.mean() < limit / 0' in trace
    assert "importlib" not in trace
    (code / "src/dark/rules.py").write_text("import nowhere_at_all\n")
    with pytest.raises(ProcessingError) as refused:
        attempt(TrialRequest(code, folder, environments=plain_environment.folder.parent))
    assert 'src/dark/rules.py", line 1, in <module>\n    import nowhere_at_all' in refused.value.hint
    assert "importlib" not in refused.value.hint


def code_folder(place: Path, root: str) -> Path:
    """A Processing in a package, that has a helper module and a file with data."""
    package = place / root / "dark"
    package.mkdir(parents=True)
    (place / "pyproject.toml").write_text('[project]\nname = "dark-code"\n')
    (package / "__init__.py").touch()
    (package / "limits.json").write_text("[90]")
    (package / "rules.py").write_text("def is_dark(image, limit):\n    return image.mean() < limit\n")
    (package / "main.py").write_text(IN_A_PACKAGE)
    return place


def test_what_was_found_can_be_had_as_coco(
    plain_environment: Environment, file: Path, folder: Path, tmp_path: Path
) -> None:
    request = TrialRequest(file, folder, labels=("dark",), environments=plain_environment.folder.parent)
    report, _ = attempt(request)
    export_coco(report, tmp_path / "out")
    coco = json.loads((tmp_path / "out" / "annotations.json").read_text())
    names = {image["id"]: image["file_name"] for image in coco["images"]}
    found = {names[shape["image_id"]]: (shape["bbox"], shape["score"]) for shape in coco["annotations"]}
    assert found == {"night/one.jpg": ([0, 0, 40, 30], 0.75), "night/two.jpg": ([0, 0, 40, 30], 0.75)}


def test_a_parameter_out_of_range_is_refused_before_anything_runs(
    plain_environment: Environment, file: Path, folder: Path
) -> None:
    request = TrialRequest(file, folder, {"below": "300"}, environments=plain_environment.folder.parent)
    with pytest.raises(ParameterError, match="'below' cannot be 300"):
        attempt(request)


def test_a_model_for_a_processing_that_takes_none_is_refused(
    plain_environment: Environment, file: Path, folder: Path
) -> None:
    request = TrialRequest(file, folder, model=file, environments=plain_environment.folder.parent)
    with pytest.raises(InvalidInput, match="takes no model"):
        attempt(request)


def test_a_path_that_is_not_there_is_named(tmp_path: Path, file: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        attempt(TrialRequest(file, tmp_path / "nowhere"))
    with pytest.raises(NotFound, match=r"missing\.py"):
        attempt(TrialRequest(tmp_path / "missing.py", tmp_path))


def test_a_folder_without_images_is_refused(tmp_path: Path, file: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no image"):
        attempt(TrialRequest(file, tmp_path / "empty"))


def test_the_command_ends_with_1_and_the_traceback_where_the_processing_raises(
    file: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    # What uv has stays at hand, also without a network.
    monkeypatch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")))
    monkeypatch.setenv("HOME", str(tmp_path))
    file.write_text(MARK_DARK.replace('print("below", below)', 'raise OSError("no weights")'))
    assert run(["processings", "test", str(file), str(folder), "--json"]) == 1
    printed = capfdbinary.readouterr()
    assert json.loads(printed.out)["error"]["message"] == "no weights"
    assert b'raise OSError("no weights")' in printed.err


# More images of its own than may wait decoded come by the same pipe while the Processing reads the other version.
COMPARE = """
from pixmill.authoring import *
@processing(kind="tagging", batch_size=4)
class Compare:
    def __init__(self, *, reference: DatasetVersion, other: DatasetVersion | None = None):
        self.known = {asset.path: float(image.mean()) for asset, image in reference.images()}
        print(reference.name, len(reference), sorted(self.known), other)
        self.reference = reference
    def __call__(self, batch):
        together = zip(self.reference.assets(), self.reference.images())
        assert all(asset.id == seen.id for asset, (seen, _) in together)
        for asset in batch.assets:
            yield asset.tag("known" if asset.path in self.known else "new")
"""


def test_another_folder_is_read_beside_the_one_that_is_worked_on(
    plain_environment: Environment, folder: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    for number in range(150):
        Image.new("RGB", (40, 30), (number, 9, 9)).save(own / f"{number:03}.png")
    reference = tmp_path / "reference"
    reference.mkdir()
    for number in range(40):
        Image.new("RGB", (40, 30), (number, 9, 9)).save(reference / f"{number:03}.png")
    (reference / "broken.jpg").write_text("no image")
    source = tmp_path / "compare.py"
    source.write_text(COMPARE)
    parameters = {"reference": str(reference)}
    report, log = attempt(TrialRequest(source, own, parameters, environments=plain_environment.folder.parent))
    assert report.succeeded, log
    assert "reference 41" in log
    assert "'broken.jpg' is left out: the file is not an image" in log
    assert report.tags == {"known": 40, "new": 110}


def test_what_a_processing_adds_to_another_version_is_refused(
    plain_environment: Environment, folder: Path, tmp_path: Path
) -> None:
    source = tmp_path / "wrong.py"
    source.write_text(COMPARE.replace("for asset in batch.assets:", "for asset in self.reference.assets():"))
    parameters = {"reference": str(folder)}
    (tmp_path / "own").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "own" / "own.png")
    report, log = attempt(
        TrialRequest(source, tmp_path / "own", parameters, environments=plain_environment.folder.parent)
    )
    assert not report.succeeded
    assert not report.tags
    assert "day.png" in log


def test_a_folder_that_is_not_there_is_no_version(plain_environment: Environment, folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "compare.py"
    source.write_text(COMPARE)
    request = TrialRequest(source, folder, {"reference": "nowhere"}, environments=plain_environment.folder.parent)
    with pytest.raises(NotFound, match="nowhere"):
        attempt(request)
