"""ARCHITECTURE.md names what exists, and every package has its line in the map."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
PACKAGES = [ROOT / "sdk/src/pixmill", ROOT / "server/src/pixmill_server"]
NOT_PACKAGES = {"bundle", "bundle.new"}


def test_every_file_that_the_page_names_exists() -> None:
    named = set(re.findall(r"`([a-z_]+/[a-z_]+\.py)`", PAGE))
    gone = [name for name in named if not any((package / name).is_file() for package in PACKAGES)]
    assert named
    assert not gone


def test_every_package_is_on_the_map() -> None:
    names = {path.stem for package in PACKAGES for path in package.iterdir() if _is_module(path)}
    missing = [name for name in sorted(names) if not re.search(rf"`{name}(/|\.py)?`", PAGE)]
    assert not missing


def _is_module(path: Path) -> bool:
    is_package = path.is_dir() and path.name not in NOT_PACKAGES
    return not path.name.startswith(("__init__", "__pycache__")) and (is_package or path.suffix == ".py")
