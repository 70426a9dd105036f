"""What every built-in Processing keeps, found by its file; nothing here names one."""

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import get_args, get_type_hints

import pytest

from pixmill.authoring.schema import find_processing, name_of, parameters_of
from pixmill.environments import CHILD_REQUIREMENTS, parse_header
from pixmill.inference.available import engine_names
from pixmill.inference.families import all_families

FILES = sorted(path for path in Path(__file__).parents[1].glob("*.py") if not path.name.startswith("_"))
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each_file
def test_it_is_called_as_its_file(file: Path) -> None:
    entry, _ = find_processing(load(file))

    assert name_of(entry) == file.stem.replace("_", "-")


@each_file
def test_every_parameter_has_a_help_and_all_but_the_model_a_default(file: Path) -> None:
    _, code = find_processing(load(file))

    for parameter in parameters_of(code):
        assert parameter.help, parameter.name
        assert parameter.required == (parameter.name == "model"), parameter.name


@each_file
def test_it_offers_every_family_and_only_engines_that_there_are(file: Path) -> None:
    _, code = find_processing(load(file))
    hints = get_type_hints(vars(inspect.unwrap(code))["__init__"])

    if "family" in hints:
        assert set(get_args(hints["family"])) == {"auto", *all_families()}
    if "engine" in hints:
        assert set(get_args(hints["engine"])) <= {"auto", *engine_names()}


@each_file
def test_its_lock_holds_every_dependency_with_hashes_and_no_address(file: Path) -> None:
    locked = file.with_suffix(".lock").read_text()
    header = parse_header(file.read_text())

    for requirement in (*header.dependencies, *CHILD_REQUIREMENTS):
        name = re.split(r"[<>=]", requirement)[0]
        assert re.search(rf"^{re.escape(name)}==\S+ (; .* )?\\\n    --hash=sha256:", locked, re.MULTILINE), name
    assert "://" not in locked
    assert "pixmill" not in locked
