"""How column types are written in migrations: as plain types, so that an old step never needs today's code."""

from typing import Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON

from pixmill_server.db.base import UtcDateTime


def render_item(kind: str, item: object, context: AutogenContext) -> str | Literal[False]:
    """Alembic's hook: the source of one item, or False for its own way."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, JSON):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False
