"""A Processing that is a container image: starts its child, which a *client* of the engine brings up and takes down.

The client is a program that whoever placed the Run names; it reads one JSON file, and is all that knows the engine.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from pixmill.environments import Limits, Room
from pixmill.runtime.plan import RunPlan

SDK: Final = "sdk"
FOLDERS: Final = "folders"
INPUT, OUTPUT = "input", "output"
_INSIDE: Final = "/pixmill"
_SOCKET: Final = "/pixmill/socket/supervisor"
_SPEC: Final = "container.json"


class PlacedImage(Struct):
    """An image that lies on this machine, and how to run it."""

    client: list[str]
    """The command of the client; the name of the JSON file goes after it."""
    engine: str
    image: str
    """Its id, or its digest: never a tag that may move."""
    owner: str
    contract: str
    """`sdk`: it has the SDK and a Processing's file; `folders`: its command reads a folder and writes one."""
    source: str = ""
    """Where the Processing's file is in the image."""
    command: list[str] = field(default_factory=list)
    """Empty: the image's own; for `sdk`: how its Python is called."""
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    working_folder: str = ""
    shared_memory_bytes: int = 0


def child_command(
    image: PlacedImage, room: Room, plan: RunPlan, limits: Limits, descriptors: Sequence[int]
) -> list[str]:
    """What to start with the descriptors (to the child, from it, its log) open; writes the client's JSON file.

    The folders of the Run are made such that whoever the image runs as can use them; they lie in one of ours alone.
    """
    mounts = [_mount(room.scratch / "work", "scratch", writable=True)]
    if image.contract == FOLDERS:
        mounts += [_mount(input_of(room.scratch), INPUT), _mount(room.scratch / OUTPUT, OUTPUT, writable=True)]
    mounts += [(str(real), f"{_INSIDE}/{name}", False) for name, real in room.files.items()]
    python = image.command or ["python3"]
    connecting = [*python, "-m", "pixmill.runtime.child", "--connect", _SOCKET]
    spec = _spec(image, plan, limits, mounts, image.command if image.contract == FOLDERS else connecting)
    path = room.scratch.parent / _SPEC
    path.write_text(json.dumps(spec))
    client = [*image.client, str(path)]
    told = [str(descriptor) for descriptor in descriptors]
    if image.contract == FOLDERS:
        return [sys.executable, "-m", "pixmill.runtime.folders", *told[:2], *client]
    return [*client, *told]


def input_of(scratch: Path) -> Path:
    """Where the images of a Run lie for `folders`: beside what counts as written by it."""
    return scratch.parent / INPUT


def _mount(folder: Path, name: str, *, writable: bool = False) -> tuple[str, str, bool]:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777 if writable else 0o755)
    return str(folder), f"{_INSIDE}/{name}", writable


def _spec(
    image: PlacedImage,
    plan: RunPlan,
    limits: Limits,
    mounts: Sequence[tuple[str, str, bool]],
    command: Sequence[str],
) -> dict[str, Any]:
    return {
        "engine": image.engine,
        "image": image.image,
        "owner": image.owner,
        "command": list(command),
        "environment": {
            "HOME": f"{_INSIDE}/scratch",
            "TMPDIR": f"{_INSIDE}/scratch",
            # The log is live: what Python prints is in it at once.
            "PYTHONUNBUFFERED": "1",
            **image.environment,
        },
        "mounts": list(mounts),
        "working_folder": image.working_folder or f"{_INSIDE}/scratch",
        "user": image.user,
        "network": plan.processing.requires_network,
        "cpus": limits.cpus,
        "memory_bytes": limits.memory_bytes,
        "processes": limits.processes,
        "shared_memory_bytes": image.shared_memory_bytes,
        "gpus": plan.limits.gpus,
    }
