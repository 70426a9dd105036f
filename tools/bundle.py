"""Fill the server's bundle: the SDK's wheel and the built-in Processings.

The bundle is what the server's wheel carries beside its code; `make setup` makes it anew when a source of it changed.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

from pixmill.authoring.schema import ProcessingSchema, read_schema

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "server" / "src" / "pixmill_server" / "bundle"


def main() -> None:
    """Replace the bundle as a whole; a failure leaves the old one in place."""
    fresh = BUNDLE.with_name("bundle.new")
    shutil.rmtree(fresh, ignore_errors=True)
    build_sdk_wheel(fresh / "sdk")
    copy_processings(fresh / "processings")
    shutil.rmtree(BUNDLE, ignore_errors=True)
    fresh.rename(BUNDLE)


def build_sdk_wheel(folder: Path) -> None:
    """The same sources give the same bytes, so environments made with an equal wheel are shared."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT / "sdk", check=True, capture_output=True)


def copy_processings(folder: Path) -> None:
    """Each built-in Processing is one file, its lock, and its schema, which the server shows without importing it."""
    folder.mkdir(parents=True)
    for source in sorted((ROOT / "processings").glob("[!_]*.py")):
        for path in (source, source.with_suffix(".lock")):
            shutil.copyfile(path, folder / path.name)
        (folder / f"{source.stem}.json").write_text(json.dumps(schema_of(source), indent=2) + "\n")


def schema_of(source: Path) -> ProcessingSchema:
    """Read here, without a sandbox: a built-in Processing is code of this repository."""
    spec = importlib.util.spec_from_file_location(source.stem, source)
    if spec is None or spec.loader is None:
        raise ImportError(source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return read_schema(module)


if __name__ == "__main__":
    main()
