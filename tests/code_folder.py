"""A Processing's folder on disk."""

from collections.abc import Mapping
from pathlib import Path


def lay_out(files: Mapping[str, bytes], folder: Path) -> Path:
    """Files by their path in a new folder, to be changed by a test; the folder."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder
