"""The public Processings, as the bundle carries them: `NAME.py`, its hashed `NAME.lock`, and its schema, `NAME.json`.

The schema is read when the bundle is made (`tools/bundle.py`), in the environment of that lock.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pixmill.environments import parse_header
from pixmill.errors import ProcessingError
from pixmill_server.processings.records import Processings
from pixmill_server.processings.store import Code, store


def sync_builtins(processings: Processings, folder: Path) -> list[str]:
    """Make what is in the folder public; versions that are there already are left as they are. Gives their names."""
    return [store(processings, code, organization_id=None, user_id=None) for code in _bundled(folder)]


def _bundled(folder: Path) -> Iterator[Code]:
    for described in sorted(folder.glob("*.json")):
        try:
            source = described.with_suffix(".py").read_bytes()
            locked = described.with_suffix(".lock").read_bytes()
            schema = json.loads(described.read_bytes())
        except (OSError, ValueError) as error:
            raise ProcessingError(
                f"The built-in Processing {described.stem} cannot be read: {error}.", hint="Install Pixmill again."
            ) from error
        yield Code(source, locked, parse_header(source.decode()), schema)
