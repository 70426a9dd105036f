"""The two wheels carry what they promise, and the light one is light."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVER_ONLY = {"fastapi", "lance", "obstore", "pyarrow", "sqlalchemy", "starlette"}


def build(distribution: str, folder: Path) -> zipfile.ZipFile:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT / distribution, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.parametrize(("distribution", "package"), [("sdk", "pixmill"), ("server", "pixmill_server")])
def test_a_wheel_holds_its_package_and_says_that_it_is_typed(distribution: str, package: str, tmp_path: Path) -> None:
    with build(distribution, tmp_path) as wheel:
        names = set(wheel.namelist())
    assert f"{package}/py.typed" in names
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {package}


@pytest.mark.parametrize("distribution", ["sdk", "server"])
def test_a_wheel_carries_every_file_of_its_package(distribution: str, tmp_path: Path) -> None:
    source = ROOT / distribution / "src"
    with build(distribution, tmp_path) as wheel:
        names = set(wheel.namelist())
    files = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert files - names == set()


def test_the_server_wheel_carries_the_sdk_and_nobody_elses_browser_code(tmp_path: Path) -> None:
    with build("server", tmp_path) as wheel:
        bundled = {name.removeprefix("pixmill_server/bundle/") for name in wheel.namelist() if "/bundle/" in name}
    version = tomllib.loads((ROOT / "sdk" / "pyproject.toml").read_text())["project"]["version"]
    assert f"sdk/pixmill-{version}-py3-none-any.whl" in bundled
    assert {name.partition("/")[0] for name in bundled} == {"sdk", "processings"}


def test_the_server_wheel_carries_every_built_in_processing_with_its_lock(tmp_path: Path) -> None:
    with build("server", tmp_path) as wheel:
        names = set(wheel.namelist())
    for source in (ROOT / "processings").glob("[!_]*.py"):
        assert f"pixmill_server/bundle/processings/{source.name}" in names
        assert f"pixmill_server/bundle/processings/{source.stem}.lock" in names


def test_the_sdk_is_imported_without_anything_of_the_server() -> None:
    script = "import sys, pixmill; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert not SERVER_ONLY & set(loaded.split())


def test_the_command_says_which_release_it_is() -> None:
    version = tomllib.loads((ROOT / "sdk" / "pyproject.toml").read_text())["project"]["version"]
    command = [str(Path(sys.executable).with_name("pixmill")), "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"pixmill {version}\n"
