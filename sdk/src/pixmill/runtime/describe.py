"""`python -m pixmill.runtime.describe FD`: imports a Processing inside the sandbox and writes its schema to a pipe.

The question comes on stdin as JSON: the file's place (of a folder: what is put on the path, and the module), and how
to shut itself in.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from pixmill.authoring.schema import ProcessingSchema, read_schema
from pixmill.errors import ProcessingError
from pixmill.runtime.bootstrap import Trouble, attempt, load_module
from pixmill.runtime.confinement import confine
from pixmill.runtime.messages import SeenConfinement


def main(arguments: list[str]) -> int:
    """0: the answer is on the pipe; 1: the import failed, and its traceback is on stderr."""
    question = json.loads(sys.stdin.read())
    confine(msgspec.convert(question["confinement"], SeenConfinement))
    outcome = attempt(lambda: _describe(Path(question["source"]), question["module"]))
    if isinstance(outcome, Trouble):
        sys.stderr.write(outcome.traceback)
        return 1
    with os.fdopen(int(arguments[0]), "w") as answers:
        json.dump(outcome, answers)
    return 0


def _describe(source: Path, name: str) -> dict[str, Any]:
    module = load_module(source, name)
    try:
        schema: ProcessingSchema = read_schema(module)
    except ProcessingError as error:
        return {"refused": error.message, "hint": error.hint}
    return {"schema": schema}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
