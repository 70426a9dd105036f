"""The import contracts hold, name every package, and would notice a violation of each."""

import shutil
import tomllib
from pathlib import Path

import pytest

from tools.lint_imports import ROOT, SOURCE_FOLDERS, lint

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# For each contract, imports that break it: (the module that imports, what it imports).
VIOLATIONS = {
    "server-layers": [("pixmill_server.kernel.planted", "pixmill_server.db.planted_target")],
    "sdk-layers": [
        ("pixmill.annotations.planted", "pixmill.client.planted_target"),
        ("pixmill.runtime.planted", "pixmill.cli.planted_target"),
    ],
    "sdk-without-server": [("pixmill.inference.planted", "pixmill_server.kernel.planted_target")],
    "server-vocabulary": [("pixmill_server.jobs.planted", "pixmill.inference.planted_target")],
    "wire-at-the-edge": [("pixmill_server.jobs.planted", "pixmill.wire.planted_target")],
    "executors-behind-worker": [("pixmill_server.jobs.planted", "pixmill_server.executors.planted_target")],
    "features-without-framework": [("pixmill_server.jobs.planted", "fastapi")],
    "no-sql-at-the-edge": [("pixmill_server.web.planted", "sqlalchemy")],
    "pure-decisions": [("pixmill.annotations.planted", "os")],
    "acyclic": [
        ("pixmill_server.kernel.planted", "pixmill_server.kernel.planted_target"),
        ("pixmill_server.kernel.planted_target", "pixmill_server.kernel.planted"),
    ],
    "settings-read-once": [("pixmill_server.jobs.planted", "pixmill_server.settings.planted_target")],
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the repository's sources and configuration, to plant violations in."""
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for folder in SOURCE_FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "bundle*"))
    return tmp_path


def test_the_contracts_hold() -> None:
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract["id"] for contract in CONTRACTS} == set(VIOLATIONS)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["id"])
def test_a_planted_violation_is_caught(contract: dict[str, str], tree: Path) -> None:
    for importer, imported in VIOLATIONS[contract["id"]]:
        plant(tree, importer, f"import {imported}\n")
        if imported.startswith("pixmill"):
            plant(tree, imported, "")
    outcome = lint(tree)
    # import-linter breaks long lines.
    assert f"{contract['name']} BROKEN" in " ".join(outcome.stdout.split()), outcome.stdout + outcome.stderr


@pytest.mark.parametrize("package", ["pixmill", "pixmill_server"])
def test_a_package_that_no_layer_names_is_refused(package: str, tree: Path) -> None:
    plant(tree, "pixmill_server.kernel", "")
    plant(tree, f"{package}.unplaced.planted", "")
    outcome = lint(tree)
    assert outcome.returncode != 0
    assert f"{package}.unplaced" in outcome.stdout


def plant(tree: Path, module: str, line: str) -> None:
    """Add a line to a module, which is made where it does not exist, and its packages with it."""
    folder = ROOT / SOURCE_FOLDERS[module.startswith("pixmill_server")]
    path = tree / folder.relative_to(ROOT) / Path(*module.split("."))
    package = path.parent
    if package.with_suffix(".py").is_file():
        package.mkdir()
        package.with_suffix(".py").rename(package / "__init__.py")
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").touch()
    with path.with_suffix(".py").open("a") as source:
        source.write(line)
