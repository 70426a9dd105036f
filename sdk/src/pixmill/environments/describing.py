"""The schema of a Processing, read where its code may run: in its environment, shut in, without a network."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pixmill.environments.answers import read_answer
from pixmill.environments.building import Environment
from pixmill.environments.projects import Project
from pixmill.environments.sandbox import LandlockRules, Room, Tier, choose_tier
from pixmill.errors import ProcessingError

_TIMEOUT_SECONDS: Final = 120
_SAID_CHARACTERS: Final = 8000


def processing_schema(
    environment: Environment, source: Path, *, project: Project | None = None, sandbox: str = "auto"
) -> dict[str, Any]:
    """What `pixmill.authoring.schema.read_schema` says of a file, as JSON; of a folder with its project.

    Raises `ProcessingError` where it cannot be imported, with its own traceback, is no Processing, or answers with
    anything but a schema: user code runs where the answer is written.
    """
    tier = choose_tier(sandbox)
    with TemporaryDirectory() as scratch:
        room = Room(environment, Path(scratch), {f"processing/{source.name}": source.resolve()})
        seen = room.seen(f"processing/{source.name}", tier)
        question = {
            "source": str(seen / project.root if project else seen),
            "module": project.module if project else "",
            "confinement": {
                "landlock": _as_json(room.landlock_rules()) if tier is Tier.LANDLOCK else None,
                "drop_capabilities": tier is not Tier.BUBBLEWRAP,
                "refuse_sockets": tier is not Tier.BUBBLEWRAP,
            },
        }
        answer, said = _ask(room, tier, question)
    schema = read_answer(answer)
    if schema is None:
        raise ProcessingError(f"'{source.name}' cannot be imported.", hint=f"It said:\n{said[-_SAID_CHARACTERS:]}")
    return schema


def _ask(room: Room, tier: Tier, question: Mapping[str, object]) -> tuple[bytes, str]:
    """The answer comes by a pipe of its own, so that what the file prints cannot be taken for it."""
    reading, writing = os.pipe()
    try:
        command = room.command(tier, ["-m", "pixmill.runtime.describe", str(writing)])
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=room.scratch,
            env=room.variables(tier, threads=1),
            pass_fds=[writing],
        )
    finally:
        os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        try:
            said, _ = process.communicate(json.dumps(question).encode(), timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise ProcessingError(
                f"Importing the file took more than {_TIMEOUT_SECONDS} seconds.",
                hint="Move what takes long from the top of the file into the Processing.",
            ) from error
        # A process that it left behind may still hold the other end: what is there now is all there is.
        os.set_blocking(answers.fileno(), False)
        answer = answers.read() or b""
    return answer, said.decode(errors="replace")


def _as_json(rules: LandlockRules) -> dict[str, object]:
    return {"readable": rules.readable, "writable": rules.writable, "network": rules.network}
