"""Runs of Processings that are images, in real containers under a real supervisor."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from pixmill.environments import Environment
from pixmill.runtime import supervisor as runtime_supervisor
from pixmill_server.executors.container import CLIENT
from pixmill_server.executors.container import __main__ as container_client
from pixmill_server.executors.container.engine import NOBODY, OWNER, ContainerSpec, make_container, remove
from tests.podman import Podman
from tests.run_server import PATIENCE_SECONDS, FakeRun, make_run, serving, supervising

SOURCE = '''"""Look around, and box every image."""
import json, os, socket, subprocess, sys, time
from pixmill.annotations import BoundingBox
from pixmill.authoring import *

@processing(kind="pre-annotation", batch_size=4)
class Boxes:
    def __init__(self):
        status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
        refused = []
        def fill():
            with open("/pixmill/scratch/large", "wb") as file:
                file.truncate(51 << 20)
        for name, call in {
            "file": fill,
            "root": lambda: open("/new", "w"),
            "network": lambda: socket.create_connection(("127.0.0.1", int(%r)), 2),
            "memory": lambda: bytearray(10 << 30),
        }.items():
            try:
                call()
            except (OSError, MemoryError):
                refused.append(name)
        open("/pixmill/scratch/mine", "w").write("allowed")
        print(json.dumps({"caps": status["CapBnd"].strip(), "uid": os.getuid(), "refused": refused,
                          "no_new": status["NoNewPrivs"].strip()}))
    def __call__(self, batch):
        for asset in batch.assets:
            yield asset.annotate(BoundingBox(1, 2, 3, 4), label="car", score=0.5)
            yield asset.derive(f"new/{asset.path}", b"an image")
'''


@pytest.fixture
def image_of(podman: Podman) -> Callable[..., dict[str, Any]]:
    """What a worker says of an image."""

    def placed(tmp_path: Path, contract: str, **more: Any) -> dict[str, Any]:
        return {
            "client": list(CLIENT),
            "engine": podman.address,
            "image": podman.plain_image,
            "owner": str(tmp_path / "scratch"),
            "contract": contract,
            **more,
        }

    return placed


@pytest.fixture(autouse=True)
def nothing_is_left(podman: Podman, tmp_path: Path) -> Iterator[None]:
    yield
    until = time.monotonic() + PATIENCE_SECONDS
    while containers_of(podman, tmp_path):
        assert time.monotonic() < until, "a container was left behind"
        time.sleep(0.1)


def containers_of(podman: Podman, tmp_path: Path) -> list[Any]:
    return list(
        podman.client.containers.list(all=True, sparse=True, filters={"label": f"{OWNER}={tmp_path / 'scratch'}"})
    )


def run_image(run: FakeRun, image: dict[str, Any], tmp_path: Path) -> FakeRun:
    nowhere = Environment(tmp_path, "")
    with serving(run) as url, supervising(url, nowhere, tmp_path, tmp_path / "scratch", image=image) as supervisor:
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    return run


def test_an_image_with_the_sdk_runs_shut_in_and_its_results_are_staged(
    podman: Podman, sdk_image: str, tmp_path: Path, image_of: Callable[..., dict[str, Any]]
) -> None:
    code = {"/app/processing.py": (SOURCE % 80).encode()}
    name = "localhost/pixmill-test-boxes:1"
    podman.add_layer(sdk_image, name, code)
    image = image_of(
        tmp_path,
        "sdk",
        image=name,
        source="/app/processing.py",
        command=[sys.executable],
        environment={"PYTHONPATH": "/opt/pixmill"},
    )
    limits = {"cpus": 1, "memory_bytes": 500 << 20, "processes": 100, "scratch_bytes": 50 << 20}
    run = make_run(tmp_path / "images", images=6, limits=limits)
    run.plan["processing"]["new_version"] = "fork"
    run_image(run, image, tmp_path)
    assert run.finished is not None
    assert run.finished["error"] is None, run.text
    assert run.finished["ledger_complete"]
    assert [(row.label, row.score) for row in run.rows()] == [("car", 0.5)] * 6
    assert [each["path"] for each in run.outcomes("added")] == [f"new/000{number}.jpg" for number in range(6)]
    assert [*run.images.values()] == [b"an image"]
    seen = json.loads(run.text)
    assert int(seen["caps"], 16) == 0
    assert seen["uid"] == 65534
    assert seen["no_new"] == "1"
    assert seen["refused"] == ["file", "root", "network", "memory"]
    assert run.started is not None
    assert run.started["sandbox"]["tier"] == "container"
    assert run.started["sandbox"]["limits"]["memory"] == "cgroup"


def test_the_socket_of_a_container_may_lie_deeper_than_the_name_of_a_socket_is_long(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["deep" * 10] * 4)
    deep.mkdir(parents=True)
    with container_client._listen(deep / "shared"):
        assert (deep / "shared" / "supervisor").is_socket()
        assert len(f"{deep}/shared/supervisor") > 108


WAITS = """
import time
from pixmill.authoring import *

@processing(kind="pre-annotation")
class Waits:
    def __init__(self):
        print("ready")
        time.sleep(100_000)
    def __call__(self, batch): ...
"""


def test_another_user_of_this_machine_does_not_come_to_the_socket_of_a_container(
    podman: Podman, sdk_image: str, tmp_path: Path, image_of: Callable[..., dict[str, Any]]
) -> None:
    name = "localhost/pixmill-test-waits:1"
    podman.add_layer(sdk_image, name, {"/app/processing.py": WAITS.encode()})
    more = {"source": "/app/processing.py", "command": [sys.executable], "environment": {"PYTHONPATH": "/opt/pixmill"}}
    run, nowhere = make_run(tmp_path / "images", images=1), Environment(tmp_path, "")
    image = image_of(tmp_path, "sdk", image=name, **more)
    with serving(run) as url, supervising(url, nowhere, tmp_path, tmp_path / "scratch", image=image) as supervisor:
        run.wait_for(lambda run: b"ready" in run.log)
        (folder,) = tmp_path.rglob("socket-*")
        assert folder.stat().st_mode & 0o077 == 0
        # Only root can try it as somebody else.
        if os.getuid() == 0:
            assert refusal_to_another_user(folder, "shared/supervisor") is PermissionError
            # It is the folder around it that keeps them away; the container has been the first, and nobody listens.
            assert refusal_to_another_user(folder / "shared", "supervisor") is ConnectionRefusedError
        run.cancel = True
        supervisor.wait(PATIENCE_SECONDS)


def refusal_to_another_user(folder: Path, name: str) -> type[OSError] | None:
    """What somebody meets who stands in a folder, as if all folders above it were open to everybody, and connects."""
    refusals = (PermissionError, ConnectionRefusedError)
    child = os.fork()
    if child == 0:
        met = len(refusals)
        try:
            os.chdir(folder)
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            socket.socket(socket.AF_UNIX).connect(name)
        except refusals as error:
            met = refusals.index(type(error))
        finally:
            os._exit(met)
    met = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return refusals[met] if met < len(refusals) else None


def test_a_supervisor_waits_for_the_client_of_a_container_until_it_has_ended_it() -> None:
    needs_seconds = container_client._TERM_SECONDS + container_client._OUTPUT_SECONDS
    assert needs_seconds < runtime_supervisor._CONTAINER_GRACE_SECONDS


@pytest.mark.parametrize("user", ["", "root", "0:0", "00", "root:root"])
def test_root_of_an_image_is_nobody(podman: Podman, user: str, tmp_path: Path) -> None:
    spec = ContainerSpec(podman.address, podman.plain_image, str(tmp_path / "scratch"), ["/bin/true"], user=user)
    container = make_container(podman.client, spec, stdin=False)
    try:
        container.reload()
        assert container.attrs["Config"]["User"] == NOBODY
    finally:
        remove(container)


def test_an_output_with_a_link_in_it_is_refused(tmp_path: Path, image_of: Callable[..., dict[str, Any]]) -> None:
    command = [sys.executable, "-c", "import os; os.symlink('/etc/passwd', '/pixmill/output/annotations.json')"]
    run = run_image(make_run(tmp_path / "images", images=1), image_of(tmp_path, "folders", command=command), tmp_path)
    assert run.finished is not None
    assert "is a link" in run.finished["error"]["message"]


FOLDER_COMMAND = """
import json, os
images = sorted(os.listdir("/pixmill/input/images"))
parameters = json.load(open("/pixmill/input/parameters.json"))
print("working on", len(images), "with", parameters)
boxes = [{"id": n + 1, "image_id": n, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0, "score": 0.25}
         for n in range(len(images))]
coco = {"images": [{"id": n, "file_name": name, "width": 64, "height": 48} for n, name in enumerate(images)],
        "categories": [{"id": 1, "name": "car"}], "annotations": boxes}
json.dump(coco, open("/pixmill/output/annotations.json", "w"))
json.dump({images[0]: ["first"]}, open("/pixmill/output/tags.json", "w"))
"""


def test_a_command_that_knows_nothing_of_pixmill_reads_a_folder_and_writes_coco(
    tmp_path: Path, image_of: Callable[..., dict[str, Any]]
) -> None:
    image = image_of(tmp_path, "folders", command=[sys.executable, "-c", FOLDER_COMMAND])
    run = make_run(tmp_path / "images", images=10, parameters={"threshold": 0.5})
    run_image(run, image, tmp_path)
    assert run.text == "working on 10 with {'threshold': 0.5}\n"
    assert run.finished is not None
    assert run.finished["error"] is None
    assert run.finished["ledger_complete"]
    assert [(row.label, row.score) for row in run.rows()] == [("car", 0.25)] * 10
    assert run.staged[0]["tags"] == {"asset-0000": ["first"]}


def test_a_command_that_fails_fails_the_run_with_its_exit_code(
    tmp_path: Path, image_of: Callable[..., dict[str, Any]]
) -> None:
    image = image_of(tmp_path, "folders", command=["/bin/sh", "-c", "echo no; exit 3"])
    run = run_image(make_run(tmp_path / "images", images=1), image, tmp_path)
    assert run.finished is not None
    assert run.finished["error"]["message"] == "The image's command ended with exit code 3."
    assert run.text == "no\n"
    assert not run.finished["ledger_complete"]


def test_what_a_command_leaves_that_is_no_coco_fails_the_run(
    tmp_path: Path, image_of: Callable[..., dict[str, Any]]
) -> None:
    command = ["/bin/sh", "-c", 'echo \'{"images": [1], "annotations": 3\' > /pixmill/output/annotations.json']
    run = run_image(make_run(tmp_path / "images", images=1), image_of(tmp_path, "folders", command=command), tmp_path)
    assert run.finished is not None
    assert run.finished["error"] is not None
    assert not run.finished["ledger_complete"]


@pytest.mark.parametrize("end", ["cancelled", "killed"])
def test_a_container_is_soon_gone_after_its_run_or_its_supervisor(
    end: str, podman: Podman, tmp_path: Path, image_of: Callable[..., dict[str, Any]]
) -> None:
    mark = f"31536002.{os.getpid()}"
    image = image_of(tmp_path, "folders", command=["/bin/sh", "-c", f"trap '' TERM; echo ready; /bin/sleep {mark}"])
    run = make_run(tmp_path / "images", images=1)
    nowhere = Environment(tmp_path, "")
    with serving(run) as url, supervising(url, nowhere, tmp_path, tmp_path / "scratch", image=image) as supervisor:
        run.wait_for(lambda run: b"ready" in run.log)
        if end == "cancelled":
            run.cancel = True
        else:
            supervisor.kill()
        until = time.monotonic() + PATIENCE_SECONDS
        while running(mark):
            assert time.monotonic() < until
            time.sleep(0.05)
        supervisor.wait(PATIENCE_SECONDS)


def running(mark: str) -> bool:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if mark in process.cmdline():
                return True
    return False
