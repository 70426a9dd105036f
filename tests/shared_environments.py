"""One folder of built environments for all servers of a test session: each is built once, not once a server."""

import re
from pathlib import Path


def share_environments(data: Path) -> None:
    """Before a server first starts on a data folder below pytest's own: have its environments where all of them are.

    Safe between processes: environments are content-addressed, built under a lock and moved in place at once.
    """
    link = data / "environments"
    shared = shared_environments(data)
    if shared is None or link.exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    link.symlink_to(shared)


def shared_environments(below: Path) -> Path | None:
    """The folder of the session to which a temporary folder belongs, one for all its processes; None: to no session."""
    session = next((folder for folder in (below, *below.parents) if re.fullmatch(r"pytest-\d+", folder.name)), None)
    if session is None:
        return None
    shared = session / "environments"
    shared.mkdir(exist_ok=True)
    return shared
