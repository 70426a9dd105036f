"""Runs that go on with others, and what becomes of the partial results of a failed one.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs that have failed keep their partial results, to be committed or dropped."""
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("runs", sa.Column("continues_id", sa.String(length=64), nullable=True))
    op.add_column("runs", sa.Column("carried", json, nullable=False, server_default="{}"))
    op.add_column("runs", sa.Column("partial", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE runs SET partial = 'kept' WHERE status IN ('failed', 'cancelled')")
