import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pixmill.authoring.schema import read_schema
from pixmill.errors import ProcessingError

HEADER = '''"""Tag what is dark.

Looks at the mean of all pixels.
"""
from collections.abc import Iterator
from typing import Annotated, Literal
from pixmill.authoring import *
'''


@pytest.fixture
def module() -> Iterator[ModuleType]:
    made = ModuleType("tag_dark")
    sys.modules["tag_dark"] = made
    yield made
    del sys.modules["tag_dark"]


def load(module: ModuleType, source: str) -> ModuleType:
    exec(compile(HEADER + source, str(Path("tag_dark.py")), "exec"), module.__dict__)  # noqa: S102 - a Processing is code
    return module


def test_a_callable_class_makes_a_batch_form_with_types_ranges_defaults_and_help(module: ModuleType) -> None:
    source = '''
@processing(kind="tagging", batch_size=4)
class TagDarkImages:
    """Tags.

    below: the mean, 0 to 255,
      under which an image is dark
    """
    def __init__(self, model: Annotated[ModelVersion, Takes(task="detection", frameworks=("onnx",))], *,
                 below: Annotated[float, Between(0, 255)] = 40, mode: Literal["mean", "median"] = "mean",
                 names: list[str] = ["dark"], label: Label | None = None) -> None: ...
    def __call__(self, batch: Batch) -> Iterator[Change]: ...
'''
    schema = read_schema(load(module, source))
    assert schema["name"] == "tag-dark-images"
    assert schema["entry"] == "TagDarkImages"
    assert schema["title"] == "Tag what is dark"
    assert schema["description"].endswith("Looks at the mean of all pixels.")
    assert (schema["kind"], schema["form"], schema["requires_network"]) == ("tagging", "batch", False)
    assert schema["takes"] == {"model": {"type": "model", "task": "detection", "frameworks": ["onnx"]}}
    written = {parameter["name"]: parameter for parameter in schema["parameters"]}
    assert list(written) == ["model", "below", "mode", "names", "label", "batch_size"]
    assert written["model"]["required"]
    below = written["below"]
    assert (below["type"], below["default"], below["minimum"], below["maximum"]) == ("float", 40.0, 0, 255)
    assert below["help"] == "the mean, 0 to 255, under which an image is dark"
    assert (written["mode"]["type"], written["mode"]["choices"]) == ("choice", ["mean", "median"])
    assert (written["names"]["type"], written["names"]["item"], written["names"]["default"]) == (
        "list",
        "str",
        ["dark"],
    )
    assert (written["label"]["type"], written["label"]["optional"]) == ("label", True)
    assert written["batch_size"]["default"] == 4


def test_a_function_makes_a_whole_version_form(module: ModuleType) -> None:
    source = '''
@processing(kind="curation", network=True)
def find_duplicates(ctx: Context, dataset: DatasetVersion, *, distance: int = 4) -> None:
    """distance: bits that may differ"""
'''
    schema = read_schema(load(module, source))
    assert (schema["name"], schema["form"], schema["batch_size"]) == ("find-duplicates", "version", 0)
    assert schema["requires_network"]
    assert [(p["name"], p["help"]) for p in schema["parameters"]] == [("distance", "bits that may differ")]


def test_another_version_is_a_parameter(module: ModuleType) -> None:
    source = '''
@processing(kind="curation")
def compare(ctx: Context, dataset: DatasetVersion, *, reference: DatasetVersion, older: DatasetVersion | None = None):
    """reference: what it is compared with"""
'''
    told = {
        p["name"]: (p["type"], p["required"], p["optional"]) for p in read_schema(load(module, source))["parameters"]
    }
    assert told == {"reference": ("dataset_version", True, False), "older": ("dataset_version", False, True)}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1", "declares no Processing"),
        ("@processing(kind='a')\nclass A:\n    pass", "Class 'A' cannot be called"),
        (
            "\n".join(f"@processing(kind='a')\nclass {name}:\n    __call__ = print" for name in "AB"),
            "declares 2 Processings: A, B",
        ),
        ("@processing(kind='a')\ndef f(dataset): ...", "takes 1 positional arguments"),
        (
            "@processing(kind='a')\ndef f(ctx, dataset, *, x): ...",
            "Parameter 'x' has no type",
        ),
        ("@processing(kind='a')\ndef f(ctx, dataset, *, x: dict = {}): ...", "'x' cannot be of type"),
        (
            "@processing(kind='a')\ndef f(ctx, dataset, *, x: list[DatasetVersion]): ...",
            "'x' is a list of DatasetVersions",
        ),
        ("@processing(kind='a')\ndef f(ctx, dataset, *, x: int = 'a'): ...", "Its default does not fit"),
        ("@processing(kind='a')\ndef f(ctx, dataset, *, batch_size: int = 1): ...", "'batch_size' of its own"),
        ("@processing(kind='a')\ndef f(ctx, dataset, **rest: int): ...", "takes \\*rest"),
        ("@processing(kind='a', batch_size=0)\nclass A:\n    def __call__(self, batch): ...", "cannot have 0 images"),
    ],
)
def test_what_cannot_be_a_processing_is_refused_with_the_reason(module: ModuleType, source: str, message: str) -> None:
    with pytest.raises(ProcessingError, match=message):
        read_schema(load(module, source))
