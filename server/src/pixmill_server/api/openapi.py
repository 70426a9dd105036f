"""The description of REST, as OpenAPI 3.1. `python -m tools.openapi` commits it as `docs/reference/openapi.json`."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pixmill.wire.problems import PROBLEM_MEDIA_TYPE, Problem

_PROBLEM = "#/components/schemas/Problem"
_FASTAPIS_OWN = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> dict[str, Any]:
    """Every operation, each with the problems that it may answer."""
    described = get_openapi(
        title=app.title, version=app.version, summary=app.summary, openapi_version="3.1.0", routes=app.routes
    )
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for name in _FASTAPIS_OWN:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    for operations in described["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {
                "description": "Refused: what, why, and what to do.",
                "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}}},
            }
    return described
