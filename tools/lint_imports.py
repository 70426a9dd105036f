"""Run the import contracts of pyproject.toml on a source tree.

import-linter refuses names of packages that do not exist, and the contracts name the whole design: what is not built
yet is left out here. A contract of which nothing is left to check is not run, and said.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE_FOLDERS = ("sdk/src", "server/src")
NAME_LISTS = ("modules", "source_modules", "forbidden_modules", "protected_modules", "allowed_importers", "ancestors")
NEEDED_LISTS = ("layers", "source_modules", "forbidden_modules", "protected_modules", "ancestors")


def main() -> int:
    """Lint this repository; the exit code is import-linter's."""
    outcome = lint(ROOT)
    sys.stdout.write(outcome.stdout)
    sys.stderr.write(outcome.stderr)
    return outcome.returncode


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of `tree/pyproject.toml` on the sources below `tree`."""
    paths = [str(tree / folder) for folder in SOURCE_FOLDERS]
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
        config.write(render_config(tree))
        config.flush()
        return subprocess.run(
            [str(Path(sys.executable).with_name("lint-imports")), "--config", config.name, "--no-cache"],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=False,
        )


def render_config(tree: Path) -> str:
    """import-linter's configuration for what exists in `tree`."""
    config = tomllib.loads((tree / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = config.pop("contracts")
    lines = ["[tool.importlinter]", *_assignments(config)]
    for contract in contracts:
        reduced = reduce_contract(contract, tree)
        if any(key in contract and not reduced[key] for key in NEEDED_LISTS):
            sys.stderr.write(f"not checked yet, nothing of it is built: {contract['id']}\n")
            continue
        lines += ["[[tool.importlinter.contracts]]", *_assignments(reduced)]
    return "\n".join(lines) + "\n"


def reduce_contract(contract: Mapping[str, object], tree: Path) -> dict[str, object]:
    """The contract without the modules and layers of ours that `tree` does not have."""
    reduced = dict(contract)
    for key in NAME_LISTS:
        names = contract.get(key)
        if isinstance(names, list):
            reduced[key] = [name for name in names if exists(name, tree)]
    containers, layers = contract.get("containers"), contract.get("layers")
    if isinstance(containers, list) and isinstance(layers, list):
        kept = (list(_present_siblings(layer, containers[0], tree)) for layer in layers)
        reduced["layers"] = [" | ".join(siblings) for siblings in kept if siblings]
    return reduced


def exists(name: str, tree: Path) -> bool:
    """Whether a module of ours is in the tree; a module of somebody else counts as there."""
    path = Path(*name.split("."))
    if path.parts[0] not in {"pixmill", "pixmill_server"}:
        return True
    bases = [tree / folder / path for folder in SOURCE_FOLDERS]
    return any(base.with_suffix(".py").is_file() or (base / "__init__.py").is_file() for base in bases)


def _present_siblings(layer: str, container: str, tree: Path) -> Iterator[str]:
    for sibling in layer.split("|"):
        if exists(f"{container}.{sibling.strip()}", tree):
            yield sibling.strip()


def _assignments(table: Mapping[str, object]) -> list[str]:
    # A JSON string, list or boolean is also a TOML one.
    return [f"{key} = {json.dumps(value)}" for key, value in table.items()]


if __name__ == "__main__":
    sys.exit(main())
