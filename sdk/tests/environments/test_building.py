import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pixmill.authoring.schema import ProcessingSchema
from pixmill.environments import Environment, Header, build, lock, pack_sdk, processing_schema, remove
from pixmill.environments.answers import DescribedProcessing, read_answer
from pixmill.errors import EnvironmentFailed, ProcessingError
from pixmill.parameters import ParameterSpec, ParameterType, spec_to_json

TAGGING = '''"""Tag everything."""
from pixmill.authoring import Batch, processing
print("imported")
@processing(kind="tagging")
class TagAll:
    def __init__(self, *, name: str = "seen") -> None: ...
    def __call__(self, batch: Batch) -> None: ...
'''


def test_a_lock_has_hashes_and_names_no_address(plain_lock: bytes) -> None:
    text = plain_lock.decode()
    assert "numpy==" in text
    assert "--hash=sha256:" in text
    assert "://" not in text


@pytest.mark.usefixtures("plain_lock")
def test_a_package_that_nobody_has_is_named_with_what_uv_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # No index is asked, so that uv says the same with a network and without; all that Pixmill brings is in its cache.
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(EnvironmentFailed, match=r"pixmill-no-such-package-exists was not found"):
        lock(Header(dependencies=("pixmill-no-such-package-exists==99",)))


def test_equal_locks_share_one_read_only_environment(plain_environment: Environment, plain_lock: bytes) -> None:
    root = plain_environment.folder.parent
    assert build(plain_lock, pack_sdk(root), root) == plain_environment
    assert not plain_environment.folder.stat().st_mode & 0o222
    assert not (plain_environment.folder / "pyvenv.cfg").stat().st_mode & 0o222


def test_an_environment_has_the_sdk_and_nothing_of_the_server(plain_environment: Environment) -> None:
    ask = "import importlib.util as u, pixmill; print(pixmill.__file__, u.find_spec('pydantic'), u.find_spec('httpx2'))"
    said = subprocess.run([plain_environment.python, "-c", ask], capture_output=True, check=True, text=True).stdout
    assert said.startswith(str(plain_environment.folder))
    assert said.strip().endswith("None None")


def test_the_sdks_wheel_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    assert pack_sdk(tmp_path).read_bytes() == pack_sdk(tmp_path / "again").read_bytes()


def test_two_builders_of_one_environment_make_it_once(tmp_path: Path, plain_lock: bytes) -> None:
    wheel = pack_sdk(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: build(plain_lock, wheel, tmp_path / "envs"), range(2)))
    assert made[0] == made[1]
    assert [path.name for path in (tmp_path / "envs").iterdir() if not path.name.startswith(".")] == [made[0].digest]
    remove(made[0])
    assert not made[0].folder.exists()


@pytest.mark.parametrize("tier", ["bubblewrap", "landlock", "none"])
def test_a_schema_is_read_in_the_environment_and_in_the_sandbox(
    tier: str, plain_environment: Environment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if tier == "bubblewrap":
        request.getfixturevalue("bubblewrap")
    source = tmp_path / "tag_all.py"
    source.write_text(TAGGING)
    schema = processing_schema(plain_environment, source, sandbox=tier)
    assert (schema["name"], schema["parameters"][0]["default"]) == ("tag-all", "seen")


def test_a_file_that_cannot_be_imported_is_refused_with_its_traceback(
    plain_environment: Environment, tmp_path: Path
) -> None:
    source = tmp_path / "broken.py"
    source.write_text("import no_such_module\n")
    with pytest.raises(ProcessingError, match="No module named 'no_such_module'"):
        processing_schema(plain_environment, source)


FORGED = """
import json, os, sys
answer = {"schema": %s}
os.write(int(sys.argv[-1]), json.dumps(answer).encode())
os._exit(0)
"""
HONEST = {
    "name": "forged",
    "title": "T",
    "description": "D",
    "kind": "tagging",
    "form": "version",
    "entry": "Forged",
    "batch_size": 0,
    "takes": {},
    "parameters": [],
    "requires_network": False,
    "secrets": [],
    "new_version": "",
    "reads_annotations": False,
}
PARAMETER = spec_to_json(ParameterSpec("a", ParameterType.INT))
IMAGE = {"name": "x", "contract": "folders", "client": ["/bin/sh", "-c", "id"]}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({**HONEST, "image": IMAGE}, "image"),
        ({key: value for key, value in HONEST.items() if key != "parameters"}, "parameters"),
        ({**HONEST, "parameters": [{"name": "a"}]}, "type"),
        ({**HONEST, "parameters": [{**PARAMETER, "type": "colour"}]}, "colour"),
        ({**HONEST, "parameters": [PARAMETER, PARAMETER]}, "fit together"),
        ({**HONEST, "takes": {"model": {"type": "model", "task": "", "frameworks": []}}}, "fit together"),
        ({**HONEST, "name": "../up"}, "name"),
        ({**HONEST, "batch_size": True}, "batch_size"),
        ({**HONEST, "new_version": "overwrite"}, "new_version"),
        ({**HONEST, "secrets": ["LD_PRELOAD"]}, "LD_PRELOAD"),
        ([], "object"),
    ],
)
def test_a_file_that_writes_its_schema_itself_is_refused(
    schema: object, why: str, plain_environment: Environment, tmp_path: Path
) -> None:
    source = tmp_path / "forged.py"
    source.write_text(FORGED % repr(schema))
    with pytest.raises(ProcessingError) as refused:
        processing_schema(plain_environment, source)
    assert why in str(refused.value)


def test_what_is_believed_has_the_fields_of_a_schema_and_no_other() -> None:
    assert set(DescribedProcessing.__struct_fields__) == ProcessingSchema.__required_keys__
    assert read_answer(json.dumps({"schema": {**HONEST, "parameters": [PARAMETER]}}).encode()) is not None


@pytest.mark.parametrize("answer", [b"{", b"[" * 100_000, b"{}", b"\xff", b'{"schema": {"name": NaN}}'])
def test_an_answer_that_is_no_json_is_refused(answer: bytes) -> None:
    with pytest.raises(ProcessingError):
        read_answer(answer)


def test_a_file_that_declares_nothing_is_refused(plain_environment: Environment, tmp_path: Path) -> None:
    source = tmp_path / "empty.py"
    source.write_text("x = 1\n")
    with pytest.raises(ProcessingError, match="declares no Processing"):
        processing_schema(plain_environment, source)
