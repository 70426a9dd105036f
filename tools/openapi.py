"""`python -m tools.openapi`: write `docs/reference/openapi.json` anew. A test sees that it is current."""

import json
from pathlib import Path

from pixmill_server.app import create_api

COMMITTED = Path(__file__).resolve().parent.parent / "docs" / "reference" / "openapi.json"


def render() -> str:
    """The description, one key a line, so that a difference shows what changed."""
    return json.dumps(create_api().openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    COMMITTED.write_text(render())
