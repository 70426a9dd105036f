"""Server, worker and browser where there is no network but loopback: all of it works, and nobody looks for more."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pixmill.environments import Environment
from tests.e2e.conftest import EXPECTED

ROOT = Path(__file__).parents[2]


@pytest.fixture
def observed(bubblewrap: Path, chromium: Path, plain_environment: Environment, tmp_path: Path) -> dict[str, Any]:
    """What was seen in a network namespace of its own; the packages of its Run lie on this machine already."""
    assert plain_environment.folder.is_dir()
    # As root, bubblewrap gives its capabilities up unless it is told not to; then it could make no namespace within.
    capabilities = ["--cap-add", "ALL"] if os.geteuid() == 0 else []
    namespace = [str(bubblewrap), "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent", *capabilities, "--"]
    story = [sys.executable, "-m", "tests.e2e.loopback", str(tmp_path), str(chromium)]
    done = subprocess.run([*namespace, *story], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_neither_the_browser_nor_the_server_sends_anything_that_leaves_the_machine(observed: dict[str, Any]) -> None:
    assert (observed["left"], observed["would_be_seen"]) == (0, True)
    assert observed["requested"] == [observed["server"]]
    assert [said for said in observed["complaints"] if not said.startswith(EXPECTED)] == []
    assert observed["job"] == "failed"
    # An unknown address, and code that is not one's own.
    assert {path: status for path, status in observed["pages"].items() if status != 200} == {
        "/datasets/no/where": 404,
        "/processings/yolo-preannotation/edit": 403,
    }
