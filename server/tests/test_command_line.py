"""The command line against a real server, each command a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pixmill import Client
from tests.running_server import RunningServer

Done = subprocess.CompletedProcess[str]
Pixmill = Callable[..., Done]


@pytest.fixture
def pixmill(server: RunningServer, tmp_path: Path) -> Pixmill:
    def run(*arguments: str, token: str = server.owner.token, url: str = server.url) -> Done:
        environment = {"HOME": str(tmp_path), "PIXMILL_URL": url, "PIXMILL_TOKEN": token, "PATH": os.environ["PATH"]}
        command = [sys.executable, "-c", "from pixmill.cli.main import main; main()", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_ls_prints_an_array_with_json(pixmill: Pixmill) -> None:
    (local,) = json.loads(pixmill("computes", "ls", "--json").stdout)
    assert local["name"] == "local"


def test_ls_prints_columns_for_other_programs_where_there_is_no_terminal(pixmill: Pixmill) -> None:
    header, row = pixmill("computes", "ls").stdout.splitlines()
    assert header.split("\t")[:2] == ["NAME", "EXECUTOR"]
    assert row.split("\t")[:2] == ["local", "process"]


def test_set_takes_sizes_as_people_write_them(pixmill: Pixmill) -> None:
    done = pixmill("computes", "set", "local", "--cpus", "1", "--memory", "8GiB", "--price", "0.40", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["memory_bytes"] == 8 << 30


def test_an_unknown_name_is_one_message_and_exit_code_1(pixmill: Pixmill) -> None:
    done = pixmill("computes", "show", "moon")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "pixmill: There is no Compute 'moon'. See what there is with `pixmill computes ls`.\n"


def test_wrong_use_is_exit_code_2(pixmill: Pixmill) -> None:
    done = pixmill("computes", "show")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Missing argument" in done.stderr


def test_a_server_that_does_not_answer_is_exit_code_4(pixmill: Pixmill) -> None:
    done = pixmill("computes", "ls", url="http://127.0.0.1:9")
    assert done.returncode == 4
    assert "No answer from http://127.0.0.1:9" in done.stderr
    assert "pixmill up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refused_token_says_what_to_do(pixmill: Pixmill) -> None:
    done = pixmill("computes", "ls", token="pxm_made-up")
    assert done.returncode == 1
    assert "pixmill login" in done.stderr


def test_a_value_that_cannot_be_is_refused_before_anything_is_sent(pixmill: Pixmill) -> None:
    done = pixmill("computes", "set", "local", "--price", "-1")
    assert done.returncode == 1
    assert "'price_per_hour' cannot be -1.0" in done.stderr


def test_what_is_not_a_pixmill_server_is_said_so(pixmill: Pixmill, server: RunningServer) -> None:
    done = pixmill("computes", "ls", url=f"{server.url}/elsewhere")
    assert done.returncode == 1
    assert "PIXMILL_URL" in done.stderr or "There is no" in done.stderr or "Not Found" in done.stderr


def test_a_model_is_pushed_with_what_its_file_does_not_say(pixmill: Pixmill, test_data: Path) -> None:
    file = str(test_data / "models" / "yolox_nano.onnx")
    without = pixmill("models", "push", file, "--to", "smart-city-yolo/1", "--task", "detection")
    assert (without.returncode, without.stdout) == (1, "")
    assert "--labels FILE" in without.stderr
    classes = str(test_data / "models" / "coco_classes.txt")
    done = pixmill("models", "push", file, "--to", "smart-city-yolo/1", "--labels", classes, "--json")
    assert done.returncode == 0, done.stderr
    pushed = json.loads(done.stdout)
    assert (pushed["task"], pushed["framework"], pushed["parameters"]["input_size"]) == (
        "detection",
        "onnx",
        [416, 416],
    )
    assert len(pushed["labels"]) == 80
    shown = json.loads(pixmill("models", "show", "smart-city-yolo/1", "--json").stdout)
    assert shown == pushed
    (model,) = json.loads(pixmill("models", "ls", "--json").stdout)
    assert model["name"] == "smart-city-yolo"


def test_a_model_that_says_everything_needs_no_options(pixmill: Pixmill, test_data: Path) -> None:
    for suffix in ("onnx", "tflite"):
        done = pixmill("models", "push", str(test_data / "models" / f"yolov8n_int8.{suffix}"), "--to", suffix, "--json")
        assert done.returncode == 0, done.stderr
        pushed = json.loads(done.stdout)
        assert (pushed["address"], pushed["task"], pushed["labels"][0]) == (f"{suffix}/1", "detection", "person")


def test_a_missing_file_is_named(pixmill: Pixmill) -> None:
    done = pixmill("models", "push", "/nowhere/model.onnx", "--to", "x/1")
    assert done.returncode == 1
    assert "There is no file '/nowhere/model.onnx'" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("model.onnx", b"not a model", "'model.onnx' is not an ONNX file"),
        ("model.tflite", b"not a model", "'model.tflite'"),
        ("model.pt", b"\x80\x02}q\x00.", "'model.pt' is a pickle"),
    ],
)
def test_a_model_file_that_is_none_is_refused_before_it_is_sent(
    pixmill: Pixmill, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "labels.txt").write_text("person\n")
    arguments = ("--to", "x/1", "--task", "detection", "--labels", str(tmp_path / "labels.txt"))
    done = pixmill("models", "push", str(tmp_path / name), *arguments, url="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_processings_are_listed_shown_and_set(pixmill: Pixmill) -> None:
    names = {one["name"] for one in json.loads(pixmill("processings", "ls", "--json").stdout)}
    assert {"yolo-preannotation", "tensorflow-preannotation"} <= names
    assert pixmill("processings", "set", "yolo-preannotation", "-p", "batch_size=16").returncode == 0
    assert (
        "batch_size: int 1 to 4096, default 8, set to 16" in pixmill("processings", "show", "yolo-preannotation").stdout
    )
    refused = pixmill("processings", "set", "yolo-preannotation", "-p", "confidence=2")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Parameter 'confidence' cannot be 2" in refused.stderr


def test_the_hub_is_listed(pixmill: Pixmill) -> None:
    listed = json.loads(pixmill("hub", "ls", "--json").stdout)
    assert {"yolox-nano", "yolox-tiny", "yolox-s"} <= {model["name"] for model in listed}


def test_versions_and_labels_from_the_command_line(pixmill: Pixmill, server: RunningServer) -> None:
    with Client(server.url, server.owner.token) as client:
        client.versions.create("street/v1")
    assert pixmill("labels", "set", "street/v1", "person", "car").returncode == 0
    assert pixmill("labels", "rename", "street/v1", "car", "vehicle").returncode == 0
    assert [label["name"] for label in json.loads(pixmill("labels", "ls", "street/v1", "--json").stdout)] == [
        "person",
        "vehicle",
    ]
    forked = json.loads(pixmill("datasets", "fork", "street/v1", "street/v2", "--json").stdout)
    assert forked["forked_from"] == "street/v1@3"
    assert json.loads(pixmill("datasets", "revert", "street/v1", "2", "--json").stdout)["revision"] == 4
    history = json.loads(pixmill("datasets", "history", "street/v1", "--json").stdout)
    assert [revision["number"] for revision in history] == [4, 3, 2, 1]
    assert len(json.loads(pixmill("datasets", "ls", "--json").stdout)) == 2
    assert "street/v1@4" in pixmill("datasets", "show", "street/v1").stdout
    unknown = pixmill("datasets", "show", "moon/v1")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "moon/v1" in unknown.stderr
