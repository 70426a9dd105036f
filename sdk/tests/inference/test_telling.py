import json
import subprocess
import sys
from pathlib import Path
from typing import Any

DETECTOR = Path(__file__).parents[3] / "sample" / "street_yolo.onnx"


def told(file: Path, labels: list[str]) -> Any:
    command = [sys.executable, "-m", "pixmill.inference.telling", str(file)]
    return json.loads(
        subprocess.run(command, input=json.dumps(labels).encode(), capture_output=True, check=True).stdout
    )


def test_a_file_is_told_in_a_process_of_its_own() -> None:
    said = told(DETECTOR, [])
    assert said["said"]["task"] == "detection"
    assert said["said"]["labels"][0] == "person"
    assert "yolox" in said["families"]


def test_a_pickle_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "a.pt"
    file.write_bytes(b"\x80\x02")
    answer = told(file, [])
    assert "would run code" in answer["refused"]
    assert ".onnx" in answer["hint"]
