"""One folder of built environments for all servers of a test session: each is built once, not once a server."""

import re
from pathlib import Path


def share_environments(data: Path) -> None:
    """Before a server first starts on a data folder below pytest's own: have its environments where all of them are.

    Safe between processes: environments are content-addressed, built under a lock and moved in place at once.
    """
    session = next((folder for folder in data.parents if re.fullmatch(r"pytest-\d+", folder.name)), None)
    link = data / "environments"
    if session is None or link.exists():
        return
    shared = session / "environments"
    shared.mkdir(exist_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    link.symlink_to(shared)
