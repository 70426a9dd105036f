"""`python -m pixmill.inference.telling FILE`: what a model file says of itself, as one JSON object on stdout.

For who does not want to parse somebody's file in their own process. Class names that are known come as a JSON array on
stdin; without any, those of the file count. Exit code 0 with `said`, or with `refused` and `hint`.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pixmill.errors import ModelError
from pixmill.inference.families import all_families
from pixmill.inference.metadata import ModelMetadata, read_metadata


def main(arguments: Sequence[str]) -> int:
    """Print the answer; 0."""
    labels = tuple(str(label) for label in json.loads(sys.stdin.read() or "[]"))
    json.dump(_answer(Path(arguments[0]), labels), sys.stdout)
    return 0


def _answer(file: Path, labels: tuple[str, ...]) -> dict[str, object]:
    try:
        said = read_metadata(file, labels=labels)
    except ModelError as error:
        return {"refused": error.message, "hint": error.hint}
    families = {name: family.title for name, family in all_families().items()}
    return {"said": _as_json(said), "families": families}


def _as_json(said: ModelMetadata) -> dict[str, object]:
    hinted = None if said.hinted_families is None else sorted(said.hinted_families)
    return {**asdict(said), "hinted_families": hinted}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
