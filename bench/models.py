"""The detectors that benchmarks run: real ones where the tests' data is, otherwise none."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_data() -> Path | None:
    """The folder of real photographs and models; None where the machine does not have it."""
    folder = Path(os.environ.get("PIXMILL_TEST_DATA") or ROOT.parent / "shared" / "data")
    return folder if (folder / "README.md").is_file() else None


def real_models() -> dict[str, Path]:
    """By name; empty without the tests' data."""
    folder = test_data()
    return {path.stem: path for path in sorted((folder / "models").glob("*.onnx"))} if folder else {}


def class_names() -> tuple[str, ...]:
    """Of the real models, in their order."""
    folder = test_data()
    return tuple((folder / "models" / "coco_classes.txt").read_text().splitlines()) if folder else ()
